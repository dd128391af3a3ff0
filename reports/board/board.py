"""The head-to-head table as a plain object: rows against cells, ready for any writer."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from reports.board.behind import Behind
from reports.board.order import DIFFERENT, SAME, architecture, arranged_cells, arranged_rows, heading_of
from reports.board.score import Score, by_seed, collapsed_among, is_searched, missing, score
from reports.board.searches import Choice, choices
from reports.board.verdicts import Column, Verdict, leader
from reports.results import naming
from reports.results.measures import TOP1, Measure, by_dataset
from reports.results.standing import notes as standing_notes
from reports.results.states import ENDED
from reports.results.sweep import Cell, Options, Row, read_cells, read_options, read_rows
from reports.statistics.families import Family
from reports.statistics.spread import best, second
from reports.stores import METHOD_PREFIX

if TYPE_CHECKING:
    from reports.results.results import Results

ALONE = "ce"
"""The method without a teacher."""

NO_TEACHER = "not trained here"
"""Where a teacher came with weights of its own, the sweep has not measured it."""


NOT_ASKED = "not asked for"
"""Where several sweeps are one, none of them has the row in the cell."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table with a score for each cell."""

    kind: Literal["teacher", "alone", "method"]
    row: Row
    shown: str
    """The row as people read it; another may be shown alike."""
    searched: bool
    scores: tuple[Score, ...]
    group: str = ""
    """Heading that it stands under; empty where it is not known."""
    spent: tuple[int, ...] = ()
    """Trainings that its search has spent in each cell; empty for a fixed row."""


@dataclass(frozen=True, slots=True)
class Board:
    """The whole head-to-head table."""

    name: str
    cells: tuple[Cell, ...]
    lines: tuple[Line, ...]
    """Teacher, student alone, then the methods in the sweep's order."""
    choices: tuple[Choice, ...]
    """What the searches tuned, spent and chose."""
    baseline: str
    """Shown name of the row that others are compared with; empty for none."""
    options: Options
    by_dataset: Mapping[str, Measure]
    """What the trials of each data set are scored by."""
    reference: str = ""
    """Shown name of the row that gains are counted from: the baseline, else the student alone; empty for none."""
    reference_place: int | None = None
    """Place of its line: several may be shown by the same name. None for none."""
    to_reference: tuple[tuple[Verdict | None, ...], ...] = ()
    """Of each line in each cell, against the reference; None for the reference itself and where a number lacks."""
    to_best: tuple[tuple[Verdict | None, ...], ...] = ()
    """Likewise against the highest mean of the column; of methods alone."""
    leaders: tuple[int | None, ...] = ()
    """Place of the line with the highest mean in each cell."""
    families: tuple[Family | None, ...] = ()
    """Of each cell, the rows that are judged together and their common variance; None where nothing can be tested."""
    notes: tuple[str, ...] = ()
    """What is still missing, and how results came together, in sentences."""
    budget: int | None = None
    """Proposals that each search may make, the same for all rows; None where it is not known."""
    part: str = ""
    """Which part of the sweep's board this is: pairs of the same or of different architectures; empty: all of it."""

    @property
    def several_datasets(self) -> bool:
        """Whether a column must name its data set."""
        return len({cell.dataset for cell in self.cells}) > 1

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Return what the columns hold, each once; accuracy alone needs no label."""
        return tuple(dict.fromkeys(self.measure(cell) for cell in self.cells)) or (TOP1,)

    def of(self, places: Sequence[int], part: str) -> "Board":
        """Return the board of some of its cells, which has averages and ranks of its own."""
        lines = (
            dataclasses.replace(
                line,
                scores=tuple(line.scores[i] for i in places),
                spent=tuple(line.spent[i] for i in places) if line.spent else (),
            )
            for line in self.lines
        )
        cells = tuple(self.cells[i] for i in places)
        return dataclasses.replace(
            self,
            cells=cells,
            lines=tuple(lines),
            choices=tuple(choice for choice in self.choices if choice.cell in cells),
            to_reference=tuple(tuple(of[i] for i in places) for of in self.to_reference),
            to_best=tuple(tuple(of[i] for i in places) for of in self.to_best),
            leaders=tuple(self.leaders[i] for i in places) if self.leaders else (),
            families=tuple(self.families[i] for i in places) if self.families else (),
            part=part,
        )

    def parts(self) -> "list[Board]":
        """Return the boards of pairs of one architecture and of two, as the literature has them.

        The board itself where either has fewer than two pairs, whose average says nothing.
        """
        kinds = {kind: [i for i, c in enumerate(self.cells) if architecture(c) == kind] for kind in (SAME, DIFFERENT)}
        pairs = [{(self.cells[i].teacher, self.cells[i].student) for i in of} for of in kinds.values()]
        if min(map(len, pairs)) < 2 or sum(map(len, kinds.values())) < len(self.cells):
            return [self]
        return [self.of(places, kind) for kind, places in kinds.items()]

    def measure(self, cell: Cell) -> Measure:
        """Return what a cell's trials are scored by."""
        return self.by_dataset.get(cell.dataset, TOP1)


