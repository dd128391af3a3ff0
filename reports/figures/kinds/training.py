"""Training curves: test accuracy after each epoch, mean and band over seeds, by row in each cell."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.figures.figure import Figure, NotDrawn, Panel, paged
from reports.results.measures import Measure
from reports.results.results import histories
from reports.results.states import is_reported
from reports.results.sweep import Cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from reports.board.board import Board, Line
    from reports.figures.style import Look
    from reports.results.results import Results
    from reports.stores import Curves

ROWS = 6
"""In a figure."""
FEWEST = 4
"""Epochs of a curve."""
MOST_PANELS = 6
"""Cells whose curves are read from the store."""
CAPTION = (
    "Test score after each epoch: mean (line) and sample standard deviation (band) over the seeds that are in "
    "the table. Of an entry with a grid the row with the best mean is drawn."
)


@dataclass(frozen=True, slots=True)
class Curve:
    """A row's test accuracy after each epoch that all its seeds have told."""

    row: str
    shown: str
    seeds: int
    epochs: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """Of the sample; zeros for one seed."""


def build(results: "Results", board: "Board") -> Iterator[Figure | NotDrawn]:
    """Yield the curves of all cells, a few a page."""
    if results.curves_of is None:
        yield NotDrawn("training curves", "these results did not come from a tracking store")
        return
    lines, left_out = _chosen(board)
    cells = board.cells[:MOST_PANELS]
    runs = {(cell.id, line.row.label): _runs(board, cell, line) for cell in cells for line in lines}
    wanted = [run_id for ids in runs.values() for run_id in ids]
    names = {cell: epochwise(board.measure(cell)) for cell in cells}
    found = histories(results, sorted(set(names.values())), run_ids=wanted)
    panels = []
    for cell in cells:
        curves = (_curve(line, runs[cell.id, line.row.label], names[cell], found) for line in lines)
        drawn = tuple(curve for curve in curves if curve is not None)
        if drawn:
            panels.append(Panel(cell, board.measure(cell), drawn))
    if not panels:
        yield NotDrawn("training curves", f"no completed trial has told {FEWEST} epochs")
    hidden = f" Not drawn: {', '.join(left_out)}." if left_out else ""
    yield from paged("training_curves", panels, lambda _: CAPTION + hidden, draw)


def epochwise(measure: Measure) -> str:
    """Return the metric of each epoch whose last value is the measure."""
    return measure.final.replace("final_", "test_")


def _chosen(board: "Board") -> "tuple[list[Line], tuple[str, ...]]":
    """Return the rows to draw, in the board's order, and the names of the others: what others are compared with, and of
    an entry with a grid the best."""
    by_entry: dict[str, list[Line]] = {}
    for line in board.lines:
        if line.kind != "teacher" and any(score.stat is not None for score in line.scores):
            by_entry.setdefault(line.row.entry if line.row.grid else line.row.label, []).append(line)
    best = [max(lines, key=_average) for lines in by_entry.values()]
    always = board.reference_line
    drawn = sorted(best, key=lambda line: (line is not always, line.kind != "alone", -_average(line)))[:ROWS]
    kept = {id(line) for line in drawn}
    return [line for line in best if id(line) in kept], tuple(line.shown for line in best if id(line) not in kept)


def _average(line: "Line") -> float:
    """Return the mean over the cells where the row has one; those with more cells first."""
    means = [score.stat.mean for score in line.scores if score.stat is not None]
    return 100.0 * len(means) + statistics.fmean(means)


def _runs(board: "Board", cell: Cell, line: "Line") -> list[str]:
    trials, measure = board.behind.of(cell, line.row), board.measure(cell)
    counted = (trials["state"] == "COMPLETE") & (trials["status"] == "FINISHED") & trials[measure.final].notna()
    return [str(run_id) for run_id in trials.loc[is_reported(trials) & counted, "run_id"]]


def _curve(line: "Line", run_ids: Sequence[str], name: str, found: "Curves") -> Curve | None:
    import numpy as np

    by_run = [dict(found.get(run_id, {}).get(name, ())) for run_id in run_ids]
    epochs = sorted(set.intersection(*(set(points) for points in by_run))) if by_run else []
    if len(epochs) < FEWEST:
        return None
    values = np.array([[points[epoch] for epoch in epochs] for points in by_run])
    std = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(len(epochs))
    mean = tuple(map(float, values.mean(axis=0)))
    return Curve(line.row.label, line.shown, len(values), tuple(epochs), mean, tuple(map(float, std)))


def draw(canvas: "Canvas", panels: Sequence[Panel[Curve]]) -> None:
    """Draw a panel for each cell."""
    from reports.figures import style

    for axes, panel in zip(style.drawn(canvas, panels, _draw, ("epoch", "test {} (%)")), panels, strict=True):
        axes.set_ylim(bottom=_lowest(panel))


def _draw(axes: "Axes", curve: Curve, own: "Look", panel: Panel[Curve]) -> Any:
    import numpy as np

    from reports.figures import style

    mean, std, step = np.array(curve.mean), np.array(curve.std), max(1, len(curve.mean) // 8)
    band = axes.fill_between(curve.epochs, mean - std, mean + std, color=own.colour, alpha=0.15, linewidth=0)
    (line,) = axes.plot(
        curve.epochs, mean, color=own.colour, linestyle=own.line, linewidth=1.1, marker=own.marker,
        markersize=2.6, markeredgewidth=0, markevery=step,
    )  # fmt: skip
    where, points = f"{curve.shown}, {panel.cell.title}", zip(curve.epochs, mean, std, strict=True)
    told = [f"{where}: {at:.2f} ± {of:.2f} after epoch {epoch}" for epoch, at, of in points]
    style.told(line, told[-1], told[::step])
    style.told(band, told[-1])
    return line


def _lowest(panel: Panel[Curve]) -> float:
    """Return where the panel begins: the first epochs, far below all that is compared, are cut off."""
    low = min(min(curve.mean) for curve in panel.drawn)
    halves = [value for curve in panel.drawn for value in curve.mean[len(curve.mean) // 4 :]]
    return max(low, min(halves) - 0.35 * (max(halves) - min(halves))) - 0.5
