"""Cost against accuracy: seconds of training of each row, and the rows that no other beats in both."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.figures.figure import Figure, NotDrawn, Panel, paged
from reports.results.states import is_reported

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from reports.board.board import Board
    from reports.figures.style import Look
    from reports.results.results import Results

FEWEST = 3
DECADE = 10


@dataclass(frozen=True, slots=True)
class Point:
    """A row: what one training costs, and what it scores."""

    shown: str
    seconds: float
    """Of one training, mean over the seeds in the table."""
    mean: float
    std: float | None


@dataclass(frozen=True, slots=True)
class Points:
    """Rows that are drawn alike: those of an entry with a grid, else one."""

    row: str
    """The entry, or the row by its label."""
    shown: str
    points: tuple[Point, ...]


CAPTION = (
    "Wall-clock seconds of one training, without scoring, against test score after the last epoch: means over the "
    "seeds in the table, bars are sample standard deviations of the score. The line is the Pareto front: rows that no "
    "other beats in both.{searches} Seconds are of the machine and its load, and are lower where a teacher's stored "
    "logits answered."
)


def build(results: "Results", board: "Board") -> Iterator[Figure | NotDrawn]:
    """Yield cost against accuracy for all cells with rows to compare, a few a page."""
    trials = results.trials[results.trials["train_seconds"].notna()]
    reported = trials[is_reported(trials) & trials["state"].eq("COMPLETE")].groupby(["cell", "row"])
    seconds = {place: dict(zip(own["seed"], own["train_seconds"], strict=True)) for place, own in reported}
    spent = trials[trials["phase"] == "search"].groupby(["cell", "row"])["train_seconds"].agg(math.fsum).to_dict()
    found, searches = [], dict[Any, tuple[str, dict[str, float]]]()
    for column, cell in enumerate(board.cells):
        entries: dict[str, tuple[str, list[Point]]] = {}
        for line in board.lines:
            row, stat, by_seed = line.row, line.scores[column].stat, seconds.get((cell.id, line.row.label), {})
            own = [by_seed[seed] for seed in (() if stat is None else stat.seeds) if seed in by_seed]
            if stat is None or not own or line.kind == "teacher":
                continue
            name, shown = (row.entry, row.shown_entry) if row.grid else (row.label, row.shown)
            point = Point(row.shown, statistics.fmean(own), stat.mean, stat.std)
            entries.setdefault(name, (shown, []))[1].append(point)
            if line.searched and (cell.id, row.label) in spent:
                searches.setdefault(row.label, (row.shown, {}))[1][cell.id] = spent[cell.id, row.label]
        if sum(len(points) for _, points in entries.values()) >= FEWEST:
            drawn = tuple(Points(name, shown, tuple(points)) for name, (shown, points) in entries.items())
            found.append(Panel(cell, board.measure(cell), drawn))
    if not found:
        yield NotDrawn("cost against accuracy", f"no pair has {FEWEST} rows with results and seconds")

    def caption(panels: Sequence[Panel[Points]]) -> str:
        cells = {panel.cell.id for panel in panels}
        sums = [(shown, sum(of[cell] for cell in of if cell in cells)) for shown, of in searches.values()]
        told = ", ".join(f"{shown} {total:.0f} s" for shown, total in sums if total)
        return CAPTION.format(searches=f" Searches come on top, over all pairs: {told}." if told else "")

    yield from paged("cost", found, caption, draw)


def pareto(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return the points that no other beats in cost and score both, by rising cost."""
    front: list[Point] = []
    for point in sorted(points, key=lambda one: (one.seconds, -one.mean)):
        if not front or point.mean > front[-1].mean:
            front.append(point)
    return tuple(front)


def draw(canvas: "Canvas", panels: Sequence[Panel[Points]]) -> None:
    """Draw a panel for each cell."""
    from reports.figures import style

    every = style.drawn(canvas, panels, _draw, ("seconds of one training", "test {} (%)"))
    for axes, panel in zip(every, panels, strict=True):
        points = [point for own in panel.drawn for point in own.points]
        best, costs = pareto(points), [point.seconds for point in points]
        (front,) = axes.plot([p.seconds for p in best], [p.mean for p in best], color="0.45", linewidth=0.8, zorder=0)
        style.told(front, f"no other row beats: {', '.join(point.shown for point in best)}; {panel.cell.title}")
        if min(costs) > 0 and max(costs) > DECADE * min(costs):
            style.logarithmic(axes)


def _draw(axes: "Axes", of: Points, own: "Look", panel: Panel[Points]) -> Any:
    from reports.figures import style

    points, title = of.points, panel.cell.title
    handle = axes.errorbar(
        [p.seconds for p in points], [p.mean for p in points], yerr=[p.std or 0.0 for p in points],
        fmt=own.marker, color=own.colour, markersize=4, markeredgewidth=0.3, markeredgecolor="0.1",
        elinewidth=0.7,
    )  # fmt: skip
    spreads = ("" if p.std is None else f" ± {p.std:.2f}" for p in points)
    marks = [f"{p.shown}, {title}: {p.mean:.2f}{s} in {p.seconds:.3g} s" for p, s in zip(points, spreads, strict=True)]
    for artist in (handle.lines[0], *handle.lines[2]):
        style.told(artist, f"{of.shown}, {title}", marks)
    return handle
