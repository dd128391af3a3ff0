"""Agreement with the teacher against accuracy: whether students that answer like the teacher are those that score."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.board import fidelity
from reports.figures.figure import Figure, NotDrawn, Panel, paged
from reports.statistics.spread import Stat, summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from reports.board.board import Board
    from reports.figures.style import Look
    from reports.results.results import Results

FEWEST = 2
CAPTION = (
    "Agreement with the teacher against test score after the last epoch: the share of test images, or pixels, to which "
    "student and teacher give the same class. Means over the seeds in the table, bars are sample standard deviations."
)


@dataclass(frozen=True, slots=True)
class Point:
    """A row."""

    row: str
    shown: str
    agreement: Stat
    score: Stat


def build(results: "Results", board: "Board") -> Iterator[Figure | NotDrawn]:
    """Yield agreement against score for all cells with rows to compare; nothing where no prediction was kept."""
    panels = []
    for column, cell in enumerate(board.cells) if results.predictions else ():
        points = []
        for place, line in enumerate(board.lines):
            found = {} if line.kind == "teacher" else fidelity.by_seed(results, board, place, column)
            agreed = {seed: one.measures["agreement"] for seed, one in found.items() if "agreement" in one.measures}
            agreement, score = summarise(agreed), line.scores[column].stat
            if agreement is not None and score is not None:
                points.append(Point(line.row.label, line.shown, agreement, score))
        if len(points) >= FEWEST:
            panels.append(Panel(cell, board.measure(cell), tuple(points)))
    yield from paged("agreement", panels, lambda _: CAPTION, draw)


def draw(canvas: "Canvas", panels: Sequence[Panel[Point]]) -> None:
    """Draw a panel for each cell."""
    from reports.figures import style

    style.drawn(canvas, panels, _draw, ("agreement with the teacher (%)", "test {} (%)"))


def _draw(axes: "Axes", of: Point, own: "Look", panel: Panel[Point]) -> Any:
    from reports.figures import style

    handle = axes.errorbar(
        [of.agreement.mean], [of.score.mean], xerr=[of.agreement.std or 0.0], yerr=[of.score.std or 0.0],
        fmt=own.marker, color=own.colour, markersize=4, markeredgewidth=0.3, markeredgecolor="0.1", elinewidth=0.7,
    )  # fmt: skip
    said = f"{of.shown}, {panel.cell.title}: {of.score.mean:.2f}, agreement {of.agreement.mean:.2f} %"
    for artist in (handle.lines[0], *handle.lines[2]):
        style.told(artist, said)
    return handle
