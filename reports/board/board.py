"""The head-to-head table as a plain object: rows against cells, ready for any writer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar

import pandas as pd

from reports.board.behind import Behind
from reports.board.order import DIFFERENT, SAME, architecture, arranged_cells, arranged_rows, heading_of
from reports.board.score import Score, by_seed, collapsed_among, is_searched, missing, score
from reports.board.searches import Choice, choices
from reports.board.settled import Settling, judged, read_settling, trained
from reports.board.verdicts import Verdict, leader, verdicts
from reports.results import naming
from reports.results.measures import TOP1, Measure, by_dataset
from reports.results.states import ENDED, TEACHER, unfinished
from reports.results.sweep import ALONE, Cell, Options, Row, read_cells, read_options, read_rows
from reports.statistics.families import Family, family
from reports.statistics.spread import best, second

if TYPE_CHECKING:
    from reports.results.results import Results

Item = TypeVar("Item")
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
    behind: Behind
    """The trials of each row in each cell."""
    options: Options
    by_dataset: Mapping[str, Measure]
    """What the trials of each data set are scored by."""
    baseline: str = ""
    """Shown name of the row that others are compared with; empty for none."""
    reference_place: int | None = None
    """Place of the line that gains are counted from: the baseline, else the student alone; None for none."""
    leaders: tuple[int | None, ...] = ()
    """Place of the line with the highest mean in each cell."""
    families: tuple[Family | None, ...] = ()
    """Of each cell, the rows that are judged together and their common variance; None where nothing can be tested."""
    settling: Settling | None = None
    """How seeds were added to rows until they were settled; None where all have the same."""
    notes: tuple[str, ...] = ()
    """What is still missing, and how results came together, in sentences."""
    part: str = ""
    """Which part of the sweep's board this is: pairs of the same or of different architectures; empty: all of it."""

    @property
    def reference_line(self) -> Line | None:
        """The line that gains are counted from."""
        return None if self.reference_place is None else self.lines[self.reference_place]

    @property
    def reference(self) -> str:
        """Its shown name; empty for none."""
        return "" if self.reference_line is None else self.reference_line.shown

    @property
    def declared(self) -> str:
        """Shown name of the row that comparisons are settled with; empty for none."""
        place = None if self.settling is None else self.settling.place
        return "" if place is None else self.lines[place].shown

    @property
    def to_reference(self) -> tuple[tuple[Verdict | None, ...], ...]:
        """Of each line in each cell, against the reference; None for the reference itself and where a number lacks."""
        return tuple(tuple(score.to_reference for score in line.scores) for line in self.lines)

    @property
    def to_best(self) -> tuple[tuple[Verdict | None, ...], ...]:
        """Likewise against the highest mean of the column; of methods alone."""
        return tuple(tuple(score.to_best for score in line.scores) for line in self.lines)

    @property
    def several_datasets(self) -> bool:
        """Whether a column must name its data set."""
        return len({cell.dataset for cell in self.cells}) > 1

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Return what the columns hold, each once; accuracy alone needs no label."""
        return tuple(dict.fromkeys(self.measure(cell) for cell in self.cells)) or (TOP1,)

    def measure(self, cell: Cell) -> Measure:
        """Return what a cell's trials are scored by."""
        return self.by_dataset.get(cell.dataset, TOP1)

    def of(self, places: Sequence[int], part: str) -> "Board":
        """Return the board of some of its cells, which has averages and ranks of its own."""
        cells = _some(self.cells, places)
        lines = (
            replace(line, scores=_some(line.scores, places), spent=_some(line.spent, places)) for line in self.lines
        )
        return replace(
            self,
            cells=cells,
            lines=tuple(lines),
            choices=tuple(choice for choice in self.choices if choice.cell in cells),
            leaders=_some(self.leaders, places),
            families=_some(self.families, places),
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


def _some(values: tuple[Item, ...], places: Sequence[int]) -> tuple[Item, ...]:
    return tuple(values[i] for i in places) if values else ()


def build(results: "Results", measure: Measure | None = None, behind: Behind | None = None) -> Board:
    """Return the head-to-head table of a sweep as a plain object, with whatever has ended so far.

    Args:
        measure: by default what the trials are scored by; with `TOP5`, the columns where any trial has such a score.
    """
    options, trials, resolved = read_options(results.resolved), results.trials, results.resolved
    students, behind = trials[trials["phase"] != TEACHER], behind or Behind(trials)
    measures = by_dataset(trials, resolved)
    cells = arranged_cells(read_cells(resolved, students["cell"].dropna()))
    if measure is not None:
        known = set(trials.loc[trials[measure.final].notna(), "cell"])
        cells = [cell for cell in cells if {cell.id, f"{cell.dataset}: {cell.teacher}"} & known]
        measures = dict.fromkeys(measures, measure)
    rows = read_rows(resolved, _member_rows(students))
    searched = {row.label: any(is_searched(behind.of(cell, row), row) for cell in cells) for row in rows}
    rows = arranged_rows(rows, options, searched)
    own = ((_teacher(behind.of(cell, None), measures.get(cell.dataset, TOP1)), cell) for cell in cells)
    scores = tuple(replace(one, trials=behind.places(cell, None)) for one, cell in own)
    top = Line("teacher", Row("", TEACHER), TEACHER, searched=False, scores=scores)
    absent = {tuple(one) for one in resolved.get("not_asked") or ()}
    lines = []
    for row in rows:
        alone, found = row.method == ALONE and not searched[row.label], []
        for cell, teacher in zip(cells, top.scores, strict=True):
            one = score(behind.of(cell, row), row, measures.get(cell.dataset, TOP1))
            why = one.missing
            if (cell.id, row.label) in absent:
                why = NOT_ASKED
            elif not alone and why == "not run" and teacher.missing.startswith(("failed", "diverged")):
                why = f"not run: teacher {teacher.missing.split()[0]}"
            found.append(replace(one, missing=why, trials=behind.places(cell, row)))
        spent = tuple(_spent(behind.of(cell, row)) for cell in cells) if searched[row.label] else ()
        group = heading_of(row, options)
        kind: Literal["alone", "method"] = "alone" if alone else "method"
        lines.append(Line(kind, row, row.shown, searched[row.label], tuple(found), group, spent))
    lines = [top, *sorted(lines, key=lambda line: line.kind != "alone")]
    alike = naming.alike("rows", [(line.row.label, line.shown) for line in lines])
    settling = read_settling(resolved, [line.row.label for line in lines], judges=measure is None)
    board = Board(
        name=results.name,
        cells=tuple(cells),
        lines=_united(lines),
        choices=tuple(c for r in rows for x in cells for c in choices(behind, r, x) if measure is None),
        behind=behind,
        options=options,
        notes=(
            *(*results.notes, *unfinished(results), *alike),
            *naming.alike("columns", [(cell.id, cell.title) for cell in cells]),
        ),
        by_dataset=measures,
        settling=settling,
    )
    return _settled(_judged(board))


def _member_rows(trials: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Return (entry, row, method) once for each row; the method is empty while no trial of the row has a run."""
    known: dict[str, tuple[str, str, str]] = {}
    for entry, label, method in zip(trials["entry"], trials["row"], trials["method"], strict=True):
        if label not in known or not known[label][2]:
            known[label] = (entry, label, "" if pd.isna(method) else method)
    return list(known.values())


def _teacher(trials: pd.DataFrame, measure: Measure) -> Score:
    reason = NO_TEACHER if trials.empty else missing(trials, trials, searched=False, measure=measure)
    scored = by_seed(trials, measure)
    return Score(scored, reason, collapsed=collapsed_among(trials, scored))


def _spent(trials: pd.DataFrame) -> int:
    """Return how many trainings a search has ended."""
    return int(((trials["phase"] == "search") & trials["state"].isin(ENDED)).sum())


def _rescored(lines: Sequence[Line], columns: Iterable[Sequence[Score]]) -> tuple[Line, ...]:
    """Return the lines with the scores of these columns."""
    rows = zip(*columns, strict=True) if lines and lines[0].scores else [()] * len(lines)
    return tuple(replace(line, scores=tuple(scores)) for line, scores in zip(lines, rows, strict=True))


def _united(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines with rows of one configuration in a cell sharing its trainings: one mean, one competitor."""
    columns = [list(column) for column in zip(*(line.scores for line in lines), strict=True)]
    for column in columns:
        first: dict[str, int] = {}
        for place, ours in enumerate(column):
            own = first.setdefault(ours.config, place) if ours.config else place
            if own != place:
                theirs = column[own]
                column[own] = replace(
                    theirs,
                    by_seed={**ours.by_seed, **theirs.by_seed},
                    trials=tuple(dict.fromkeys((*theirs.trials, *ours.trials))),
                    collapsed=max(ours.collapsed, theirs.collapsed),
                )
        for place, ours in enumerate(column):
            if (own := first.get(ours.config, place)) != place:
                theirs = column[own]
                column[place] = replace(ours, by_seed=theirs.by_seed, collapsed=theirs.collapsed, same_as=own)
    return _rescored(lines, columns)


def _judged(board: Board) -> Board:
    """Return the board with each row tested against the best of its column and against the reference: the row that the
    sweep names, else the student alone where it has a score. The best and the second of each column are marked."""
    lines, level, digits = board.lines, board.options.level, board.options.digits
    baseline = named(lines[1:], board.options.baseline)
    alone = (i for i, line in enumerate(lines) if line.kind == "alone" and any(s.by_seed for s in line.scores))
    reference = next(alone, None) if baseline is None else lines.index(baseline)
    leaders, families, columns = [], [], []
    for column in zip(*(line.scores for line in lines), strict=True):
        owns = [place if score.same_as is None else score.same_as for place, score in enumerate(column)]
        scores = [
            score.by_seed if line.kind != TEACHER and own == place else {}
            for place, (line, score, own) in enumerate(zip(lines, column, owns, strict=True))
        ]
        is_method = [line.kind == "method" for line in lines]
        outside = [place for place, score in enumerate(column) if score.collapsed]
        found_family = None if board.settling is not None else family(scores, outside)
        top = leader([by if method else {} for by, method in zip(scores, is_method, strict=True)])
        declared = None if reference is None else owns[reference]
        separate = board.options.separate
        to_best = verdicts(scores, top, found_family, level, declared=False, separate=separate)
        to_reference = verdicts(scores, declared, found_family, level, declared=True, separate=separate)
        stats = [score.stat if method else None for score, method in zip(column, is_method, strict=True)]
        firsts, seconds = best(stats, digits), second(stats, digits)
        found = []
        for place, (one, own) in enumerate(zip(column, owns, strict=True)):
            of_best, of_reference = to_best[own] if is_method[own] else None, to_reference[own]
            found.append(
                replace(
                    one,
                    best=firsts[place],
                    second=seconds[place],
                    lower=of_best is not None and of_best.significant(level) is True and not firsts[place],
                    differs=of_reference is not None and of_reference.significant(level) is True,
                    to_best=of_best,
                    to_reference=of_reference,
                )
            )
        leaders.append(top)
        families.append(found_family)
        columns.append(found)
    return replace(
        board,
        lines=_rescored(lines, columns),
        baseline="" if baseline is None else baseline.shown,
        reference_place=reference,
        leaders=tuple(leaders),
        families=tuple(families),
    )


def _settled(board: Board) -> Board:
    """Return the board with how each row stands to the one that comparisons are settled with."""
    if board.settling is None:
        return board
    columns = []
    for i, cell in enumerate(board.cells):
        column, measure = [line.scores[i] for line in board.lines], board.measure(cell)
        rows = {
            place: trained(board.behind.of(cell, line.row), measure)
            for place, line in enumerate(board.lines)
            if line.kind != TEACHER and column[place].missing != NOT_ASKED
        }
        found = judged(rows, board.settling, board.options.level)
        columns.append(
            [replace(one, standing=found.get(place) if one.by_seed else None) for place, one in enumerate(column)]
        )
    return replace(board, lines=_rescored(board.lines, columns))


def named(lines: Sequence[Line], wanted: str) -> Line | None:
    """Return the row of a label, else the first one of an entry; None where there is none, or nothing is wanted."""
    rows = [line for line in lines if wanted and line.row.label == wanted]
    return next(iter([*rows, *(line for line in lines if wanted and line.row.entry == wanted)]), None)
