"""Our numbers beside published figures, as a plain object: the best epoch of each, for published ones are that."""

from dataclasses import dataclass
from typing import Literal

from reports.head_to_head import Table
from reports.measures import Measure
from reports.published_figures import Figure
from reports.resolved import Cell
from reports.spread import Stat

DECIMALS = 4
"""Of a difference: the sum of binary fractions must not decide whether it is within a spread."""

Kind = Literal["teacher", "alone", "method", "published"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A row of ours in a cell and one published figure; or one of the two where the other is missing."""

    kind: Kind
    """published: a method that was not run here."""
    shown: str
    row: str = ""
    """The row's label; empty for a method that was not run here."""
    method: str
    """As the file of figures calls it."""
    stat: Stat | None = None
    """Ours, in the best epoch on the test images."""
    missing: str = ""
    """Why there is no number of ours, or not of every seed."""
    gain: Stat | None = None
    """Ours less our row of kd, seed by seed."""
    figure: Figure | None = None
    kd: Figure | None = None
    """What the published gain is over."""
    spread: float | None = None
    """How far repetitions usually lie from published figures, in points; None where that is not known."""
    reasons: tuple[str, ...] = ()
    """Why the two are not comparable."""
    note: str = ""
    """What to say where there is no figure."""
    withheld: bool = False
    """There are figures, but none in a text that could be read."""

    @property
    def difference(self) -> float | None:
        """Ours less the published one, in points."""
        if self.stat is None or self.figure is None:
            return None
        return round(self.stat.mean - self.figure.value, DECIMALS)

    @property
    def published_gain(self) -> float | None:
        """The published figure less the published kd, in points."""
        if self.figure is None or self.kd is None:
            return None
        return round(self.figure.value - self.kd.value, DECIMALS)

    @property
    def within(self) -> bool | None:
        """Whether the difference lies within the usual spread; None where one of them is not known."""
        if self.difference is None or self.spread is None:
            return None
        return abs(self.difference) <= self.spread

    @property
    def comparable(self) -> bool | None:
        """Whether the two may be compared; None where one of them is missing."""
        return None if self.difference is None else not self.reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class CellComparison:
    """All of one cell: our rows in the table's order, then published methods that were not run here."""

    cell: Cell
    measure: Measure
    spread: float | None
    """Of the pair."""
    baseline: str
    """Shown name of the row that our gains are over; empty where there is none."""
    lines: tuple[Beside, ...]

    @property
    def ours(self) -> tuple[Beside, ...]:
        """The lines of our own rows."""
        return tuple(beside for beside in self.lines if beside.kind != "published")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A whole sweep beside published figures."""

    table: Table
    cells: tuple[CellComparison, ...]
