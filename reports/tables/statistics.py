"""The statistics behind the main table: every row against the baseline and against the best, and over pairs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.board.averages import averages
from reports.board.board import Board
from reports.board.verdicts import Verdict
from reports.statistics.families import Family
from reports.statistics.power import MOST_SEEDS, POWER, seeds_to_settle
from reports.statistics.ranks import fewest, floor, signed_ranks
from reports.tables.table import EMPTY, NONE, Cell, Interval, Number, Table, Text
from reports.tables.wording import columns_by_dataset, listed, numbers, p_value, pair_column, pair_text, signed, words
from trainers.texts.counting import counted

if TYPE_CHECKING:
    from reports.results.results import Results

HEADS = ("p", "corrected p", "seeds to settle")
APART = "Games–Howell p"
BEST_NOTE = "Columns as in the table before."


def build(_: "Results", board: Board) -> Table | None:
    """Return every row against the reference; None without one, and while no number can be compared with its."""
    title = f"Statistics: each row less {board.reference}"
    judges = board.reference and board.settling is None
    return _table(board, "statistics", title, board.to_reference) if judges else None


def best(_: "Results", board: Board) -> Table | None:
    """Return every row against the best of its column; None while no number can be compared with it."""
    title = "Statistics: each row less the best of its column"
    return _table(board, "statistics-best", title, board.to_best) if board.settling is None else None


def _table(board: Board, name: str, title: str, verdicts: Sequence[Sequence[Verdict | None]]) -> Table | None:
    of_best = name == "statistics-best"
    apart = not board.options.separate and any(judged is not None and judged.unequal for judged in board.families)
    rows, found = [], []
    for column, (cell, judged) in enumerate(zip(board.cells, board.families, strict=True)):
        for place, line in enumerate(board.lines):
            verdict = verdicts[place][column]
            if verdict is None:
                continue
            found.append(verdict)
            other = board.leaders[column] if of_best else board.reference_place
            against = "" if other is None else board.lines[other].shown
            method = Text(text=line.shown, trials=line.scores[column].trials, inside=verdict.n[0])
            rows.append(
                (Text(text=pair_text(cell, board)), method, Text(text=against), *_cells(verdict, judged, board))
            )
    columns = [
        *(pair_column(board), words("method"), words("best", over=True) if of_best else None),
        *(*numbers("n", "difference", "interval"), words("test"), *numbers(*HEADS)),
        *(numbers(APART) if apart else [None]),
    ]
    note = BEST_NOTE if of_best and board.reference else " ".join(_explanation(board, found, apart=apart))
    return listed(board, name, title, columns, rows, notes=(note,))


def _cells(verdict: Verdict, judged: Family | None, board: Board) -> list[Cell]:
    digits, test, gap = board.options.digits, verdict.test, verdict.difference
    low, high = verdict.interval or (0, 0)
    unequal = judged is not None and judged.unequal and verdict.apart
    return [
        Number(value=gap.n, digits=0) if gap.n else Text(text=gap.apart),
        signed(gap.mean, digits),
        NONE if verdict.interval is None else Interval(low=low, high=high, digits=digits),
        Text(text="none" if test is None else test.test),
        (None if test is None else p_value(test.p)) or NONE,
        (None if test is None else p_value(test.corrected_p)) or NONE,
        _settle(verdict, judged, board.options.level),
        (p_value(unequal.corrected_p) if unequal else None) or NONE,
    ]


def _settle(verdict: Verdict, judged: Family | None, level: float) -> Cell:
    """Return how many seeds of all rows would show the difference, if it is as measured; empty where it is shown."""
    test = verdict.test
    if test is None or judged is None:
        return NONE
    if test.significant(level):
        return EMPTY
    family = test.test if test.test == "Dunnett" else "Tukey"
    needed = seeds_to_settle(verdict.difference.mean, judged.std, test.family, family, level)
    if needed is None:
        return Number(value=MOST_SEEDS, digits=0, before=">")
    return Number(value=max(needed, max(verdict.n) + 1), digits=0)


def _explanation(board: Board, found: Sequence[Verdict], *, apart: bool) -> Iterator[str]:
    """Yield what the columns hold."""
    yield "Differences of the means that are shown, in points, with one variance for the rows of a column."
    yield f"Interval: of this difference alone, {1 - board.options.level:.0%}."
    if any(verdict.difference.apart for verdict in found):
        yield "Where two rows have other seeds, n is that of both and the interval is Welch's."
    yield "p: two-sided, of this difference alone; corrected p: of the test named, for all rows of the column."
    if apart:
        yield "Games–Howell p: corrected, without a common variance, where Bartlett's test finds that variances differ."
    yield (
        "Seeds to settle: with so many for every row the test would show the difference with probability "
        f"{POWER:g}, if it is as large and as noisy as measured."
    )
    if any(verdict.test is None for verdict in found):
        yield "A row of fewer than three seeds, or with a collapsed training, has a difference but no test."


def pairs(_: "Results", board: Board) -> Table | None:
    """Return what rows gain over the pairs of each data set, and of all where one measure serves all; None where no
    data set has several pairs."""
    if not board.reference or board.settling is not None:
        return None
    datasets = columns_by_dataset(board)
    scopes = [(board.cells[columns[0]].shown_dataset, columns) for columns in datasets.values() if len(columns) > 1]
    if len(datasets) > 1 and len(board.measures) == 1:
        scopes.append(("all", list(range(len(board.cells)))))
    rows, sizes, digits = [], set(), board.options.digits
    for name, columns in scopes:
        for line, average in zip(board.lines, averages(board, columns), strict=True):
            if not average.gains or line.kind == "teacher":
                continue
            sizes.add(len(average.gains))
            rows.append(
                (
                    Text(text=name),
                    Text(text=line.shown),
                    Number(value=len(average.gains), digits=0),
                    signed(average.gain, digits),
                    Interval(low=min(average.gains), high=max(average.gains), digits=digits),
                    p_value(signed_ranks(average.gains)) or NONE,
                    NONE if average.rank is None else Number(value=average.rank, digits=2),
                )
            )
    heads = [words("data set", over=True) if len(datasets) > 1 else None, words("method")]
    heads += numbers("pairs", "mean gain", "range", "signed-rank p", "mean rank")
    title = f"Statistics over pairs: gain over {board.reference}"
    return listed(board, "statistics-pairs", title, heads, rows, notes=tuple(_pair_notes(board, sizes)))


def _pair_notes(board: Board, sizes: set[int]) -> Iterator[str]:
    level = board.options.level
    yield (
        f"Gain: difference of the two means of a pair from {board.reference}, in points. Signed-rank p: two-sided, of "
        "Wilcoxon's test on the gains of pairs, exact where they are few, uncorrected: it asks whether the row gains "
        "on pairs in general, and pairs that share a teacher or a student count as if they were independent."
    )
    low = sorted(n for n in sizes if n < fewest(level))
    if low:
        floors = ", ".join(f"{counted(n, 'pair')} cannot pass {floor(n):g}" for n in low)
        yield f"Too few pairs for a p-value of {level:g}: {floors}; {fewest(level)} pairs could."
