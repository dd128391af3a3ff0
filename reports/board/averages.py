"""Over several pairs: what a row gains on average, whether it does so everywhere, and its average rank."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.board.board import Board
from reports.statistics.ranks import ranks as ranked
from reports.statistics.spread import printed

FEWEST_ROWS = 2
"""Fewer cannot be ranked."""


@dataclass(frozen=True, slots=True)
class Average:
    """What a row did over some columns."""

    gains: tuple[float, ...]
    """Difference from the reference in each column where both have a number, in points."""
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
    ranked = ranks(table, columns)
    found = []
    for place in range(len(table.lines)):
        verdicts = [table.lines[place].scores[column].to_reference for column in columns]
        gains = tuple(verdict.difference.mean for verdict in verdicts if verdict is not None)
        found.append(Average(gains, ranked.get(place, ranked.get(repeats(table, place, columns) or -1))))
    return found


def ranks(table: Board, columns: Sequence[int]) -> dict[int, float]:
    """Return the average rank over columns of every method that has a number in each, 1 is the best; by its place.

    Ranked are means as they are printed. Rows that repeat another one's configuration in all columns are not counted.
    """
    whole = [
        place
        for place, line in enumerate(table.lines)
        if line.kind == "method" and columns and all(line.scores[column].by_seed for column in columns)
    ]
    places = [place for place in whole if repeats(table, place, columns) not in whole]
    if len(places) < FEWEST_ROWS:
        return {}
    stats = [[table.lines[place].scores[column].stat for place in places] for column in columns]
    found = [ranked([-mean for mean in printed(of, table.options.digits) if mean is not None]) for of in stats]
    return {place: math.fsum(rank[i] for rank in found) / len(columns) for i, place in enumerate(places)}


def repeats(table: Board, place: int, columns: Sequence[int]) -> int | None:
    """Return the first line that is the same configuration as this one in all of these columns; None for none."""
    firsts = {table.lines[place].scores[column].same_as for column in columns}
    return firsts.pop() if len(firsts) == 1 else None
