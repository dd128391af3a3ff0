"""Over several pairs: what a row gains on average, whether it does so everywhere, and its average rank."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.board.board import Board
from reports.statistics.spread import printed

FEWEST_ROWS = 2
"""Fewer cannot be ranked."""


@dataclass(frozen=True, slots=True)
class Average:
    """What a row did over some columns."""

    gains: tuple[float, ...]
    """Difference from the reference in each column where both have a number, in points."""
    columns: int
    """How many columns there are."""
    rank: float | None
    """1 is the best; equal means share theirs. None where the row lacks a number, or has no other to compare with."""

    @property
    def gain(self) -> float | None:
        """Mean over pairs; None where there is none."""
        return math.fsum(self.gains) / len(self.gains) if self.gains else None


def averages(table: Board, columns: Sequence[int]) -> list[Average]:
    """Return the averages of every line over these columns, which have one measure.

    Rows that have a number in every column are ranked among one another, by means as they are printed.
    """
    ranks = _ranks(table, columns)
    found = []
    for place in range(len(table.lines)):
        verdicts = [table.to_reference[place][column] for column in columns] if table.to_reference else []
        gains = tuple(verdict.contrast.mean for verdict in verdicts if verdict is not None)
        found.append(Average(gains, len(columns), ranks.get(place)))
    return found


def _ranks(table: Board, columns: Sequence[int]) -> dict[int, float]:
    from scipy.stats import rankdata

    whole = [
        place
        for place, line in enumerate(table.lines)
        if line.kind == "method" and all(line.scores[column].by_seed for column in columns)
    ]
    if len(whole) < FEWEST_ROWS or not columns:
        return {}
    means = [printed([table.lines[p].scores[column].stat for p in whole], table.options.digits) for column in columns]
    ranks = [rankdata([-mean for mean in column if mean is not None]) for column in means]
    return {place: math.fsum(float(rank[i]) for rank in ranks) / len(columns) for i, place in enumerate(whole)}
