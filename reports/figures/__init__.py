"""Figures: each kind is a file with plain data, the function that makes it from results, and the one that draws it."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.figures.figure import Figure, NotDrawn
from trainers.texts.words import line_of

if TYPE_CHECKING:
    from reports.board.board import Board
    from reports.results.results import Results

__all__ = ["Figure", "NotDrawn", "build", "chosen", "undrawable"]

MOST = 12
"""Figures that a report draws: each takes about a third of a second in its three kinds of file."""
ONE_A_CELL = 4
"""Figures of single cells that come before the second of another kind."""

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # of looking for fonts, the first time anywhere


def build(results: "Results", board: "Board") -> tuple[list[Figure], list[NotDrawn]]:
    """Return the figures that a sweep has numbers for, kind by kind, and those that it has not, with the reasons."""
    from reports.figures import kinds

    found: list[Figure | NotDrawn] = []
    for name, make in kinds.ALL.items():
        try:
            found += list(make(results, board))
        except Exception as error:  # noqa: BLE001 (whatever the numbers are like: the tables are worth more than a figure)
            found.append(undrawable(name, error))
    return [one for one in found if isinstance(one, Figure)], [one for one in found if isinstance(one, NotDrawn)]


def undrawable(what: str, error: Exception) -> NotDrawn:
    """Return that a figure could not be made or drawn, with the error in one line."""
    reason = next(iter(str(error).strip().splitlines()), "")
    return NotDrawn(what, line_of(f"it cannot be drawn ({type(error).__name__}: {reason})"))


def chosen(every: Sequence[Figure], most: int = MOST) -> tuple[list[Figure], list[Figure]]:
    """Return those to draw and those beyond `most`, both in their order: the first of each kind, then the second."""
    seen: dict[object, int] = {}
    turns = []
    for index, one in enumerate(every):
        turn = seen[one.drawn_by] = seen.get(one.drawn_by, -1) + 1
        turns.append((turn if one.cell is None else turn // ONE_A_CELL, index))
    kept = {index for _, index in sorted(turns)[:most]}
    return (
        [one for index, one in enumerate(every) if index in kept],
        [one for index, one in enumerate(every) if index not in kept],
    )
