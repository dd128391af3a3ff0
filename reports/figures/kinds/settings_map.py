"""Maps of two hyperparameters: the settings that a search trained, and the means of a grid over two."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.board.board import Board, Line
from reports.figures.figure import Figure, NotDrawn, paged
from reports.figures.searches import Axis, SearchTrials, searches
from reports.results.measures import Measure
from reports.results.sweep import Cell, value_text
from trainers import titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from reports.results.results import Results

PREFERRED = ("w1", "w2")
"""Drawn where both are searched; else the first two that are numbers."""
BOTH = 2
MARGIN = 0.05
"""Of a range, at each end."""


@dataclass(frozen=True, slots=True)
class Scatter:
    """The settings of one search."""

    shown: str
    cell: Cell
    measure: Measure
    x: Axis
    y: Axis
    points: tuple[tuple[float, float, float | None], ...]
    """x, y and the validation score in percent; None where the training was pruned or diverged."""
    chosen: tuple[float, float] | None
    others: tuple[str, ...]
    """Searched as well and not drawn."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """The means of an entry with a grid over two hyperparameters."""

    shown: str
    cell: Cell
    measure: Measure
    names: tuple[str, str]
    xs: tuple[Any, ...]
    ys: tuple[Any, ...]
    means: Mapping[tuple[Any, Any], float]


def _caption(panels: Sequence[Scatter | Matrix]) -> str:
    sentences = []
    if any(isinstance(panel, Scatter) for panel in panels):
        sentences.append(
            "The settings that a search trained, with their score on validation images as brightness; a cross is a "
            "training that was pruned or diverged, a ring the setting that was chosen."
        )
    if any(isinstance(panel, Matrix) for panel in panels):
        sentences.append("A grid over two hyperparameters: mean test score after the last epoch over seeds.")
    hidden = sorted(
        f"{p.shown} ({', '.join(map(titles.symbol, p.others))})" for p in panels if isinstance(p, Scatter) and p.others
    )
    if hidden:
        sentences.append(f"Searched as well and not drawn: {'; '.join(hidden)}.")
    return " ".join(sentences)


def build(_: "Results", board: Board) -> Iterator[Figure | NotDrawn]:
    """Yield maps for all searches and grids over two numbers, a few a page."""
    order = {cell: place for place, cell in enumerate(board.cells)}
    found: list[Scatter | Matrix] = [*_matrices(board)]
    found += [panel for search in searches(board) for panel in _scatter(search)]
    found.sort(key=lambda panel: order[panel.cell])  # stable
    if not found:
        yield NotDrawn("map of settings", "no search or grid over two numbers has results enough")
    yield from paged("settings_map", found, _caption, draw)


def _scatter(search: SearchTrials) -> Iterator[Scatter]:
    numbers = [axis for axis in search.axes if axis.low is not None]
    wanted = [axis for axis in numbers if axis.name in PREFERRED]
    if len(numbers) < BOTH:
        return
    x, y = wanted if len(wanted) == BOTH else numbers[:BOTH]
    both: list[Any] = [(setting.get(x.name), setting.get(y.name)) for setting in search.settings]
    points = ((float(a), float(b), score) for (a, b), score in zip(both, search.scores, strict=True) if _there(a, b))
    chose: Any = (search.chosen or {}).get(x.name), (search.chosen or {}).get(y.name)
    yield Scatter(
        search.shown,
        search.cell,
        search.measure,
        x,
        y,
        tuple(points),
        (float(chose[0]), float(chose[1])) if _there(*chose) else None,
        tuple(axis.name for axis in search.axes if axis not in (x, y)),
    )


def _there(*values: Any) -> bool:
    import pandas as pd

    return not any(value is None or pd.isna(value) for value in values)


def _matrices(board: Board) -> Iterator[Matrix]:
    by_entry: dict[str, list[Line]] = {}
    for line in board.lines:
        if len(line.row.grid) == BOTH and all(name in line.row.hyperparameters for name in line.row.grid):
            by_entry.setdefault(line.row.entry, []).append(line)
    for column, cell in enumerate(board.cells):
        for lines in by_entry.values():
            (x, y), given = lines[0].row.grid, [line.row.hyperparameters for line in lines]
            places = [(_key(values[x]), _key(values[y])) for values in given]
            stats = [line.scores[column].stat for line in lines]
            means = {place: stat.mean for place, stat in zip(places, stats, strict=True) if stat is not None}
            xs, ys = (_ordered(tuple(dict.fromkeys(values))) for values in zip(*places, strict=True))
            if means and len(means) == sum(stat is not None for stat in stats):  # else they differ in something else
                yield Matrix(lines[0].row.shown_entry, cell, board.measure(cell), (x, y), xs, ys, means)


def _key(value: Any) -> Any:
    """Return a value that can be looked up: a list as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def _ordered(values: tuple[Any, ...]) -> tuple[Any, ...]:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return tuple(sorted(values)) if numbers else values


