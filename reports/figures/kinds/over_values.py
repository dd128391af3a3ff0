"""Accuracy over a hyperparameter: mean, band and each seed of every grid, rows without it as lines."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.board.board import Board, Line
from reports.figures._base import Material, NotDrawn, Plot
from reports.figures.style import DASHES, GREYS, SMALL, look, printable, shortened, spaced, titled, told
from reports.results.measures import TOP1, Measure
from reports.results.sweep import Cell, Row, value_text
from reports.tables.files import slug
from trainers import titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

COMPARED = ("ce", "kd", "dkd")
"""Methods whose fixed rows are drawn as lines to compare with."""
LEVELS = 8
"""The first so many of them: more could not be told apart."""
DECADE = 10
MOST_TICKS = 12
"""Values that are written under an axis; of more, so many of them."""
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
class Figure:
    """Accuracy over one hyperparameter in one cell."""

    hyperparameter: str
    cell: Cell
    curves: tuple[Curve, ...]
    levels: tuple[tuple[str, float], ...]
    """(shown name, mean) of rows that do not depend on the hyperparameter."""
    measure: Measure = TOP1

    @property
    def stem(self) -> str:
        """Name of the file, but for its ending and the cell's name."""
        return f"{self.measure.short.lower()}_over_{slug(self.hyperparameter)}"

    @property
    def caption(self) -> str:
        """What the figure shows."""
        levels = " Dashed lines are rows that do not depend on it." if self.levels else ""
        return (
            f"{self.measure.long} on the test images after the last epoch over {titles.symbol(self.hyperparameter)}, "
            f"{self.cell.title}: mean (line), sample standard deviation (band) and each seed (dots).{levels}"
        )


def figures(table: Board) -> Iterator[Figure]:
    """Yield the figures that the sweep has numbers for, by cell, then by hyperparameter in the sweep's order."""
    grids = _grids(table.lines)
    for column, cell in enumerate(table.cells):
        levels = tuple(_levels(table.lines, column, grids))[:LEVELS]
        for name in dict.fromkeys(name for name, _ in grids.values()):
            curves = (_curve(entry, values, table, column) for entry, (n, values) in grids.items() if n == name)
            drawn = tuple(curve for curve in curves if curve.points)
            if drawn:
                yield Figure(name, cell, drawn, levels, table.measure(cell))


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


def _curve(entry: str, values: Mapping[str, float], table: Board, column: int) -> Curve:
    own = {ln.row.label: ln for ln in table.lines if ln.row.entry == entry}
    scores = {label: line.scores[column].by_seed for label, line in own.items()}
    points = [(values[label], scores[label]) for label in sorted(values, key=values.__getitem__) if scores[label]]
    return Curve(next(iter(own.values())).row.shown_entry, tuple(points))


def _levels(lines: Sequence[Line], column: int, grids: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    for line in lines:
        stat = line.scores[column].stat
        fixed = line.kind != "teacher" and not line.searched and line.row.entry not in grids
        if fixed and line.row.method in COMPARED and stat is not None:
            yield line.shown, stat.mean


def build(material: Material) -> Iterator[Plot | NotDrawn]:
    """Yield a figure for each cell and hyperparameter that some entry has a grid over."""
    found = list(figures(material.table))
    if found:
        yield from found
    else:
        yield NotDrawn("accuracy over a hyperparameter", "no entry has a grid over one number with results")


def draw(canvas: "Canvas", figure: Figure, title: str = "") -> None:
    """Draw the figure."""
    axes = canvas.add_subplot()
    for index, curve in enumerate(figure.curves):
        _draw_curve(axes, curve, index)
    _scale(axes, figure)
    _draw_levels(axes, figure)
    titled(axes, title, of=1)
    axes.legend()


def _draw_curve(axes: "Axes", curve: Curve, index: int) -> None:
    own = look(index)
    xs = [value for value, _ in curve.points]
    means = [statistics.fmean(by_seed.values()) for _, by_seed in curve.points]
    stds = [statistics.stdev(s.values()) if len(s) > 1 else 0.0 for _, s in curve.points]
    low = [mean - std for mean, std in zip(means, stds, strict=True)]
    high = [mean + std for mean, std in zip(means, stds, strict=True)]
    axes.fill_between(xs, low, high, color=own.colour, alpha=0.2, linewidth=0)
    (line,) = axes.plot(xs, means, color=own.colour, linestyle=own.line, linewidth=1.2, label=printable(curve.shown))
    spreads = (f" ± {std:.2f}" if std else "" for std in stds)
    values = (f"{value_text(x, 3)}: {mean:.2f}{s}" for x, mean, s in zip(xs, means, spreads, strict=True))
    told(line, curve.shown, *values)
    dots = [(value, by_seed[seed]) for value, by_seed in curve.points for seed in sorted(by_seed)]
    places, accuracies = zip(*dots, strict=True)
    axes.plot(places, accuracies, own.marker, color=own.colour, markersize=2.6, markeredgewidth=0, alpha=0.75)


def _scale(axes: "Axes", figure: Figure) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    xs = sorted({value for curve in figure.curves for value, _ in curve.points})
    if xs[0] > 0 and xs[-1] > DECADE * xs[0]:
        axes.set_xscale("log")
    marked = (
        xs if len(xs) <= MOST_TICKS else [xs[round(i * (len(xs) - 1) / (MOST_TICKS - 1))] for i in range(MOST_TICKS)]
    )
    axes.xaxis.set_major_locator(FixedLocator(marked))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(marked, [value_text(x, 3) for x in marked])
    axes.set_xlabel(printable(titles.symbol(figure.hyperparameter)))
    axes.set_ylabel(f"test {figure.measure.short} (%)")


def _draw_levels(axes: "Axes", figure: Figure) -> None:
    """Draw the rows to compare with as dashed lines, each with its name at the right."""
    for index, (_, mean) in enumerate(figure.levels):
        axes.axhline(mean, color=GREYS[index % len(GREYS)], linestyle=DASHES[index % len(DASHES)], linewidth=0.9)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high)
    places = spaced([mean for _, mean in figure.levels], gap=(high - low) * 0.065)
    for (shown, mean), place in zip(figure.levels, places, strict=True):
        text = printable(shortened(shown))
        axes.annotate(
            f"{text} {mean:.1f}",
            xy=(1.0, mean),
            xytext=(1.03, place),
            xycoords=axes.get_yaxis_transform(),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=SMALL,
            arrowprops=LEADER,
        )
