"""Seeds until it is settled: each row less the declared one, with what its seeds have shown."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reports.board.board import Board
from reports.statistics.settling import LEAST_POWER, Standing
from reports.tables.table import NONE, Interval, Number, Table, Text
from reports.tables.wording import listed, numbers, pair_column, pair_text, settled_text, signed, words

if TYPE_CHECKING:
    from reports.results.results import Results

TOO_LARGE = (
    "Differences of rows that stopped early are too large: it was a large one that stopped them. Read the repeated "
    "confidence intervals."
)
INTERVALS = (
    "Repeated intervals hold for all rows and looks of a column together with {:.0%}. They take the same part of the "
    "level for each row, while the step-down leaves open rows what settled ones do not need: that of a settled row may "
    "reach over 0."
)
NOT_JUDGED = (
    "Seeds were added until comparisons within a sweep were settled, by another measure or in another table than this: "
    "nothing is tested here, and differences of rows that stopped early are too large."
)


def build(_: "Results", board: Board) -> Table | None:
    """Return how every row stands to the declared one; None where seeds were not added by it."""
    rows, digits = [], board.options.digits
    for column, cell in enumerate(board.cells):
        for line in board.lines:
            score = line.scores[column]
            standing = score.standing
            if standing is None:
                continue
            low, high = standing.interval or (0.0, 0.0)
            rows.append(
                (
                    Text(text=pair_text(cell, board)),
                    Text(text=line.shown, trials=score.trials, inside=len(score.by_seed)),
                    Number(value=len(score.by_seed), digits=0),
                    Number(value=standing.n, digits=0),
                    signed(standing.difference, digits),
                    NONE if standing.interval is None else Interval(low=low, high=high, digits=digits),
                    Text(text=_verdict(standing)),
                )
            )
    heads = [pair_column(board), words("method"), *numbers("n", "common n", "difference", "repeated interval")]
    title = f"Settled: each row less {board.declared}"
    notes = (" ".join(explained(board)), INTERVALS.format(1 - board.options.level))
    return listed(board, "settled", title, [*heads, words("verdict")], rows, notes=notes)


def _verdict(standing: Standing) -> str:
    text = settled_text(standing)
    return f"{text}, given up after {standing.asked}" if standing.stopped and not standing.settled else text


def remark(standing: Standing, board: Board) -> str:
    """Return how a row stands to the declared one, in a sentence."""
    digits = board.options.digits + 1
    if standing.difference is None:
        return f"No seed in common with {board.declared} yet."
    text = f"{standing.difference:+.{digits}f} points against {board.declared}"
    if standing.interval is not None:
        low, high = standing.interval
        text += f", repeated {1 - board.options.level:.0%} interval {low:+.{digits}f} to {high:+.{digits}f}"
    return f"{text}: {_verdict(standing)}{' seeds' if standing.settled or standing.stopped else ''}."


def explained(board: Board) -> Iterator[str]:
    """Yield what verdicts rest on."""
    settling, level = board.settling, board.options.level
    if settling is None or settling.place is None:
        yield NOT_JUDGED
        return
    *looks, last = map(str, settling.looks)
    every = f"{', '.join(looks)} and {last}" if looks else last
    yield (
        f"Settled: differs from {board.declared}, which was declared beforehand. The rows that were open had seeds "
        f"added at looks of {every}; each look is Welch's test on the seeds that both rows have. Level {level:g} a "
        "column, spent by Hwang, Shih and DeCani (γ = −1) over the looks and by Holm over the rows."
    )
    yield (
        "Open: not told apart, which is not equal; a row that would have been told apart at the last look with a "
        f"probability below {LEAST_POWER:g}, had its trend gone on, got no more seeds. {TOO_LARGE}"
    )