def draw(canvas: "Canvas", panels: Sequence[Scatter | Matrix]) -> None:
    """Draw a panel for each search and grid."""
    from reports.figures import style

    every = style.panels(canvas, [panel.cell for panel in panels], [panel.shown for panel in panels])
    for axes, panel in zip(every, panels, strict=True):
        image = _draw_scatter(axes, panel) if isinstance(panel, Scatter) else _draw_matrix(axes, panel)
        if image is not None:
            where = "validation" if isinstance(panel, Scatter) else "test"
            bar = canvas.colorbar(image, ax=axes, pad=0.02, aspect=30)
            bar.outline.set_linewidth(0.4)
            bar.set_label(f"{where} {panel.measure.short} (%)", fontsize=style.SMALL)
            bar.ax.tick_params(labelsize=style.SMALL, width=0.4)


def _draw_scatter(axes: "Axes", panel: Scatter) -> Any:
    from reports.figures import style

    for axis, name in ((panel.x, "x"), (panel.y, "y")):
        _scale(axes, axis, name)
    lost = [(x, y) for x, y, score in panel.points if score is None]
    if lost:
        (crosses,) = axes.plot(*zip(*lost, strict=True), "x", color="0.35", markersize=3.5, markeredgewidth=0.7)
        style.told(crosses, "pruned or diverged", [_told(panel, x, y, "pruned or diverged") for x, y in lost])
    if panel.chosen is not None:
        (ring,) = axes.plot(*panel.chosen, "o", markersize=9, markerfacecolor="none", color="#D55E00",
                            markeredgewidth=1.2)  # fmt: skip
        style.told(ring, _told(panel, *panel.chosen, "chosen"))
    done = [(x, y, score) for x, y, score in panel.points if score is not None]
    if not done:
        return None
    xs, ys, scores = zip(*done, strict=True)
    dots = axes.scatter(xs, ys, c=scores, cmap=style.SCALE, s=16, edgecolors="0.2", linewidths=0.3, zorder=3)
    style.told(dots, panel.shown, [_told(panel, x, y, f"{score:.2f}") for x, y, score in done])
    return dots


def _told(panel: Scatter, x: float, y: float, found: str) -> str:
    setting = f"{titles.symbol(panel.x.name)} = {value_text(x, 4)}, {titles.symbol(panel.y.name)} = {value_text(y, 4)}"
    return f"{panel.shown}, {panel.cell.title}: {setting}: {found}"


def _scale(axes: "Axes", axis: Axis, which: str) -> None:
    """Scale an axis as it was searched, over the whole range."""
    from reports.figures.style import logarithmic, printable

    (axes.set_xlabel if which == "x" else axes.set_ylabel)(printable(titles.symbol(axis.name)))
    low, high = float(axis.low or 0.0), float(axis.high or 0.0)
    if axis.log and low > 0:
        logarithmic(axes, which)
        margin = (high / low) ** MARGIN if high > low else 1.1
        (axes.set_xlim if which == "x" else axes.set_ylim)(low / margin, high * margin)
    elif high > low:
        margin = MARGIN * (high - low)
        (axes.set_xlim if which == "x" else axes.set_ylim)(low - margin, high + margin)


def _draw_matrix(axes: "Axes", panel: Matrix) -> Any:
    import numpy as np

    from reports.figures import style

    rows = [[panel.means.get((x, y), np.nan) for x in panel.xs] for y in panel.ys]
    values = np.array(rows, dtype=float)
    image = axes.pcolormesh(values, cmap=style.SCALE, edgecolors="white", linewidth=0.5)
    low, high = np.nanmin(values), np.nanmax(values)
    told = [
        f"{panel.shown}, {panel.cell.title}: {titles.symbol(panel.names[0])} = {value_text(x, 3)}, "
        f"{titles.symbol(panel.names[1])} = {value_text(y, 3)}: {panel.means.get((x, y), np.nan):.2f}"
        for y in panel.ys
        for x in panel.xs
    ]
    style.told(image, panel.shown, told)
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            dark = value < (low + high) / 2 or low == high
            number = axes.text(column + 0.5, row + 0.5, f"{value:.1f}", ha="center", va="center", fontsize=6,
                               color="white" if dark else "black")  # fmt: skip
            style.told(number, told[row * len(panel.xs) + column])
    axes.set_xticks(np.arange(len(panel.xs)) + 0.5, [style.printable(value_text(x, 3)) for x in panel.xs])
    axes.set_yticks(np.arange(len(panel.ys)) + 0.5, [style.printable(value_text(y, 3)) for y in panel.ys])
    axes.set_xlabel(style.printable(titles.symbol(panel.names[0])))
    axes.set_ylabel(style.printable(titles.symbol(panel.names[1])))
    return image
