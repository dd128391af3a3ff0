"""The head-to-head table as a plain object: rows against cells, ready for any writer."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from reports.choices import Choice, choices
from reports.measures import TOP1, Measure, by_dataset
from reports.resolved import Cell, Options, Row, read_cells, read_options, read_rows
from reports.scores import Score, by_seed, is_searched, missing, score
from reports.spread import Stat, best, paired_difference

if TYPE_CHECKING:
    from reports.results import Results

ALONE = "ce"
"""The method without a teacher."""

NO_TEACHER = "not trained here"
"""Where a teacher came with weights of its own, the sweep has not measured it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table with a score for each cell."""

    kind: Literal["teacher", "alone", "method"]
    row: Row
    shown: str
    """The row's label, or the name that the sweep's `report:` gives it."""
    searched: bool
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a row has over the baseline in each cell, in points, seed by seed."""

    shown: str
    stats: tuple[Stat | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The whole head-to-head table."""

    name: str
    cells: tuple[Cell, ...]
    lines: tuple[Line, ...]
    """Teacher, student alone, then the methods in the sweep's order."""
    choices: tuple[Choice, ...]
    """What the searches tuned, spent and chose."""
    baseline: str
    """Shown name of the row that others are compared with; empty for none."""
    differences: tuple[Difference, ...]
    options: Options
    by_dataset: Mapping[str, Measure]
    """What the trials of each data set are scored by."""

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


def build(results: "Results") -> Table:
    """Return the head-to-head table of a sweep, with whatever has ended so far."""
    options, trials = read_options(results.resolved), results.trials
    teachers, students = trials[trials["phase"] == "teacher"], trials[trials["phase"] != "teacher"]
    cells = read_cells(results.resolved, students["cell"].dropna())
    rows = read_rows(results.resolved, _member_rows(students))
    parts = Parts(students)
    top = _teacher_line(teachers, cells)
    lines = [_blame_teacher(_student_line(parts, row, cells, options), top) for row in rows]
    lines.sort(key=lambda line: line.kind != "alone")  # stable: the sweep's order within each kind
    baseline = _baseline(lines, options)
    return Table(
        name=results.name,
        cells=tuple(cells),
        lines=(top, *_mark_best(lines, options.digits)),
        choices=tuple(c for r in rows for x in cells for c in choices(parts.of(x, r), r, options.shown(r), x)),
        baseline="" if baseline is None else baseline.shown,
        differences=() if baseline is None else tuple(_differences(lines, baseline)),
        options=options,
        by_dataset=by_dataset(trials, results.resolved),
    )


class Parts:
    """The trials of each row in each cell."""

    def __init__(self, trials: pd.DataFrame) -> None:
        self._none = trials.iloc[:0]
        self._parts = dict(iter(trials.groupby(["cell", "row"], sort=False)))

    def of(self, cell: Cell, row: Row) -> pd.DataFrame:
        return self._parts.get((cell.id, row.label), self._none)


def _member_rows(trials: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Return (entry, row, method) once for each row; the method is empty while no trial of the row has a run."""
    known: dict[str, tuple[str, str, str]] = {}
    for entry, label, method in zip(trials["entry"], trials["row"], trials["method"], strict=True):
        if label not in known or not known[label][2]:
            known[label] = (entry, label, "" if pd.isna(method) else method)
    return list(known.values())


def _teacher_line(teachers: pd.DataFrame, cells: Sequence[Cell]) -> Line:
    scores = []
    for cell in cells:
        trials = of_teacher(teachers, cell)
        reason = NO_TEACHER if trials.empty else missing(trials, trials, searched=False)
        scores.append(Score(by_seed(trials), reason))
    return Line("teacher", Row("", "teacher"), "teacher", searched=False, scores=tuple(scores))


def of_teacher(teachers: pd.DataFrame, cell: Cell) -> pd.DataFrame:
    """Return the trials of a cell's teacher among those of all teachers, each once."""
    own = teachers[(teachers["dataset"] == cell.dataset) & (teachers["student"] == cell.teacher)]
    return own.drop_duplicates("trial_key")


def _student_line(parts: Parts, row: Row, cells: Sequence[Cell], options: Options) -> Line:
    trials = [parts.of(cell, row) for cell in cells]
    searched = any(is_searched(part, row) for part in trials)
    kind: Literal["alone", "method"] = "alone" if row.method == ALONE and not searched else "method"
    return Line(kind, row, options.shown(row), searched, tuple(score(part, row) for part in trials))


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


def _mark_best(lines: Sequence[Line], digits: int) -> Iterator[Line]:
    columns = range(len(lines[0].scores)) if lines else range(0)
    marks = [best([ln.scores[c].stat if ln.kind == "method" else None for ln in lines], digits) for c in columns]
    for index, line in enumerate(lines):
        marked = (dataclasses.replace(s, best=marks[column][index]) for column, s in enumerate(line.scores))
        yield dataclasses.replace(line, scores=tuple(marked))


def _baseline(lines: Sequence[Line], options: Options) -> Line | None:
    """Return the row that the sweep names as baseline; of an entry with a grid the first."""
    wanted = options.baseline
    named = [ln for ln in lines if wanted and ln.row.label == wanted]
    return next(iter([*named, *(ln for ln in lines if wanted and ln.row.entry == wanted)]), None)


def _differences(lines: Sequence[Line], baseline: Line) -> Iterator[Difference]:
    for line in lines:
        if line is not baseline:
            pairs = zip(line.scores, baseline.scores, strict=True)
            yield Difference(line.shown, tuple(paired_difference(a.by_seed, b.by_seed) for a, b in pairs))
