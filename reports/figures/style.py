"""How every figure looks: sizes of a paper, fonts that are embedded, colours and marks that grey tells apart."""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.font_manager import FontProperties, findfont, get_font

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from reports.figures.figure import Panel
    from reports.results.sweep import Cell

COLUMN_INCHES, DOUBLE_INCHES = 3.48, 7.13
"""A column, and both, of IEEE's papers, the narrowest of those in use but for a hair."""
HEIGHT_INCHES = 2.4
DOTS_PER_INCH = 300
FONT = "DejaVu Sans"
SMALL = 7
"""Points of what is not an axis."""
LABEL_CHARACTERS = 18
IN_A_ROW = 3
LEGEND_LINE_INCHES = 0.15

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
"""Okabe and Ito, "Color Universal Design", 2008; of different lightness, so that grey tells them apart."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
LINES: tuple[Any, ...] = ("-", (0, (6, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))
DASHES: tuple[Any, ...] = ((0, (4, 2)), (0, (1.5, 1.5)), (0, (6, 1.5, 1.5, 1.5)), (0, (8, 3)))
GREYS = ("0.25", "0.4", "0.15", "0.5")
SCALE = "cividis"
"""From dark to light with the value, for colour-blind eyes and in grey as well."""

SETTINGS: Any = {
    "font.family": FONT,
    "font.size": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "axes.titlesize": SMALL,
    "pdf.fonttype": 42,
    "pdf.compression": 6,
    "svg.hashsalt": "kdsweep",
    "savefig.dpi": DOTS_PER_INCH,
}


@dataclass(frozen=True, slots=True)
class Look:
    """What tells one line from the others, in colour and without."""

    colour: str
    marker: str
    line: Any


def look(index: int) -> Look:
    """Return the look of the line of that number; the combinations repeat after many."""
    return Look(COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)], LINES[index % len(LINES)])


TITLE = "title:"
"""How the id of an artist begins that is told in a picture: see `told`."""
BETWEEN = "\N{SYMBOL FOR UNIT SEPARATOR}"
MOST_MARKS = 500


def told(artist: Any, whole: str, marks: Sequence[str] = ()) -> None:
    """Have an artist say this where a browser shows the picture and points at it.

    Args:
        marks: of the artist's marks, such as the dots of a line, what each says by itself, in their order; more than
            `MOST_MARKS` lie on one another, and would be most of a page.
    """
    artist.set_gid(TITLE + BETWEEN.join([whole, *(marks if len(marks) <= MOST_MARKS else ())]))


def panels(
    canvas: "Canvas", over: "Sequence[Cell | str]", names: Iterable[str] = (), height: float = HEIGHT_INCHES
) -> "list[Axes]":
    """Return axes for panels: one is a column wide, more stand side by side over both columns.

    Args:
        over: what stands over each, such as its pair, with the data set where there are several.
        names: what stands over that.
    """
    from matplotlib.ticker import MaxNLocator

    count = len(over)
    across = min(count, IN_A_ROW)
    rows = math.ceil(count / across)
    canvas.set_size_inches(COLUMN_INCHES if count == 1 else DOUBLE_INCHES, height * rows)
    found = [canvas.add_subplot(rows, across, number + 1) for number in range(count)]
    for axes in found if count > 1 else ():
        axes.xaxis.set_major_locator(MaxNLocator(4))  # a small panel; every number takes time as well
        axes.yaxis.set_major_locator(MaxNLocator(5))
    several = len({one.dataset for one in over if not isinstance(one, str)}) > 1
    texts = [one if isinstance(one, str) else one.title if several else one.pair for one in over]
    for axes, text, name in itertools.zip_longest(found, texts, names):
        room = 62 if count == 1 else 120 // across
        axes.set_title("\n".join(printable(shortened(line, room)) for line in (name, text) if line))
    return found


def drawn(
    canvas: "Canvas",
    every: "Sequence[Panel[Any]]",
    draw: "Callable[[Axes, Any, Look, Panel[Any]], Any]",
    labels: tuple[str, str],
) -> "list[Axes]":
    """Draw panels of cells with a legend for all; return their axes.

    Args:
        draw: draws one item of a panel in its look, which it has in all panels; returns what the legend shows.
        labels: of the axes; {} is what is measured.
    """
    names = {item.row: item.shown for panel in every for item in panel.drawn}
    looks = {row: look(index) for index, row in enumerate(names)}
    found, handles = panels(canvas, [panel.cell for panel in every]), {}
    for axes, panel in zip(found, every, strict=True):
        for item in panel.drawn:
            handles[item.row] = draw(axes, item, looks[item.row], panel)
    outer_labels(found, labels[0], [labels[1].format(panel.measure.short) for panel in every])
    legend_below(canvas, [handles[row] for row in names], [*names.values()])
    return found


def outer_labels(axes: "Sequence[Axes]", x: str, ys: Sequence[str]) -> None:
    """Label axes that mean the same in all panels: below the last panel of a column, and at the left, or where a panel
    measures something else than its neighbour."""
    across = min(len(axes), IN_A_ROW)
    for number, (one, y) in enumerate(zip(axes, ys, strict=True)):
        if number + across >= len(axes):
            one.set_xlabel(printable(x))
        if number % across == 0 or y != ys[number - 1]:
            one.set_ylabel(printable(y))


def logarithmic(axes: "Axes", which: str = "x") -> None:
    """Give an axis a logarithmic scale with its numbers written out."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    from reports.results.sweep import value_text

    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    own = axes.xaxis if which == "x" else axes.yaxis
    own.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0), numticks=12))
    own.set_major_formatter(FuncFormatter(lambda value, _: value_text(float(value), 3)))
    own.set_minor_locator(NullLocator())
    own.set_minor_formatter(NullFormatter())


def shortened(text: str, characters: int = LABEL_CHARACTERS) -> str:
    """Return the text, with an ellipsis in place of what is too long."""
    return text if len(text) <= characters else text[: characters - 1] + "…"


def legend_below(canvas: "Canvas", handles: Sequence[Any], labels: Sequence[str]) -> None:
    """Put one legend for all panels under them, on paper added for it."""
    width, height = canvas.get_size_inches()
    texts = [printable(shortened(label, 36)) for label in labels]
    longest = max((len(text) for text in texts), default=1)
    columns = min(max(1, int(width / (0.055 * longest + 0.45))), max(1, len(texts)))
    canvas.set_figheight(height + LEGEND_LINE_INCHES * (math.ceil(len(texts) / columns) - 1))
    canvas.legend(handles, texts, loc="outside lower center", ncols=columns, borderpad=0.1, handlelength=2.2)


def spaced(values: Sequence[float], gap: float) -> list[float]:
    """Return places for labels beside `values`, in their order: at least `gap` apart, moved as little as that takes."""
    import numpy as np
    from scipy.optimize import isotonic_regression

    order, apart = np.argsort(values, kind="stable"), gap * np.arange(len(values))
    places = np.empty(len(values))
    places[order] = isotonic_regression(np.asarray(values)[order] - apart).x + apart if len(values) else 0.0
    return [float(place) for place in places]


def printable(text: str) -> str:
    """Return the text as matplotlib draws it literally: no mathematics, and a box for what the font lacks."""
    known = get_font(findfont(FontProperties(family=FONT))).get_charmap()
    flat = "".join(c if ord(c) in known else "\N{WHITE SQUARE}" for c in " ".join(text.split()))
    return flat.replace("$", r"\$")


def apply() -> None:
    """Take matplotlib's own defaults and ours; inside `matplotlib.rc_context`."""
    mpl.rcdefaults()
    mpl.rcParams.update(SETTINGS)
