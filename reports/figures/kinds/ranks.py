"""Average ranks over pairs, with what no test tells apart: a critical-difference diagram.

Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 2006: Friedman's test on the ranks, then
Nemenyi's: two rows differ where their average ranks do by q · sqrt(k(k+1) / 6N) for k rows over N pairs.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.board.averages import ranks
from reports.board.board import Board
from reports.figures.figure import Figure, NotDrawn
from reports.statistics.ranges import tukey_critical
from reports.statistics.ranks import friedman, signed_ranks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from reports.results.results import Results

FEWEST_ROWS, FEWEST_PAIRS = 2, 3
MOST_ROWS = 20
MANY = 1e6
"""Degrees of freedom: ranks have a variance that is known."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """Average ranks of rows over the pairs that all of them have a mean in; 1 is the best."""

    ranks: tuple[tuple[str, float], ...]
    """(shown name, average rank), the best first."""
    pairs: int
    p: float
    """Of Friedman's test that all rows are alike; of two rows, of Wilcoxon's signed-rank test."""
    critical: float | None
    """Difference of average ranks that Nemenyi's test takes for one; None for two rows."""
    left_out: tuple[str, ...]
    """Rows that lack a pair, or were too many."""
    level: float
    """Of the tests."""

    @property
    def groups(self) -> tuple[tuple[int, int], ...]:
        """First and last of rows that are not told apart, by their place in `ranks`; only groups of several."""
        return groups([rank for _, rank in self.ranks], self.alike_within)

    @property
    def alike_within(self) -> float:
        """Difference of average ranks up to which rows are not told apart; all are where the first test finds none."""
        if self.p >= self.level:
            return math.inf
        return 0.0 if self.critical is None else self.critical

    @property
    def caption(self) -> str:
        """What the figure shows."""
        test = "Friedman's test" if self.critical is not None else "Wilcoxon's signed-rank test"
        found = (
            f"{test} finds no difference at all (p = {self.p:.2g}), so none is claimed."
            if self.p >= self.level
            else f"{test} finds differences (p = {self.p:.2g})"
            + (f"; by Nemenyi's, ranks must differ by {self.critical:.2f}." if self.critical is not None else ".")
        )
        hidden = f" Left out, for want of a pair or of room: {', '.join(self.left_out)}." if self.left_out else ""
        return (
            f"Average rank of each row over {self.pairs} pairs, 1 is the best; rows under one bar are not told apart "
            f"at the level {self.level:g}. {found} Only the means of pairs are ranked: how large a difference is, and "
            f"its spread over seeds, is not in it.{hidden}"
        )


def build(_: "Results", board: Board) -> Iterator[Figure | NotDrawn]:
    """Yield the diagram where there are rows and pairs enough."""
    what = "ranks over pairs"
    if len(board.cells) < FEWEST_PAIRS:
        yield NotDrawn(what, f"it takes {FEWEST_PAIRS} pairs, the sweep has {len(board.cells)}")
        return
    if board.settling is not None:
        yield NotDrawn(what, "seeds were added until comparisons were settled, so means of rows are not alike")
        return
    columns = range(len(board.cells))
    found = ranks(board, columns)
    if len(found) < FEWEST_ROWS:
        yield NotDrawn(what, f"it takes {FEWEST_ROWS} rows with a mean in every pair, there are {len(found)}")
        return
    lacking = [
        line.shown for line in board.lines if line.kind == "method" and not all(score.by_seed for score in line.scores)
    ]
    stats = ((score.stat for score in board.lines[place].scores) for place in found)  # ranked rows have all of them
    means = [[stat.mean for stat in of if stat is not None] for of in stats]
    named = [(board.lines[place].shown, rank) for place, rank in found.items()]
    always = next((i for i, place in enumerate(found) if place == board.reference_place), None)
    data = of_ranks(named, means, lacking, board.options.level, always)
    yield Figure(name="ranks", caption=data.caption, data=data, drawn_by=draw)


