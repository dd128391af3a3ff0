"""An ablation table as a plain object: rows that differ in one or two hyperparameters, or in their terms."""

from dataclasses import dataclass
from typing import Literal

from reports.board.board import Line
from reports.board.score import Score
from reports.results.sweep import Row
from reports.statistics.spread import Stat

Kind = Literal["grid", "matrix", "terms"]
Factor = str | bool | None
"""A value in words; in a table of terms whether one is on, None where it changes nothing in this row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One row in an ablation, in every cell of the sweep."""

    row: Row
    shown: str
    factors: tuple[Factor, ...]
    """One for each of the ablation's; empty for a row from elsewhere that the others are compared with."""
    scores: tuple[Score, ...]
    """As in the head-to-head table; `best` is of the ablation, not of that one."""
    gains: tuple[Stat | None, ...]
    """What the row has over the base in each cell; None for the base itself, and where one has no number."""
    is_base: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """What one or two hyperparameters, or the terms of a method, are worth."""

    kind: Kind
    name: str
    """Of the table, unlike any other's in the sweep, by names of the sweep: `gdkd (by k)`."""
    title: str
    """By names that are shown, so another may have the same: `GDKD`."""
    factors: tuple[str, ...]
    """The hyperparameters that the rows differ in; of `terms` the switches, or the methods of a combination."""
    lines: tuple[Line, ...]
    """The rows that it is made of."""
    full: Line | None = None
    """Of terms, the row that has them all."""
    levels: tuple[Level, ...] = ()
    """The rows with what each has over the base, in the sweep's order; a base from elsewhere is first."""
    notes: tuple[str, ...] = ()
    """What a reader must know besides, in sentences."""
    caption: str = ""
    """The user's own."""
    label: str = ""
    """Of LaTeX, where the user chose it."""

    @property
    def base(self) -> Level | None:
        """The row that the others are compared with."""
        return next((level for level in self.levels if level.is_base), None)

    @property
    def inner(self) -> tuple[Level, ...]:
        """The rows that the ablation itself is made of."""
        return tuple(level for level in self.levels if level.factors)
