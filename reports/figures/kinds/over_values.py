"""Accuracy over a hyperparameter: mean, band and each seed of every grid, rows without it as lines."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.board.board import Board, Line
from reports.figures import style
from reports.figures.figure import Figure, NotDrawn
from reports.results.measures import TOP1, Measure
from reports.results.sweep import Cell, Row, value_text
from reports.tables.wording import slug
from trainers import titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from reports.results.results import Results

COMPARED = ("ce", "kd", "dkd")
"""Methods whose fixed rows are drawn as lines to compare with."""
LEVELS = 8
"""The first so many of them: more could not be told apart."""
DECADE = 10
MOST_LABELS = 12
"""Values for which there is room under an axis."""
LEADER: Any = {
    "arrowstyle": "-",
    "linewidth": 0.4,
    "color": "0.5",
    "shrinkA": 0,
    "shrinkB": 0,
    "patchA": None,
    "relpos": (0.0, 0.5),
}
"""From a line's end to its name. It ends at the middle of the name's left side by itself: to be cut off at the name's
frame costs more than all else in the figure."""


@dataclass(frozen=True, slots=True)
class Curve:
    """An entry's accuracies over the values of its grid."""

    shown: str
    points: tuple[tuple[float, Mapping[int, float]], ...]
    """(value, accuracy of each seed), by rising value."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Accuracy over one hyperparameter in one cell."""

    hyperparameter: str
    cell: Cell
    curves: tuple[Curve, ...]
    levels: tuple[tuple[str, float], ...]
    """(shown name, mean) of rows that do not depend on the hyperparameter."""
    measure: Measure = TOP1


def _caption(panel: Panel) -> str:
    levels = " Dashed lines are rows that do not depend on it." if panel.levels else ""
    return (
        f"{panel.measure.long} on the test images after the last epoch over {titles.symbol(panel.hyperparameter)}, "
        f"{panel.cell.title}: mean (line), sample standard deviation (band) and each seed (dots).{levels}"
    )


def panels(board: Board) -> Iterator[Panel]:
    """Yield what the sweep has numbers for, by cell, then by hyperparameter in the sweep's order."""
    grids = _grids(board.lines)
    for column, cell in enumerate(board.cells):
        for name in dict.fromkeys(name for name, _ in grids.values()):
            curves = (_curve(entry, values, board, column) for entry, (n, values) in grids.items() if n == name)
            drawn = tuple(curve for curve in curves if curve.points)
            if drawn:
                levels = _levels(board, column, grids, name)
                yield Panel(name, cell, drawn, tuple(levels), board.measure(cell))


def _grids(lines: Sequence[Line]) -> dict[str, tuple[str, dict[str, float]]]:
    """Return entry -> (hyperparameter, its value by row) of every entry with a grid over one number."""
    entries: dict[str, list[Row]] = {}
    for line in lines:
        if line.kind != "teacher":
            entries.setdefault(line.row.entry, []).append(line.row)
    grids = {entry: grid_of(rows) for entry, rows in entries.items()}
    return {entry: grid for entry, grid in grids.items() if grid is not None}


def grid_of(rows: Sequence[Row]) -> tuple[str, dict[str, float]] | None:
    """Return the hyperparameter that an entry has a grid over, and each row's value of it.

    None where it has no grid, grids over several, or values that are not numbers.
    """
    names = {name for row in rows for name in row.grid_values}
    if len(rows) < 2 or len(names) != 1:
        return None
    name = names.pop()
    values = {row.label: _number(row.grid_values.get(name)) for row in rows}
    numbers = {label: value for label, value in values.items() if value is not None}
    return (name, numbers) if len(set(numbers.values())) == len(rows) else None


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _curve(entry: str, values: Mapping[str, float], board: Board, column: int) -> Curve:
    own = {ln.row.label: ln for ln in board.lines if ln.row.entry == entry}
    scores = {label: line.scores[column].by_seed for label, line in own.items()}
    points = [(values[label], scores[label]) for label in sorted(values, key=values.__getitem__) if scores[label]]
    return Curve(next(iter(own.values())).row.shown_entry, tuple(points))


def _levels(board: Board, column: int, grids: Mapping[str, tuple[str, object]], name: str) -> list[tuple[str, float]]:
    """Return the rows to compare with; the one that others are compared with first of all, unless it is on a curve."""
    reference, found = board.reference_line, []
    for line in board.lines:
        stat = line.scores[column].stat
        fixed = line.kind != "teacher" and not line.searched and line.row.entry not in grids
        wanted = (fixed and line.row.method in COMPARED) or line is reference
        if wanted and stat is not None and grids.get(line.row.entry, ("",))[0] != name:
            found.append((line, (line.shown, stat.mean)))
    kept = sorted(found, key=lambda one: one[0] is not reference)[:LEVELS]
    return [level for line, level in found if any(line is other for other, _ in kept)]