def of_ranks(
    named: Sequence[tuple[str, float]],
    means: Sequence[Sequence[float]],
    left_out: Sequence[str],
    level: float,
    always: int | None = None,
) -> Ranks:
    """Return the tests of rows with their average ranks.

    Args:
        named: shown name and average rank of each row.
        means: of each row in each pair; what is higher is better.
        always: place of the row that is drawn among however many.
    """
    rows, pairs = len(means), len(means[0])
    critical = None
    if rows == FEWEST_ROWS:
        p = signed_ranks([ours - theirs for ours, theirs in zip(*means, strict=True)]) or 1.0
    else:
        p = friedman(means)
        critical = tukey_critical(level, rows, MANY) / math.sqrt(2) * math.sqrt(rows * (rows + 1) / (6 * pairs))
    order = sorted(range(rows), key=lambda i: named[i][1])  # stable: the sweep's order for equals
    kept = set(sorted(order, key=lambda i: i != always)[:MOST_ROWS])
    hidden = [named[i][0] for i in order if i not in kept]
    return Ranks(tuple(named[i] for i in order if i in kept), pairs, p, critical, (*left_out, *hidden), level)


def groups(ranks: Sequence[float], within: float) -> tuple[tuple[int, int], ...]:
    """Return the largest runs of rising ranks whose ends differ by at most `within`, those of one row left out."""
    found: list[tuple[int, int]] = []
    for first, rank in enumerate(ranks):
        last = max(i for i, other in enumerate(ranks) if other - rank <= within)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return tuple(found)


def draw(canvas: "Canvas", figure: Ranks) -> None:
    """Draw a scale of ranks with the rows' names at both sides, and bars over those not told apart."""
    from reports.figures import style

    count, levels = len(figure.ranks), math.ceil(len(figure.ranks) / 2)
    bars = len(figure.groups)
    height = 0.16 * (levels + bars) + 0.75
    canvas.set_size_inches(style.COLUMN_INCHES if count <= 8 else style.DOUBLE_INCHES, height)
    axes = canvas.add_subplot()
    axes.set_axis_off()
    low, high = 1, max(count, math.ceil(figure.ranks[-1][1]))
    room = 0.62 * (high - low)
    axes.set_xlim(low - room, high + room)
    axes.set_ylim(-(bars + levels + 1.2), 2.4)
    axes.plot([low, high], [0, 0], color="black", linewidth=0.8)
    for tick in range(low, high + 1):
        axes.plot([tick, tick], [0, 0.25], color="black", linewidth=0.8)
        if tick % 2 or high <= MOST_ROWS:  # of more, every second has room for its number
            axes.text(tick, 0.45, str(tick), ha="center", va="bottom", fontsize=style.SMALL)
    for number, (first, last) in enumerate(figure.groups):
        ends = [figure.ranks[first][1] - 0.04, figure.ranks[last][1] + 0.04]
        (bar,) = axes.plot(ends, [-(number + 0.7)] * 2, color="black", linewidth=2.4, solid_capstyle="butt")
        alike = [shown for shown, _ in figure.ranks[first : last + 1]]
        style.told(bar, f"not told apart over {figure.pairs} pairs: {', '.join(alike)}")
    for index, (shown, rank) in enumerate(figure.ranks):
        left = index < levels
        place = -(bars + 1 + (index if left else count - 1 - index))
        end = low - 0.06 * room if left else high + 0.06 * room
        (line,) = axes.plot([rank, rank, end], [0, place, place], color="0.3", linewidth=0.6)
        name = style.printable(style.shortened(shown, 20 if count <= 8 else 28))
        text = f"{name} {rank:.2f}" if left else f"{rank:.2f} {name}"
        label = axes.text(end, place, f"{text} " if left else f" {text}", ha="right" if left else "left", va="center",
                          fontsize=style.SMALL)  # fmt: skip
        for artist in (line, label):
            style.told(artist, f"{shown}: average rank {rank:.2f} over {figure.pairs} pairs")
    _critical(axes, figure, low)


def _critical(axes: "Axes", figure: Ranks, low: float) -> None:
    from reports.figures import style

    if figure.critical is None or figure.p >= figure.level:
        found = "no difference found" if figure.p >= figure.level else ""
        text = f"{found} (p = {figure.p:.2g})" if found else f"p = {figure.p:.2g}"
        axes.text(low, 1.7, text, fontsize=style.SMALL, va="center")
        return
    axes.plot([low, low + figure.critical], [1.7, 1.7], "|-", color="black", linewidth=0.9, markersize=4)
    axes.text(low + figure.critical, 1.7, f"  critical difference {figure.critical:.2f}", fontsize=style.SMALL,
              va="center")  # fmt: skip
