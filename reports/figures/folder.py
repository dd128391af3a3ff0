"""Which figures a report draws, and what their files are called."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.figures import Plot
from reports.results.sweep import Cell
from reports.tables.files import slug

MOST = 12
"""Figures that a report draws: each takes about a third of a second in its three kinds of file."""
ONE_A_CELL = 4
"""Figures of single cells that come before the second of another kind."""


@dataclass(frozen=True, slots=True)
class Named:
    """A figure, what its file is called, and what stands over it."""

    plot: Plot
    stem: str
    title: str


def named(plots: Sequence[Plot], *, several: bool) -> list[Named]:
    """Return the figures with their names; the cell is in it where the sweep has several and the figure is of one."""
    return [_named(plot, several=several) for plot in plots]


def _named(plot: Plot, *, several: bool) -> Named:
    cell: Cell | None = getattr(plot, "cell", None)
    if cell is None or not several:
        return Named(plot, plot.stem, "")
    return Named(plot, f"{plot.stem}-{slug(cell.id)}", cell.title)


def chosen(every: Sequence[Named], most: int = MOST) -> tuple[list[Named], list[Named]]:
    """Return those to draw and those beyond `most`, both in their order: the first of each kind, then the second."""
    seen: dict[type, int] = {}
    turns = []
    for index, one in enumerate(every):
        turn = seen[type(one.plot)] = seen.get(type(one.plot), -1) + 1
        turns.append((turn // (ONE_A_CELL if hasattr(one.plot, "cell") else 1), index))
    kept = {index for _, index in sorted(turns)[:most]}
    return (
        [one for index, one in enumerate(every) if index in kept],
        [one for index, one in enumerate(every) if index not in kept],
    )
