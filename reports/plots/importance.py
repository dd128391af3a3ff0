"""Which hyperparameters of a search decided whether a training was among the best, over the cells."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from reports.importances import Searched, importances
from reports.plots._base import Material, NotDrawn, Plot, numbered, paged
from reports.plots._searches import SearchTrials
from reports.switches import record_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

FEWEST = 20
"""Completed trainings, so that there are five among the best quarter, as Optuna advises."""


@dataclass(frozen=True, slots=True)
class Panel:
    """The searches of one row, one a cell."""

    shown: str
    shares: tuple[tuple[str, tuple[float, ...]], ...]
    """(hyperparameter, its share in each cell), the largest mean first."""
    trainings: tuple[int, ...]
    """Completed ones of each cell."""


@dataclass(frozen=True, slots=True)
class Importance:
    """Shares of hyperparameters, a panel a searched row."""

    panels: tuple[Panel, ...]
    page: int = 1

    @property
    def stem(self) -> str:
        """Name of the file."""
        return numbered("importances", self.page)

    @property
    def caption(self) -> str:
        """What the figure shows."""
        sizes = [count for panel in self.panels for count in panel.trainings]
        span = f"{min(sizes)}" if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"
        dots = "; dots are pairs" if any(len(panel.trainings) > 1 for panel in self.panels) else ""
        return (
            "How much each hyperparameter of a search decides whether a training is among the best quarter by "
            f"validation score (PED-ANOVA; shares of their sum; {span} completed trainings a search{dots}). Of few "
            "trainings a share is a hint and no more, and it says nothing of what lies outside the range searched. A "
            "hyperparameter that did nothing in some of the trainings, for what others were, is left out."
        )


def build(material: Material) -> Iterator[Plot | NotDrawn]:
    """Yield the shares of all searches with enough trainings, a few rows a page."""
    by_row: dict[str, list[tuple[dict[str, float], int]]] = {}
    for search in filter(_enough, material.searches):
        classes = _classes(material, search)
        shares = _shares(search, idle_in_some(search, classes))
        if len(shares) > 1:
            by_row.setdefault(search.shown, []).append((shares, search.completed))
    if not by_row:
        why = f"no search over two hyperparameters or more has {FEWEST} completed trainings"
        yield NotDrawn("importance of hyperparameters", why)
    for page, panels in paged([_panel(shown, found) for shown, found in by_row.items()]):
        yield Importance(panels, page)


def _enough(search: SearchTrials) -> bool:
    scores = {score for score in search.scores if score is not None}
    return len(search.axes) > 1 and search.completed >= FEWEST and len(scores) > 1


def _classes(material: Material, search: SearchTrials) -> int:
    facts = (material.results.resolved.get("facts") or {}).get("datasets") or {}
    return int((facts.get(search.cell.dataset) or {}).get("classes") or 0)


def idle_in_some(search: SearchTrials, classes: int) -> frozenset[str]:
    """Return the searched hyperparameters that did nothing in some trainings, such as k where the cut is by mass.

    There they stand at their defaults, whatever was proposed, and would pass for the reason of what the others did.
    """
    record = record_of(search.method)
    if record is None:
        return frozenset()
    found: set[str] = set()
    for values in search.whole:
        try:
            found |= set(record.method.dead({**record.method.defaults(), **values}, classes))
        except (KeyError, TypeError, ValueError):
            return frozenset()  # of another version of the method: nothing is known
    return frozenset(found & {axis.name for axis in search.axes})


def _shares(search: SearchTrials, idle: frozenset[str]) -> dict[str, float]:
    axes = [axis for axis in search.axes if axis.name not in idle]
    searched = [Searched(axis.name, axis.log, axis.low, axis.high, axis.choices) for axis in axes]
    pairs = [(s, score) for s, score in zip(search.settings, search.scores, strict=True) if score is not None]
    settings = [
        {name: value for name, value in setting.items() if name not in idle and not pd.isna(value)}
        for setting, _ in pairs
    ]
    return {} if len(axes) < 2 else importances(searched, settings, [score for _, score in pairs])


def _panel(shown: str, found: list[tuple[dict[str, float], int]]) -> Panel:
    names = dict.fromkeys(name for shares, _ in found for name in shares)
    by_name = {name: tuple(shares[name] for shares, _ in found if name in shares) for name in names}
    order = sorted(by_name, key=lambda name: -statistics.fmean(by_name[name]))  # stable: the sweep's order for equals
    return Panel(shown, tuple((name, by_name[name]) for name in order), tuple(count for _, count in found))


def draw(canvas: "Canvas", figure: Importance, title: str = "") -> None:
    """Draw bars with a dot for each cell."""
    from reports.plots import style

    count = len(figure.panels)
    tallest = max(len(panel.shares) for panel in figure.panels)
    for axes, panel in zip(style.panels(canvas, count, 0.75 + 0.24 * tallest), figure.panels, strict=True):
        places = range(len(panel.shares))
        means = [statistics.fmean(shares) for _, shares in panel.shares]
        axes.barh(places, means, color="#56B4E9", edgecolor="0.2", linewidth=0.5, height=0.65)
        if len(panel.trainings) > 1:
            dots = [(share, place) for place, (_, shares) in enumerate(panel.shares) for share in shares]
            axes.plot(*zip(*dots, strict=True), "o", color="0.15", markersize=2.4, markeredgewidth=0)
        axes.set_yticks(places, [style.printable(style.shortened(name)) for name, _ in panel.shares])
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_xlabel("importance (share)")
        style.titled(axes, panel.shown, of=count)
