"""Draws accuracy over a hyperparameter: a column of a paper wide, fonts embedded, told apart without colour as well."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FixedLocator, NullLocator

from reports.curves import Curve, Figure
from reports.wording import value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_INCHES = 3.5
HEIGHT_INCHES = 2.4
DOTS_PER_INCH = 300
FONT = "DejaVu Sans"
LABEL_CHARACTERS = 18
DECADE = 10

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
"""Okabe and Ito, "Color Universal Design", 2008; of different lightness, so that grey tells them apart."""
MARKERS = ("o", "s", "^", "D")
LINES = ("-", (0, (6, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))
DASHES = ((0, (4, 2)), (0, (1.5, 1.5)), (0, (6, 1.5, 1.5, 1.5)), (0, (8, 3)))
GREYS = ("0.25", "0.4", "0.15", "0.5")

STYLE: Any = {
    "font.family": FONT,
    "font.size": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "pdf.compression": 6,
    "svg.hashsalt": "kdsweep",
    "savefig.dpi": DOTS_PER_INCH,
}
WITHOUT_TIME = {
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}
"""Equal inputs give equal bytes."""


def draw(figure: Figure, path: Path, kind: str, title: str = "") -> None:
    """Write the figure to `path` as "pdf" or "png"; the user's own matplotlib settings have no say.

    Args:
        title: of the cell, where there are figures of several.
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        canvas = Canvas(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
        FigureCanvasAgg(canvas)
        axes = canvas.add_subplot()
        for index, curve in enumerate(figure.curves):
            _draw_curve(axes, curve, index)
        _scale(axes, figure)
        _draw_levels(axes, figure)
        if title:
            axes.set_title(printable(title), fontsize=7)
        axes.legend(fontsize=7)
        canvas.savefig(path, format=kind, metadata=WITHOUT_TIME[kind])


def _draw_curve(axes: "Axes", curve: Curve, index: int) -> None:
    colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
    xs = [value for value, _ in curve.points]
    means = [statistics.fmean(by_seed.values()) for _, by_seed in curve.points]
    stds = [statistics.stdev(s.values()) if len(s) > 1 else 0.0 for _, s in curve.points]
    low = [mean - std for mean, std in zip(means, stds, strict=True)]
    high = [mean + std for mean, std in zip(means, stds, strict=True)]
    axes.fill_between(xs, low, high, color=colour, alpha=0.2, linewidth=0)
    style = LINES[index % len(LINES)]
    axes.plot(xs, means, color=colour, linestyle=style, linewidth=1.2, label=printable(curve.shown))
    for value, by_seed in curve.points:
        seeds = [by_seed[seed] for seed in sorted(by_seed)]
        axes.plot([value] * len(seeds), seeds, marker, color=colour, markersize=2.6, markeredgewidth=0, alpha=0.75)


def _scale(axes: "Axes", figure: Figure) -> None:
    xs = sorted({value for curve in figure.curves for value, _ in curve.points})
    if xs[0] > 0 and xs[-1] > DECADE * xs[0]:
        axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(xs))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(xs, [value_text(x, 3) for x in xs])
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
        text = printable(shown if len(shown) <= LABEL_CHARACTERS else shown[: LABEL_CHARACTERS - 1] + "…")
        axes.annotate(
            f"{text} {mean:.1f}",
            xy=(1.0, mean),
            xytext=(1.03, place),
            xycoords=axes.get_yaxis_transform(),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=7,
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": "0.5", "shrinkA": 0, "shrinkB": 0},
        )


def spaced(values: Sequence[float], gap: float) -> list[float]:
    """Return places for labels beside `values`, in their order: at least `gap` apart, moved as little as that takes.

    Labels that are too close form a block, centred on the mean of what they label.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    blocks: list[list[int]] = []
    for index in order:
        blocks.append([index])
        while len(blocks) > 1 and _bottom(blocks[-1], values, gap) - _top(blocks[-2], values, gap) < gap:
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    places = [0.0] * len(values)
    for block in blocks:
        for step, index in enumerate(block):
            places[index] = _bottom(block, values, gap) + step * gap
    return places


def _bottom(block: Sequence[int], values: Sequence[float], gap: float) -> float:
    return statistics.fmean(values[index] for index in block) - gap * (len(block) - 1) / 2


def _top(block: Sequence[int], values: Sequence[float], gap: float) -> float:
    return _bottom(block, values, gap) + gap * (len(block) - 1)


def printable(text: str) -> str:
    """Return the text as matplotlib draws it literally: no mathematics, and a box for what the font lacks."""
    known = get_font(findfont(FontProperties(family=FONT))).get_charmap()
    flat = "".join(c if ord(c) in known else "\N{WHITE SQUARE}" for c in " ".join(text.split()))
    return flat.replace("$", r"\$")
