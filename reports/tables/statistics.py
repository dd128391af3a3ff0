"""The statistics behind the main table: every row against the baseline and against the best, and over pairs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.board.averages import averages
from reports.board.board import Board
from reports.board.verdicts import Verdict
from reports.statistics.power import MOST_SEEDS, POWER, seeds_to_settle
from reports.statistics.ranks import fewest, floor, signed_ranks
from reports.tables.table import EMPTY, NONE, Cell, Interval, Number, Row, Table, Text, columns_of
from reports.tables.wording import main_label, p_value, pair_text

if TYPE_CHECKING:
    from reports.results.results import Results

HEADS = ("n", "difference", "interval", "test", "p", "corrected p", "seeds to settle")
APART = "Games–Howell p"
BEST_NOTE = "Columns as in the table before."


def build(_: "Results", board: Board) -> Table | None:
    """Return every row against the reference; None without one, and while no number can be compared with its."""
    if not board.reference:
        return None
    return _table(board, "statistics", f"Statistics: each row less {board.reference}", board.to_reference)


def best(_: "Results", board: Board) -> Table | None:
    """Return every row against the best of its column; None while no number can be compared with it."""
    return _table(board, "statistics-best", "Statistics: each row less the best of its column", board.to_best)


def _table(board: Board, name: str, title: str, verdicts: Sequence[Sequence[Verdict | None]]) -> Table | None:
    of_best, several = name == "statistics-best", len(board.cells) > 1
    apart = not board.options.separate and any(judged is not None and judged.unequal for judged in board.families)
    rows, found = [], []
    for column, cell in enumerate(board.cells):
        for place, line in enumerate(board.lines):
            verdict = verdicts[place][column] if verdicts else None
            if verdict is None:
                continue
            found.append(verdict)
            other = board.leaders[column] if of_best else board.reference_place
            names = [Text(text=pair_text(cell, board))] if several else []
            names.append(Text(text=line.shown, trials=line.scores[column].trials, inside=verdict.n[0]))
            names += [Text(text=board.lines[other].shown)] if of_best and other is not None else []
            judged = board.families[column]
            cells = _numbers(verdict, None if judged is None else judged.std, board)
            if apart:
                cells.append(
                    (judged is not None and judged.unequal and verdict.apart and p_value(verdict.apart.corrected_p))
                    or NONE
                )
            rows.append(Row(cells=(*names, *cells)))
    if not rows:
        return None
    heads = [*(["pair"] if several else []), "method", *(["best"] if of_best else [])]
    heads_after = [*HEADS, *([APART] if apart else [])]
    notes = [BEST_NOTE] if of_best and board.reference else [" ".join(_explanation(board, found, apart=apart))]
    return Table(
        name=name,
        title=title,
        label=f"{main_label(board)}-{name}",
        columns=columns_of(
            [*heads, *heads_after],
            [*range(len(heads)), len(heads) + HEADS.index("test")],
            over=[0] * several + [len(heads) - 1] * of_best,
        ),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _numbers(verdict: Verdict, std: float | None, board: Board) -> list[Cell]:
    digits, test, same = board.options.digits, verdict.test, verdict.difference.n
    return [
        Number(value=same, digits=0) if same else Text(text=verdict.difference.apart),
        Number(value=verdict.difference.mean, digits=digits, signed=True),
        NONE
        if verdict.interval is None
        else Interval(low=verdict.interval[0], high=verdict.interval[1], digits=digits),
        Text(text="none" if test is None else test.test),
        (None if test is None else p_value(test.p)) or NONE,
        (None if test is None else p_value(test.corrected_p)) or NONE,
        _settle(verdict, std, board.options.level),
    ]


def _settle(verdict: Verdict, std: float | None, level: float) -> Cell:
    """Return how many seeds of all rows would show the difference, if it is as measured; empty where it is shown."""
    test = verdict.test
    if test is None or std is None:
        return NONE
    if test.significant(level):
        return EMPTY
    family = test.test if test.test == "Dunnett" else "Tukey"
    needed = seeds_to_settle(verdict.difference.mean, std, test.family, family, level)
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
    if not board.reference:
        return None
    datasets: dict[str, tuple[int, ...]] = {}
    for column, cell in enumerate(board.cells):
        datasets[cell.dataset] = (*datasets.get(cell.dataset, ()), column)
    several = [columns for columns in datasets.values() if len(columns) > 1]
    scopes = [(board.cells[columns[0]].shown_dataset, columns) for columns in several]
    if len(datasets) > 1 and len(board.measures) == 1:
        scopes.append(("all", tuple(range(len(board.cells)))))
    rows, sizes, digits = [], set(), board.options.digits
    for name, columns in scopes:
        for line, average in zip(board.lines, averages(board, columns), strict=True):
            if average.gain is None or line.kind == "teacher":
                continue
            sizes.add(len(average.gains))
            names = [Text(text=name)] if len(datasets) > 1 else []
            numbers: list[Cell] = [Number(value=len(average.gains), digits=0)]
            numbers += [Number(value=average.gain, digits=digits, signed=True)]
            numbers += [Interval(low=min(average.gains), high=max(average.gains), digits=digits)]
            numbers += [p_value(signed_ranks(average.gains)) or NONE]
            numbers += [NONE if average.rank is None else Number(value=average.rank, digits=2)]
            rows.append(Row(cells=(*names, Text(text=line.shown), *numbers)))
    if not rows:
        return None
    heads = [*(["data set"] if len(datasets) > 1 else []), "method"]
    return Table(
        name="statistics-pairs",
        title=f"Statistics over pairs: gain over {board.reference}",
        label=f"{main_label(board)}-statistics-pairs",
        columns=columns_of(
            [*heads, "pairs", "mean gain", "range", "signed-rank p", "mean rank"],
            range(len(heads)),
            over=[0] if len(datasets) > 1 else (),
        ),
        rows=tuple(rows),
        notes=tuple(_pair_notes(board, sizes)),
    )


def _pair_notes(board: Board, sizes: set[int]) -> Iterator[str]:
    level = board.options.level
    yield (
        f"Gain: difference of the two means of a pair from {board.reference}, in points. Signed-rank p: two-sided, of "
        "Wilcoxon's test on the gains of pairs, exact where they are few, uncorrected: it asks whether the row gains "
        "on pairs in general, and pairs that share a teacher or a student count as if they were independent."
    )
    low = sorted(n for n in sizes if n < fewest(level))
    if low:
        floors = ", ".join(f"{n} pair{'s' * (n != 1)} cannot pass {floor(n):g}" for n in low)
        yield f"Too few pairs for a p-value of {level:g}: {floors}; {fewest(level)} pairs could."
