"""Accuracy by the teacher's rank of an image's class: what a row learns where the teacher is right, nearly, or not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.board import fidelity
from reports.board.fidelity import of_one
from reports.figures.figure import Figure, NotDrawn, Panel, paged
from reports.statistics.spread import Stat, summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from reports.board.board import Board
    from reports.figures.style import Look
    from reports.results.results import Results

FEWEST = 2
GROUPS = {"teacher_right": "1", "rank_2_to_k": "2…k", "rank_above_k": "> k"}
CAPTION = (
    "Test accuracy by the rank that the teacher gives to an image's class ({ks}). Means over the seeds in the table, "
    "bars are sample standard deviations."
)


@dataclass(frozen=True, slots=True)
class Groups:
    """A row: its accuracy on each group of test images that has any."""

    row: str
    shown: str
    k: int
    rates: tuple[tuple[int, Stat], ...]
    """(place among `GROUPS`, accuracy)."""


def build(results: "Results", board: "Board") -> Iterator[Figure | NotDrawn]:
    """Yield accuracy by ranks for all cells whose rows have a k; nothing where no prediction was kept."""
    panels, sizes = [], fidelity.group_sizes(results, board) if results.predictions else []
    for column, (cell, k) in enumerate(zip(board.cells, sizes, strict=False)):
        drawn = []
        for place, line in enumerate(board.lines if k is not None else ()):
            found = {} if line.kind == "teacher" else fidelity.by_seed(results, board, place, column)
            each = {seed: of_one(one, k) for seed, one in found.items()}
            stats = [summarise({s: of[name] for s, of in each.items() if name in of}) for name in GROUPS]
            rates = tuple((group, stat) for group, stat in enumerate(stats) if stat is not None)
            if len(rates) > 1:
                drawn.append(Groups(line.row.label, line.shown, k or 0, rates))
        if len(drawn) >= FEWEST:
            panels.append(Panel(cell, board.measure(cell), tuple(drawn)))
    yield from paged("teacher_ranks", panels, _caption, draw)


def _caption(panels: Sequence[Panel[Groups]]) -> str:
    ks = [f"{panel.cell.title}: k = {panel.drawn[0].k}" for panel in panels]
    return CAPTION.format(ks="; ".join(ks) if len(panels) > 1 else ks[0].rpartition(": ")[2])


def draw(canvas: "Canvas", panels: Sequence[Panel[Groups]]) -> None:
    """Draw a panel for each cell."""
    from reports.figures import style

    for axes in style.drawn(canvas, panels, _draw, ("teacher's rank of the class", "test {} (%)")):
        axes.set_xticks(range(len(GROUPS)), [*GROUPS.values()])


def _draw(axes: "Axes", of: Groups, own: "Look", panel: Panel[Groups]) -> Any:
    from reports.figures import style

    handle = axes.errorbar(
        [group for group, _ in of.rates], [stat.mean for _, stat in of.rates],
        yerr=[stat.std or 0.0 for _, stat in of.rates], fmt=own.marker, linestyle=own.line, color=own.colour,
        markersize=4, linewidth=0.9, elinewidth=0.7,
    )  # fmt: skip
    names = [*GROUPS.values()]
    marks = [f"{of.shown}, {panel.cell.title}, rank {names[group]}: {stat.mean:.2f} %" for group, stat in of.rates]
    for artist in (handle.lines[0], *handle.lines[2]):
        style.told(artist, f"{of.shown}, {panel.cell.title}", marks)
    return handle
