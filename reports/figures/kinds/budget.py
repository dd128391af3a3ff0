"""Accuracy against search budget: the best validation score that so many trainings of a search find, on average.

Of N trainings in a search, the expected best of n is the mean of the best over all ways to choose n of them, without
putting back: exact and unbiased for trainings drawn independently. Dodge et al., "Show Your Work: Improved Reporting
of Experimental Results", EMNLP 2019, put back, which is too low for few trainings; Tang et al., "Showing Your Work
Doesn't Always Work", ACL 2020, say so. A search by a model proposes better settings later, so what it found in its own
order is drawn beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Any

from reports.figures.figure import Figure, NotDrawn, Panel, paged
from reports.figures.searches import FEWEST, SearchTrials, searches

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from reports.board.board import Board
    from reports.figures.style import Look
    from reports.results.results import Results

LOW, HIGH = 0.1, 0.9
"""Shares of the orders below the band and below its upper edge."""
PLACES = 200
"""Budgets that a long search is evaluated at."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What the search of one row finds."""

    row: str
    """Its label: others may be shown alike."""
    shown: str
    budgets: tuple[int, ...]
    expected: tuple[float, ...]
    """Best of that many trainings, in percent, as a mean over all choices of them."""
    low: tuple[float, ...]
    high: tuple[float, ...]
    in_order: tuple[float, ...]
    """Best so far after each training in the order proposed, from 1 on."""
    lost: int
    """Trainings that were pruned or diverged; they count as the lowest score that the search has completed."""
    raced: int = 0
    """Trainings of the best settings with further seeds, which came after these."""


def _caption(panels: Sequence[Panel[Curve]]) -> str:
    lost = sum(curve.lost for panel in panels for curve in panel.drawn)
    counted = (
        f" {lost} pruned or diverged {'training counts' if lost == 1 else 'trainings count'} as spent, at the "
        "lowest score that its search completed."
    )
    return (
        "Accuracy on validation images against search budget, in trainings: expected best of n over all orders of "
        "each search's trainings (thick line; without putting back, so unbiased), the middle 80 % of the orders "
        "(band; it closes at the full budget, because one search was run), and the best so far in the order "
        "proposed (thin steps). Compare methods at one budget; the dotted line is the largest that all have spent. "
        f"Rows at fixed settings have no search and no curve.{counted if lost else ''}{_raced(panels)}"
    )


def _raced(panels: Sequence[Panel[Curve]]) -> str:
    curves = [(panel, curve) for panel in panels for curve in panel.drawn if curve.raced]
    raced = [f"{curve.shown}, {panel.cell.title}: {curve.raced}" for panel, curve in curves]
    return f" Trainings that chose among the best by further seeds come on top ({'; '.join(raced)})." if raced else ""


def build(_: "Results", board: "Board") -> Iterator[Figure | NotDrawn]:
    """Yield the figure for all cells with a search, a few cells a page."""
    by_cell = {cell: list(some) for cell, some in groupby(searches(board), key=lambda search: search.cell)}
    if not by_cell:
        yield NotDrawn("accuracy against search budget", f"no search has {FEWEST} completed trainings")
    found = [Panel(cell, some[0].measure, tuple(map(_curve, some))) for cell, some in by_cell.items()]
    yield from paged("accuracy_over_budget", found, _caption, draw)


def _curve(search: SearchTrials) -> Curve:
    lowest = min(score for score in search.scores if score is not None)
    scores = [lowest if score is None else score for score in search.scores]
    budgets = spread_out(len(scores))
    expected, low, high = best_of(scores, budgets)
    lost = len(scores) - search.completed
    in_order = tuple(accumulate(scores, max))
    return Curve(search.row, search.shown, budgets, expected, low, high, in_order, lost, search.raced)


def spread_out(count: int, places: int = PLACES) -> tuple[int, ...]:
    """Return 1 … count, or some of them where that is many, both ends among them."""
    import numpy as np

    return tuple(map(int, np.unique(np.linspace(1, count, min(count, places)).round())))


def best_of(scores: Sequence[float], budgets: Sequence[int]) -> tuple[tuple[float, ...], ...]:
    """Return, for each budget n, the mean of the best of n scores over all choices of n of them, and two quantiles.

    With the scores in rising order, the best of n is at most the i-th with probability C(i, n) / C(N, n).
    """
    import numpy as np
    from scipy.special import gammaln

    values = np.sort(np.asarray(scores, dtype=float))
    count = len(values)
    rank, n = np.arange(1, count + 1)[None, :], np.asarray(budgets)[:, None]
    left = np.where(rank >= n, rank - n, 0)
    log = gammaln(rank + 1) - gammaln(left + 1) - gammaln(count + 1) + gammaln(count - n + 1)
    at_most = np.where(rank >= n, np.exp(log), 0.0)
    at_most[:, -1] = 1.0
    expected = np.diff(at_most, axis=1, prepend=0.0) @ values
    edges = [values[(at_most >= share - 1e-12).argmax(axis=1)] for share in (LOW, HIGH)]
    return tuple(tuple(map(float, some)) for some in (expected, *edges))


def draw(canvas: "Canvas", panels: Sequence[Panel[Curve]]) -> None:
    """Draw a panel for each cell."""
    from matplotlib.ticker import MaxNLocator

    from reports.figures import style

    every = style.drawn(canvas, panels, _draw, ("trainings spent on the search", "best validation {} (%)"))
    for axes, panel in zip(every, panels, strict=True):
        spent = {len(curve.in_order) for curve in panel.drawn}
        if len(spent) > 1:
            style.told(
                axes.axvline(min(spent), color="0.4", linestyle=":", linewidth=0.8),
                f"{panel.cell.title}: {min(spent)} trainings are the most that all searches have spent",
            )
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _draw(axes: "Axes", curve: Curve, own: "Look", panel: Panel[Curve]) -> Any:
    from reports.figures import style

    band = axes.fill_between(curve.budgets, curve.low, curve.high, color=own.colour, alpha=0.15, linewidth=0)
    (line,) = axes.plot(curve.budgets, curve.expected, color=own.colour, linestyle=own.line, linewidth=1.4)
    (steps,) = axes.step(range(1, len(curve.in_order) + 1), curve.in_order, color=own.colour,
                         linestyle=own.line, linewidth=0.6, where="post")  # fmt: skip
    best, low, high = (some[-1] for some in (curve.expected, curve.low, curve.high))
    where = f"{curve.shown}, {panel.cell.title}"
    style.told(line, f"{where}: expected best of {curve.budgets[-1]}: {best:.2f}")
    style.told(band, f"{where}: the middle 80 % of {curve.budgets[-1]}: {low:.2f} to {high:.2f}")
    style.told(steps, f"{where}: best so far: {curve.in_order[-1]:.2f} after {len(curve.in_order)}")
    return line