def build(results: "Results", measure: Measure | None = None) -> Board:
    """Return the head-to-head table of a sweep, with whatever has ended so far.

    Args:
        measure: by default what the trials are scored by; with `TOP5`, the columns where any trial has such a score.
    """
    options, trials = read_options(results.resolved), results.trials
    teachers, students = trials[trials["phase"] == "teacher"], trials[trials["phase"] != "teacher"]
    measures = by_dataset(trials, results.resolved)
    cells = arranged_cells(read_cells(results.resolved, students["cell"].dropna()))
    parts = Parts(students)
    if measure is not None:
        having = trials[trials[measure.final].notna()]
        known = set(having["cell"])
        cells = [cell for cell in cells if cell.id in known or not of_teacher(having, cell).empty]
        measures = dict.fromkeys(measures, measure)
    rows = read_rows(results.resolved, _member_rows(students))
    searched = {row.label: any(is_searched(parts.of(cell, row), row) for cell in cells) for row in rows}
    rows = arranged_rows(rows, options, searched)
    top = _teacher_line(teachers, cells, measures)
    lines = [_student_line(parts, row, cells, options, searched[row.label], measures) for row in rows]
    lines = [_not_asked(_blame_teacher(line, top), cells, results.resolved) for line in lines]
    lines.sort(key=lambda line: line.kind != "alone")  # stable: the order of rows within each kind
    behind = Behind(results)
    top, *lines = (_with_trials(line, cells, behind) for line in (top, *lines))
    baseline = named(lines, options.baseline)
    table = Board(
        name=results.name,
        cells=tuple(cells),
        lines=(top, *lines),
        choices=tuple(c for r in rows for x in cells for c in choices(parts.of(x, r), r, x, behind.of(x, r.label))),
        baseline="" if baseline is None else baseline.shown,
        options=options,
        notes=(*results.notes, *standing_notes(results), *_alike((top, *lines), cells)),
        by_dataset=measures,
        budget=_budget(results.resolved),
    )
    table = _united(table)
    place = None if baseline is None else lines.index(baseline)
    return _marked(_tested(table, None if place is None else place + 1))


def _alike(lines: Sequence[Line], cells: Sequence[Cell]) -> Iterator[str]:
    """Yield which rows and which columns are shown alike."""
    yield from naming.alike("rows", [(line.row.label, line.shown) for line in lines])
    yield from naming.alike("columns", [(cell.id, cell.title) for cell in cells])


class Parts:
    """The trials of each row in each cell, each copied out when it is first asked for: there may be thousands, and a
    table has a column for every hyperparameter of any method; a row gets those of its own if it was searched."""

    def __init__(self, trials: pd.DataFrame) -> None:
        texts = [name for name in trials.columns if isinstance(trials[name].dtype, pd.StringDtype)]
        self._whole = trials.astype(dict.fromkeys(texts, object))  # of which a few lines are taken much faster
        self._few = self._whole[[name for name in trials.columns if not name.startswith(METHOD_PREFIX)]].copy()
        self._places = trials.groupby(["cell", "row"], sort=False).indices
        self._sources: dict[str, pd.DataFrame] = {}
        for label, own in self._whole.groupby("row", sort=False):
            if (own["phase"] != "fixed").any():
                names = [name for name in own if name in self._few or own[name].notna().any()]
                self._sources[str(label)] = self._whole[names].copy()
        self._parts: dict[tuple[str, str], pd.DataFrame] = {}

    def of(self, cell: Cell, row: Row) -> pd.DataFrame:
        """Return the trials, without hyperparameters where all rows of that label are fixed."""
        key = (cell.id, row.label)
        if key not in self._parts:
            source = self._sources.get(row.label, self._few)
            self._parts[key] = source.iloc[self._places[key]] if key in self._places else source.iloc[:0]
        return self._parts[key]


