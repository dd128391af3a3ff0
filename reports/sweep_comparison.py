"""Two sweeps, or two states of one, side by side as a plain object."""

from dataclasses import dataclass
from typing import Literal

from reports.resolved import Cell
from reports.spread import Stat
from reports.statistics.contrasts import Kind

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
    """Of the difference; see `reports.statistics.contrast`."""
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
    """All of one cell."""

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
    """Ours in our order, then those of theirs alone."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """All lines of all cells."""
        return tuple(change for of in self.cells for change in of.changes)
