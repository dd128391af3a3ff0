"""Figures: each kind is a file with plain data, the function that makes it from results, and the one that draws it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from reports.figures._base import Material, NotDrawn, Plot

if TYPE_CHECKING:
    from reports.board.board import Board
    from reports.results.results import Results

__all__ = ["NotDrawn", "Plot", "build", "drawer"]


def build(results: "Results", table: "Board") -> tuple[list[Plot], list[NotDrawn]]:
    """Return the figures that a sweep has numbers for, kind by kind, and those that it has not, with the reasons."""
    from reports.board.board import Parts
    from reports.figures._kinds import ALL
    from reports.figures._searches import searches

    students = results.trials[results.trials["phase"] != "teacher"]
    parts = Parts(students)
    material = Material(results, table, parts, list(searches(table, parts)))
    found = [one for kind in ALL for one in kind.build(material)]
    return (
        [one for one in found if not isinstance(one, NotDrawn)],
        [one for one in found if isinstance(one, NotDrawn)],
    )


def drawer(plot: Plot) -> Callable[..., None]:
    """Return the function that draws a figure of this kind."""
    from reports.figures._kinds import ALL

    return next(kind.draw for kind in ALL if isinstance(plot, kind.data))
