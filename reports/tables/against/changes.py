"""Two sweeps, or two states of one, side by side: rows of one label in cells of one id."""

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from reports.board.board import NO_TEACHER, Board, Line
from reports.board.score import Score
from reports.results.sweep import Cell
from reports.statistics.contrasts import Kind, contrast
from reports.statistics.holm import holm
from reports.statistics.spread import Stat

Key = TypeVar("Key")
EQUAL = 1e-9
"""Points by which the same number may differ after it was written down."""

Verdict = Literal["moved", "within noise", "the same", "too few seeds", "only ours", "only theirs", "no number"]
"""What can be said of one row in one cell; `the same`: the same numbers in all seeds that both have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row in one cell, in both."""

    row: str
    """The row's label; `teacher` for the teacher."""
    shown: str
    ours: Stat | None
    theirs: Stat | None
    difference: float | None = None
    """Ours less theirs, in points; over the seeds of both where two or more are common."""
    test: Kind = ""
    """Of the difference; see `reports.statistics.contrasts`."""
    pairs: int = 0
    """Seeds that both have, where the difference is by them."""
    p: float | None = None
    """Two-sided; None without a test."""
    adjusted: float | None = None
    """The p value by Holm's method."""
    verdict: Verdict = "no number"
    why: str = ""
    """Why there is no number on a side, or of which seeds equal numbers are."""

    @property
    def moved(self) -> bool:
        """Whether the difference is beyond noise."""
        return self.verdict == "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class CellChanges:
    """All of one cell: the rows that both have in our order, then ours alone, then theirs."""

    cell: Cell
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepComparison:
    """A whole sweep against another."""

    ours: str
    theirs: str
    digits: int
    level: float
    """Of the whole comparison: p values are raised by Holm's method for as many as there are."""
    cells: tuple[CellChanges, ...]
    """Those that both have in our order, then ours alone, then theirs."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """All lines of all cells."""
        return tuple(change for of in self.cells for change in of.changes)


def changes(ours: Board, theirs: Board, names: tuple[str, str] | None = None) -> SweepComparison:
    """Return our numbers against theirs, with whatever has ended so far.

    Args:
        names: what the two are called; by default their own names.
    """
    mine, others = ({cell.id: cell for cell in table.cells} for table in (ours, theirs))
    every = {**others, **mine}
    cells = [
        CellChanges(cell=every[name], changes=tuple(_cell(every[name], ours, theirs)))
        for name in _common_first(mine, others)
    ]
    first, second = names or (ours.name, theirs.name)
    digits = max(ours.options.digits, theirs.options.digits)
    level = ours.options.level
    judged = tuple(_judged(cells, level))
    return SweepComparison(ours=first, theirs=second, digits=digits, level=level, cells=judged)


def _common_first(mine: Collection[Key], others: Collection[Key]) -> list[Key]:
    """Return what both have in our order, then ours alone, then theirs."""
    return sorted(dict.fromkeys([*mine, *others]), key=lambda key: not (key in mine and key in others))


def _cell(cell: Cell, ours: Board, theirs: Board) -> Iterator[Change]:
    mine, others = _scores(ours, cell), _scores(theirs, cell)
    for key in _common_first(mine, others):
        both = mine.get(key), others.get(key)
        if any(found is not None and found[1].missing != NO_TEACHER for found in both):
            yield _change(key[1], *both)


def _scores(table: Board, cell: Cell) -> dict[tuple[bool, str], tuple[Line, Score]]:
    """Return the scores of a cell by (whether it is the teacher, label): an entry may be called `teacher`, too."""
    column = next((i for i, own in enumerate(table.cells) if own.id == cell.id), None)
    if column is None:
        return {}
    return {(line.kind == "teacher", line.row.label): (line, line.scores[column]) for line in table.lines}


def _change(label: str, ours: tuple[Line, Score] | None, theirs: tuple[Line, Score] | None) -> Change:
    """Return a row of either, before its test is read together with the others."""
    known = ours or theirs
    assert known is not None  # the label is of one of them
    mine, other = (Score(missing="not in it") if found is None else found[1] for found in (ours, theirs))
    plain = Change(row=label, shown=known[0].shown, ours=mine.stat, theirs=other.stat)
    if mine.stat is None and other.stat is None:
        return dataclasses.replace(plain, why=mine.missing)
    if mine.stat is None or other.stat is None:
        verdict: Verdict = "only ours" if other.stat is None else "only theirs"
        return dataclasses.replace(plain, verdict=verdict, why=mine.missing or other.missing)
    common = mine.by_seed.keys() & other.by_seed.keys()
    if common and all(abs(mine.by_seed[seed] - other.by_seed[seed]) < EQUAL for seed in common):
        why = "" if mine.by_seed.keys() == other.by_seed.keys() else f"in the {len(common)} common seeds"
        return dataclasses.replace(plain, difference=0.0, pairs=len(common), verdict="the same", why=why)
    found = contrast(mine.by_seed, other.by_seed)
    verdict = "too few seeds" if found.p is None else "within noise"
    return dataclasses.replace(
        plain, difference=found.mean, test=found.kind, pairs=found.pairs, p=found.p, verdict=verdict
    )


def _judged(cells: Sequence[CellChanges], level: float) -> Iterator[CellChanges]:
    """Yield the cells with p values adjusted for all of them together, and what they say."""
    adjusted = iter(holm([change.p for of in cells for change in of.changes]))
    for of in cells:
        yield dataclasses.replace(of, changes=tuple(_with(change, next(adjusted), level) for change in of.changes))


def _with(change: Change, adjusted: float | None, level: float) -> Change:
    if adjusted is None:
        return change
    verdict: Verdict = "moved" if adjusted <= level else "within noise"
    return dataclasses.replace(change, adjusted=adjusted, verdict=verdict)