def _member_rows(trials: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Return (entry, row, method) once for each row; the method is empty while no trial of the row has a run."""
    known: dict[str, tuple[str, str, str]] = {}
    for entry, label, method in zip(trials["entry"], trials["row"], trials["method"], strict=True):
        if label not in known or not known[label][2]:
            known[label] = (entry, label, "" if pd.isna(method) else method)
    return list(known.values())


def _teacher_line(teachers: pd.DataFrame, cells: Sequence[Cell], measures: Mapping[str, Measure]) -> Line:
    scores = []
    for cell in cells:
        trials, measure = of_teacher(teachers, cell), measures.get(cell.dataset, TOP1)
        reason = NO_TEACHER if trials.empty else missing(trials, trials, searched=False, measure=measure)
        scored = by_seed(trials, measure)
        scores.append(Score(scored, reason, collapsed=collapsed_among(trials, scored)))
    return Line("teacher", Row("", "teacher"), "teacher", searched=False, scores=tuple(scores))


def of_teacher(teachers: pd.DataFrame, cell: Cell) -> pd.DataFrame:
    """Return the trials of a cell's teacher among those of all teachers, each once."""
    own = teachers[(teachers["dataset"] == cell.dataset) & (teachers["student"] == cell.teacher)]
    return own.drop_duplicates("trial_key")


def _student_line(
    parts: Parts, row: Row, cells: Sequence[Cell], options: Options, searched: bool, measures: Mapping[str, Measure]
) -> Line:
    trials = [parts.of(cell, row) for cell in cells]
    kind: Literal["alone", "method"] = "alone" if row.method == ALONE and not searched else "method"
    return Line(
        kind=kind,
        row=row,
        shown=row.shown,
        searched=searched,
        scores=tuple(
            score(part, row, measures.get(cell.dataset, TOP1)) for cell, part in zip(cells, trials, strict=True)
        ),
        group=heading_of(row, options),
        spent=tuple(_spent(part) for part in trials) if searched else (),
    )


def _budget(resolved: Mapping[str, Any]) -> int | None:
    trials = ((resolved.get("given") or {}).get("search") or {}).get("trials")
    return None if trials is None else int(trials)


def _spent(trials: pd.DataFrame) -> int:
    """Return how many trainings a search has ended."""
    return int(((trials["phase"] == "search") & trials["state"].isin(ENDED)).sum())


def _blame_teacher(line: Line, teacher: Line) -> Line:
    """Say of trials that were never started that their teacher is the reason, where it is."""
    if line.kind == "alone":
        return line
    scores = tuple(
        dataclasses.replace(ours, missing=f"not run: teacher {theirs.missing.split()[0]}")
        if ours.missing == "not run" and theirs.missing.startswith(("failed", "diverged"))
        else ours
        for ours, theirs in zip(line.scores, teacher.scores, strict=True)
    )
    return dataclasses.replace(line, scores=scores)


def _not_asked(line: Line, cells: Sequence[Cell], resolved: Mapping[str, Any]) -> Line:
    """Say where no sweep of several asks for a row in a cell."""
    absent = {tuple(one) for one in resolved.get("not_asked") or ()}
    scores = (
        dataclasses.replace(score, missing=NOT_ASKED) if (cell.id, line.row.label) in absent else score
        for cell, score in zip(cells, line.scores, strict=True)
    )
    return dataclasses.replace(line, scores=tuple(scores)) if absent else line


def _with_trials(line: Line, cells: Sequence[Cell], behind: Behind) -> Line:
    """Return the line with the trials behind each of its scores."""
    found = (behind.of_teacher(c) if line.kind == "teacher" else behind.of(c, line.row.label) for c in cells)
    scores = (dataclasses.replace(score, trials=trials) for score, trials in zip(line.scores, found, strict=True))
    return dataclasses.replace(line, scores=tuple(scores))


def _united(board: Board) -> Board:
    """Return the board with rows of one configuration in a cell sharing its trainings: one mean, one competitor."""
    lines = [list(line.scores) for line in board.lines]
    for column in range(len(board.cells)):
        first: dict[str, int] = {}
        for place, scores in enumerate(lines):
            if config := scores[column].config:
                first.setdefault(config, place)
        for place, scores in enumerate(lines):
            own = first.get(scores[column].config, place)
            if own != place:
                ours, theirs = scores[column], lines[own][column]
                trials = tuple(dict.fromkeys((*theirs.trials, *ours.trials)))
                union = {**ours.by_seed, **theirs.by_seed}
                collapsed = max(ours.collapsed, theirs.collapsed)
                lines[own][column] = dataclasses.replace(theirs, by_seed=union, trials=trials, collapsed=collapsed)
        for place, scores in enumerate(lines):
            own = first.get(scores[column].config, place)
            if own != place:
                theirs = lines[own][column]
                scores[column] = dataclasses.replace(
                    scores[column], by_seed=theirs.by_seed, collapsed=theirs.collapsed, same_as=own
                )
    united = (dataclasses.replace(ln, scores=tuple(scores)) for ln, scores in zip(board.lines, lines, strict=True))
    return dataclasses.replace(board, lines=tuple(united))


def _tested(board: Board, baseline: int | None) -> Board:
    """Return the board with each row tested against the best of its column and against the reference.

    Args:
        baseline: place of the line that the sweep names; None: the student alone where it has a score.
    """
    lines, options = board.lines, board.options
    alone = (i for i, line in enumerate(lines) if line.kind == "alone" and any(s.by_seed for s in line.scores))
    reference = next(alone, None) if baseline is None else baseline
    leaders, to_best, to_reference, families = [], [], [], []
    for column in range(len(board.cells)):
        found = [line.scores[column] for line in lines]
        takes_part = [ln.kind != "teacher" and s.same_as is None for ln, s in zip(lines, found, strict=True)]
        scores = [s.by_seed if own else {} for s, own in zip(found, takes_part, strict=True)]
        collapsed = [place for place, s in enumerate(found) if s.collapsed]
        judged = Column.of(scores, collapsed, options.level, separate=options.separate)
        methods = [s if line.kind == "method" else {} for s, line in zip(scores, lines, strict=True)]
        leaders.append(leader(methods))
        best = judged.against_best(leaders[-1])
        best = [verdict if methods[place] else None for place, verdict in enumerate(best)]
        declared = None if reference is None else _own(found, reference)
        to_best.append(_repeated(best, found))
        to_reference.append(_repeated(judged.against_declared(declared), found))
        families.append(judged.judged)
    return dataclasses.replace(
        board,
        reference="" if reference is None else lines[reference].shown,
        reference_place=reference,
        to_reference=tuple(zip(*to_reference, strict=True)),
        to_best=tuple(zip(*to_best, strict=True)),
        leaders=tuple(leaders),
        families=tuple(families),
    )


def _own(column: Sequence[Score], place: int) -> int:
    """Return the place of the line whose trainings a score is made of."""
    same = column[place].same_as
    return place if same is None else same


def _repeated(verdicts: Sequence[Verdict | None], column: Sequence[Score]) -> list[Verdict | None]:
    """Return the verdicts, with those of a configuration for every line that repeats it."""
    return [verdicts[_own(column, place)] for place in range(len(column))]


def _marked(board: Board) -> Board:
    """Return the board with the best and the second of each column marked, and what is known to differ."""
    lines, level = [list(line.scores) for line in board.lines], board.options.level
    for column in range(len(board.cells)):
        stats = [line.scores[column].stat if line.kind == "method" else None for line in board.lines]
        firsts, seconds = best(stats, board.options.digits), second(stats, board.options.digits)
        for place, scores in enumerate(lines):
            to_best, to_reference = board.to_best[place][column], board.to_reference[place][column]
            scores[column] = dataclasses.replace(
                scores[column],
                best=firsts[place],
                second=seconds[place],
                lower=to_best is not None and to_best.significant(level) is True and not firsts[place],
                differs=to_reference is not None and to_reference.significant(level) is True,
            )
    marked = (dataclasses.replace(ln, scores=tuple(scores)) for ln, scores in zip(board.lines, lines, strict=True))
    return dataclasses.replace(board, lines=tuple(marked))


def named(lines: Sequence[Line], wanted: str) -> Line | None:
    """Return the row of a label, else the first one of an entry; None where there is none, or nothing is wanted."""
    rows = [line for line in lines if wanted and line.row.label == wanted]
    return next(iter([*rows, *(line for line in lines if wanted and line.row.entry == wanted)]), None)
