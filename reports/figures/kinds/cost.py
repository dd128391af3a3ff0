"""Cost against accuracy: seconds of training of each row, and the rows that no other beats in both."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.figures.figure import Figure, Material, NotDrawn, paged
from reports.results.measures import Measure
from reports.results.states import is_reported
from reports.results.sweep import Cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from reports.board.board import Board, Line

FEWEST = 3
DECADE = 10


@dataclass(frozen=True, slots=True)
class Point:
    """A row: what one training costs, and what it scores."""

    row: str
    """Its label: others may be shown alike."""
    shown: str
    entry: str
    """Of a grid, whose rows are drawn alike; else the row."""
    shown_entry: str
    seconds: float
    """Of one training, mean over the seeds in the table."""
    mean: float
    std: float | None
    search_seconds: float | None
    """Of all trainings of its search together; None without one."""


@dataclass(frozen=True, slots=True)
class Panel:
    """The rows of one cell."""

    cell: Cell
    measure: Measure
    points: tuple[Point, ...]

    @property
    def front(self) -> tuple[Point, ...]:
        """Rows that no other row beats in both, by rising cost."""
        return pareto(self.points)


def _caption(panels: Sequence[Panel]) -> str:
    spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in _searches(panels))
    total = f" Searches come on top, over all pairs: {spent}." if spent else ""
    return (
        "Wall-clock seconds of one training, without scoring, against test score after the last epoch: means over "
        "the seeds in the table, bars are sample standard deviations of the score. The line is the Pareto front: "
        f"rows that no other beats in both.{total} Seconds are of the machine and its load, and are lower where a "
        "teacher's stored logits answered."
    )


def _searches(panels: Sequence[Panel]) -> Iterator[tuple[str, float]]:
    found: dict[str, tuple[str, float]] = {}
    for point in (point for panel in panels for point in panel.points):
        if point.search_seconds is not None:
            before = found.get(point.row, ("", 0.0))[1]
            found[point.row] = point.shown, before + point.search_seconds
    yield from found.values()


def build(material: Material) -> Iterator[Figure | NotDrawn]:
    """Yield cost against accuracy for all cells with rows to compare, a few a page."""
    seconds, found = _seconds(material), []
    for column, cell in enumerate(material.table.cells):
        lines = [line for line in material.table.lines if line.kind != "teacher"]
        points = (_point(line, column, material.table, seconds) for line in lines)
        known = tuple(point for point in points if point is not None)
        if len(known) >= FEWEST:
            found.append(Panel(cell, material.table.measure(cell), known))
    if not found:
        yield NotDrawn("cost against accuracy", f"no pair has {FEWEST} rows with results and seconds")
    yield from paged("cost", found, _caption, draw)


def _seconds(material: Material) -> Mapping[tuple[str, str, bool], Mapping[int, float]]:
    """Return the seconds of all trials by seed, and of those of searches by number: by cell, row, and whether they are
    of a search."""
    trials = material.results.trials
    of_search = trials["phase"].eq("search") & trials["train_seconds"].notna()
    reported = is_reported(trials) & trials["state"].eq("COMPLETE") & trials["train_seconds"].notna()
    known: dict[tuple[str, str, bool], dict[int, float]] = {}
    for searched, some in ((False, trials[reported]), (True, trials[of_search])):
        numbers = range(len(some)) if searched else some["seed"]
        for cell, row, number, value in zip(some["cell"], some["row"], numbers, some["train_seconds"], strict=True):
            known.setdefault((cell, row, searched), {})[int(number)] = float(value)
    return known


def _point(
    line: "Line", column: int, table: "Board", seconds: Mapping[tuple[str, str, bool], Mapping[int, float]]
) -> Point | None:
    stat, place = line.scores[column].stat, (table.cells[column].id, line.row.label)
    by_seed = seconds.get((*place, False), {})
    own = [by_seed[seed] for seed in (() if stat is None else stat.seeds) if seed in by_seed]
    if stat is None or not own:
        return None
    spent = seconds.get((*place, True))
    row, total = line.row, math.fsum(spent.values()) if spent and line.searched else None
    entry, shown_entry = (row.entry, row.shown_entry) if row.grid else (row.label, row.shown)
    return Point(row.label, row.shown, entry, shown_entry, statistics.fmean(own), stat.mean, stat.std, total)


def pareto(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return the points that no other beats in cost and score both, by rising cost."""
    front: list[Point] = []
    for point in sorted(points, key=lambda one: (one.seconds, -one.mean)):
        if not front or point.mean > front[-1].mean:
            front.append(point)
    return tuple(front)


def draw(canvas: "Canvas", panels: Sequence[Panel]) -> None:
    """Draw a panel for each cell."""
    from reports.figures import style

    entries = {point.entry: point.shown_entry for panel in panels for point in panel.points}
    looks = {entry: style.look(index) for index, entry in enumerate(entries)}
    every, handles = style.panels(canvas, [panel.cell for panel in panels]), {}
    for axes, panel in zip(every, panels, strict=True):
        for entry in dict.fromkeys(point.entry for point in panel.points):
            own, points = looks[entry], [p for p in panel.points if p.entry == entry]
            handles[entry] = axes.errorbar(
                [p.seconds for p in points], [p.mean for p in points], yerr=[p.std or 0.0 for p in points],
                fmt=own.marker, color=own.colour, markersize=4, markeredgewidth=0.3, markeredgecolor="0.1",
                elinewidth=0.7,
            )  # fmt: skip
            marks = [_told(point, panel) for point in points]
            for artist in (handles[entry].lines[0], *handles[entry].lines[2]):
                style.told(artist, f"{entries[entry]}, {panel.cell.title}", marks)
        (front,) = axes.plot(
            [p.seconds for p in panel.front], [p.mean for p in panel.front], color="0.45", linewidth=0.8, zorder=0
        )
        style.told(front, f"no other row beats: {', '.join(point.shown for point in panel.front)}; {panel.cell.title}")
        costs = [point.seconds for point in panel.points]
        if min(costs) > 0 and max(costs) > DECADE * min(costs):
            style.logarithmic(axes)
    style.outer_labels(every, "seconds of one training", [f"test {p.measure.short} (%)" for p in panels])
    style.legend_below(canvas, [handles[entry] for entry in entries], [*entries.values()])


def _told(point: Point, panel: Panel) -> str:
    spread = "" if point.std is None else f" ± {point.std:.2f}"
    return f"{point.shown}, {panel.cell.title}: {point.mean:.2f}{spread} in {point.seconds:.3g} s"
