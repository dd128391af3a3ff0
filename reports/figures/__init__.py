"""Figures: each kind is a file with plain data, the function that makes it from results, and the one that draws it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from reports.figures._base import Material, NotDrawn, Plot
from trainers.texts.words import line_of

if TYPE_CHECKING:
    from reports.board.board import Board
    from reports.figures._base import Kind
    from reports.results.results import Results

__all__ = ["NotDrawn", "Plot", "build", "drawer", "undrawable"]


def build(results: "Results", table: "Board") -> tuple[list[Plot], list[NotDrawn]]:
    """Return the figures that a sweep has numbers for, kind by kind, and those that it has not, with the reasons."""
    from reports.board.board import Parts
    from reports.figures._kinds import ALL
    from reports.figures._searches import searches

    students = results.trials[results.trials["phase"] != "teacher"]
    parts = Parts(students)
    material = Material(results, table, parts, list(searches(table, parts)))
    found = [one for kind in ALL for one in _built(kind, material)]
    return (
        [one for one in found if not isinstance(one, NotDrawn)],
        [one for one in found if isinstance(one, NotDrawn)],
    )


def _built(kind: "Kind", material: Material) -> list[Plot | NotDrawn]:
    """Return the figures of a kind; one that cannot be made of these numbers is left out, and ends no report."""
    try:
        return list(kind.build(material))
    except Exception as error:  # noqa: BLE001 (whatever the numbers are like: the tables are worth more than a figure)
        return [undrawable(kind.name, error)]


def undrawable(what: str, error: Exception) -> NotDrawn:
    """Return that a figure could not be made or drawn, with the error in one line."""
    reason = next(iter(str(error).strip().splitlines()), "")
    return NotDrawn(what, line_of(f"it cannot be drawn ({type(error).__name__}: {reason})"))


def drawer(plot: Plot) -> Callable[..., None]:
    """Return the function that draws a figure of this kind."""
    from reports.figures._kinds import ALL

    return next(kind.draw for kind in ALL if isinstance(plot, kind.data))
