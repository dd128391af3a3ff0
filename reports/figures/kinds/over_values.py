"""Draws accuracy over a hyperparameter: mean, band and each seed of every grid, rows without it as lines."""

import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reports.figures._base import Material, NotDrawn, Plot
from reports.figures.curves import Curve, Figure, figures
from reports.figures.style import DASHES, GREYS, SMALL, look, printable, shortened, spaced, titled, told
from reports.results.sweep import value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

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
    axes.set_xlabel(printable(figure.hyperparameter))
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
