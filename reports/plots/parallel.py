"""Parallel coordinates: every training of a search as a line through its hyperparameters to its score."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.plots._base import Material, NotDrawn, Plot, numbered, paged
from reports.plots._searches import Axis, SearchTrials, is_number
from reports.wording import value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

FEWEST_AXES = 3
"""Of fewer the map of settings shows all there is."""
PANELS_A_PAGE = 2
MANY_LINES = 1000
"""More are drawn as one picture inside the vector file."""
HEIGHT_INCHES = 2.1


@dataclass(frozen=True, slots=True)
class Parallel:
    """Searches over three hyperparameters and more, one below the other."""

    panels: tuple[SearchTrials, ...]
    page: int = 1

    @property
    def stem(self) -> str:
        """Name of the file."""
        return numbered("parallel_coordinates", self.page)

    @property
    def caption(self) -> str:
        """What the figure shows."""
        return (
            "Every completed training of a search as a line through its hyperparameters to its score on validation "
            "images; brightness is the score, the dark line the setting that was chosen. Pruned and diverged trainings "
            "are left out."
        )


def build(material: Material) -> Iterator[Plot | NotDrawn]:
    """Yield the searches over enough hyperparameters, a few a page."""
    found = [search for search in material.searches if len(search.axes) >= FEWEST_AXES]
    if not found:
        yield NotDrawn(
            "parallel coordinates", f"no search over {FEWEST_AXES} hyperparameters or more has results enough"
        )
    for page, panels in paged(found, PANELS_A_PAGE):
        yield Parallel(panels, page)


def places(axis: Axis, values: Sequence[Any]) -> list[float]:
    """Return where values stand on an axis from 0 to 1; NaN for one that is missing."""
    import numpy as np

    if not is_number(axis):
        last = max(1, len(axis.choices) - 1)
        known = {choice: index / last for index, choice in enumerate(axis.choices)}
        return [known.get(str(value), np.nan) for value in values]
    numbers = np.array([_number(value) for value in [axis.low, axis.high, *values]], dtype=float)
    if axis.log and numbers[0] > 0:
        numbers = np.log(numbers)
    low, high = numbers[:2]
    return [float(place) for place in (numbers[2:] - low) / ((high - low) or 1.0)]


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):  # a conditional hyperparameter that this training has not
        return float("nan")


def draw(canvas: "Canvas", figure: Parallel, title: str = "") -> None:
    """Draw the searches one below the other."""
    from reports.plots import style

    count = len(figure.panels)
    canvas.set_size_inches(style.DOUBLE_INCHES, HEIGHT_INCHES * count)
    cells = {panel.cell for panel in figure.panels}
    for number, panel in enumerate(figure.panels):
        axes = canvas.add_subplot(count, 1, number + 1)
        _draw(axes, panel)
        style.titled(axes, f"{panel.shown}, {panel.cell.id}" if len(cells) > 1 else panel.shown, of=1)


def _draw(axes: "Axes", panel: SearchTrials) -> None:
    import numpy as np
    from matplotlib.collections import LineCollection

    from reports.plots import style

    done = [(s, score) for s, score in zip(panel.settings, panel.scores, strict=True) if score is not None]
    done.sort(key=lambda one: one[1])  # the best on top
    settings, scores = [setting for setting, _ in done], np.array([score for _, score in done])
    columns = [places(axis, [setting.get(axis.name) for setting in settings]) for axis in panel.axes]
    low, high = scores.min(), scores.max()
    ys = np.array([*columns, (scores - low) / ((high - low) or 1.0)]).T
    xs = np.broadcast_to(np.arange(ys.shape[1], dtype=float), ys.shape)
    lines = LineCollection([*np.stack([xs, ys], axis=2)], array=scores, cmap=style.SCALE, linewidths=0.7, alpha=0.8)
    lines.set_rasterized(len(done) > MANY_LINES)
    axes.add_collection(lines)
    if panel.chosen is not None:
        same = [i for i, setting in enumerate(settings) if all(setting.get(n) == v for n, v in panel.chosen.items())]
        if same:
            axes.plot(xs[same[-1]], ys[same[-1]], color="black", linewidth=1.6)
    names = [*(axis.name for axis in panel.axes), f"validation {panel.measure.short} (%)"]
    axes.set_xticks(range(len(names)), [style.printable(name) for name in names])
    axes.set_xlim(-0.08, len(names) - 1 + 0.16)
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="x", length=0)
    for place, ends in enumerate([*map(_ends, panel.axes), [(0.0, f"{low:.1f}"), (1.0, f"{high:.1f}")]]):
        axes.axvline(place, color="0.3", linewidth=0.6)
        for at, text in ends:
            axes.annotate(style.printable(style.shortened(text, 12)), (place, at), xytext=(3, 0), fontsize=6,
                          textcoords="offset points", va="center",
                          bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6})  # fmt: skip


def _ends(axis: Axis) -> list[tuple[float, str]]:
    """Return what stands on an axis: place and text."""
    if axis.low is None or axis.high is None:
        last = max(1, len(axis.choices) - 1)
        return [(index / last, str(choice)) for index, choice in enumerate(axis.choices)]
    return [(0.0, value_text(axis.low, 3)), (1.0, value_text(axis.high, 3))]