def build(_: "Results", board: Board) -> Iterator[Figure | NotDrawn]:
    """Yield a figure for each cell and hyperparameter that some entry has a grid over."""
    several, found = len(board.cells) > 1, list(panels(board))
    for panel in found:
        name = f"{panel.measure.short.lower()}_over_{slug(panel.hyperparameter)}"
        name += f"-{slug(panel.cell.id)}" if several else ""
        yield Figure(name=name, caption=_caption(panel), data=panel, drawn_by=draw, cell=panel.cell)
    if not found:
        yield NotDrawn("accuracy over a hyperparameter", "no entry has a grid over one number with results")


def draw(canvas: "Canvas", panel: Panel) -> None:
    """Draw the figure."""
    (axes,) = style.panels(canvas, [panel.cell])
    lines = [_draw_curve(axes, curve, index, panel) for index, curve in enumerate(panel.curves)]
    _scale(axes, panel)
    _draw_levels(axes, panel)
    style.legend_below(canvas, lines, [curve.shown for curve in panel.curves])


def _draw_curve(axes: "Axes", curve: Curve, index: int, panel: Panel) -> Any:
    own, where = style.look(index), f"{curve.shown}, {panel.cell.title}, {titles.symbol(panel.hyperparameter)}"
    xs = [value for value, _ in curve.points]
    means = [statistics.fmean(by_seed.values()) for _, by_seed in curve.points]
    stds = [statistics.stdev(s.values()) if len(s) > 1 else 0.0 for _, s in curve.points]
    low = [mean - std for mean, std in zip(means, stds, strict=True)]
    high = [mean + std for mean, std in zip(means, stds, strict=True)]
    band = axes.fill_between(xs, low, high, color=own.colour, alpha=0.2, linewidth=0)
    (line,) = axes.plot(xs, means, color=own.colour, linestyle=own.line, linewidth=1.2)
    spreads = (f" ± {std:.2f}" if std else "" for std in stds)
    told = [f"{where} = {value_text(x, 3)}: {mean:.2f}{s}" for x, mean, s in zip(xs, means, spreads, strict=True)]
    for artist in (line, band):
        style.told(artist, "\n".join(told))
    dots = [(value, by_seed[seed], seed) for value, by_seed in curve.points for seed in sorted(by_seed)]
    places, accuracies, _ = zip(*dots, strict=True)
    (points,) = axes.plot(places, accuracies, own.marker, color=own.colour, markersize=2.6, markeredgewidth=0,
                          alpha=0.75)  # fmt: skip
    marks = [f"{where} = {value_text(x, 3)}, seed {seed}: {score:.2f}" for x, score, seed in dots]
    style.told(points, curve.shown, marks)
    return line


def _scale(axes: "Axes", panel: Panel) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    xs = sorted({value for curve in panel.curves for value, _ in curve.points})
    if xs[0] > 0 and xs[-1] > DECADE * xs[0]:
        axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(xs))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(xs, labels(xs, log=axes.get_xscale() == "log"))
    axes.set_xlabel(style.printable(titles.symbol(panel.hyperparameter)))
    axes.set_ylabel(f"test {panel.measure.short} (%)")


def labels(xs: Sequence[float], *, log: bool) -> list[str]:
    """Return the texts of ticks at these values, which ascend: empty where two would stand on one another. The first
    and the last always have theirs."""
    places = [math.log(x) if log else x for x in xs]
    gap = (places[-1] - places[0]) / MOST_LABELS
    shown = [0]
    for index, place in enumerate(places[1:-1], 1):
        if place - places[shown[-1]] >= gap and places[-1] - place >= gap:
            shown.append(index)
    shown.append(len(xs) - 1)
    return [value_text(x, 3) if index in shown else "" for index, x in enumerate(xs)]


def _draw_levels(axes: "Axes", panel: Panel) -> None:
    """Draw the rows to compare with as dashed lines, each with its name at the right."""
    for index, (shown, mean) in enumerate(panel.levels):
        line = axes.axhline(mean, color=style.GREYS[index % len(style.GREYS)], linewidth=0.9,
                            linestyle=style.DASHES[index % len(style.DASHES)])  # fmt: skip
        style.told(line, f"{shown}, {panel.cell.title}: {mean:.2f}")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high)
    places = style.spaced([mean for _, mean in panel.levels], gap=(high - low) * 0.065)
    for (shown, mean), place in zip(panel.levels, places, strict=True):
        text = style.printable(style.shortened(shown))
        axes.annotate(
            f"{text} {mean:.1f}",
            xy=(1.0, mean),
            xytext=(1.03, place),
            xycoords=axes.get_yaxis_transform(),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=style.SMALL,
            arrowprops=LEADER,
        )
