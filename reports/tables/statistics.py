"""The statistics behind the main table: every row against the baseline and against the best, and over pairs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.board.averages import averages
from reports.board.board import Board
from reports.board.verdicts import Verdict
from reports.statistics import MOST_SEEDS, POWER, SMALLEST, Pairing, correlation, fewest, seeds_needed, signed_ranks
from reports.statistics.spread import summarise
from reports.tables.table import EMPTY, NONE, Cell, Interval, Number, Row, Table, Text, columns_of, decimals
from reports.tables.wording import main_label, p_value, pair_text

if TYPE_CHECKING:
    from reports.results.results import Results

HEADS = ("n", "difference", "interval", "test", "p", "Holm p", "correlation", "seeds to settle")
BEST_NOTE = (
    "Columns as in the table before. The best is chosen by the numbers that are tested here, so its lead is a little "
    "too large and these p-values a little too small."
)


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
    rows, found = [], []
    for column, cell in enumerate(board.cells):
        for place, line in enumerate(board.lines):
            verdict = verdicts[place][column] if verdicts else None
            if verdict is None:
                continue
            found.append(verdict)
            other = board.leaders[column] if of_best else board.reference_place
            names = [Text(text=pair_text(cell, board))] if several else []
            names.append(Text(text=line.shown, trials=line.scores[column].trials, inside=verdict.contrast.n_ours))
            names += [Text(text=board.lines[other].shown)] if of_best and other is not None else []
            related = None if other is None else _related(board, place, other, column)
            rows.append(Row(cells=(*names, *_numbers(verdict, related, board))))
    if not rows:
        return None
    heads = [*(["pair"] if several else []), "method", *(["best"] if of_best else [])]
    notes = [_explanation(board, found), *_small(found), *_pairing(board)]
    if of_best:
        notes = [BEST_NOTE] if board.reference else [*notes, BEST_NOTE.partition(". ")[2]]
    return Table(
        name=name,
        title=title,
        label=f"{main_label(board)}-{name}",
        columns=columns_of([*heads, *HEADS], [*range(len(heads)), len(heads) + HEADS.index("test")]),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _related(board: Board, place: int, other: int, column: int) -> float | None:
    return correlation(board.lines[place].scores[column].by_seed, board.lines[other].scores[column].by_seed)


def _numbers(verdict: Verdict, related: float | None, board: Board) -> list[Cell]:
    contrast, digits, test = verdict.contrast, board.options.digits, verdict.contrast.t_test
    paired = Number(value=len(contrast.seeds), digits=0)
    return [
        paired if contrast.is_paired else Text(text=f"{contrast.n_ours}/{contrast.n_theirs}"),
        Number(value=contrast.mean, digits=digits, signed=True),
        NONE if test is None else Interval(low=test.low, high=test.high, digits=digits),
        Text(text=contrast.kind or "none"),
        p_value(contrast.p) or NONE,
        p_value(verdict.holm) or NONE,
        NONE if related is None else Number(value=related, digits=2),
        _settle(verdict, board.options.level),
    ]


def _settle(verdict: Verdict, level: float) -> Cell:
    """Return how many seeds would show the difference, if it is as measured; empty where it is shown already."""
    if verdict.significant(level):
        return EMPTY
    if not verdict.contrast.is_paired:
        return NONE
    needed = _needed(verdict, level)
    if needed is None:
        return Number(value=MOST_SEEDS, digits=0, before=">")
    return Number(value=max(needed, len(verdict.contrast.seeds) + 1), digits=0)


def _needed(verdict: Verdict, level: float) -> int | None:
    contrast = verdict.contrast
    if contrast.kind == "sign flip":  # without any spread the number of seeds alone decides
        return None if abs(contrast.mean) <= SMALLEST else fewest(level / verdict.family)
    stat = summarise(dict(enumerate(contrast.differences)))
    assert stat is not None
    assert stat.std is not None  # two or more seeds
    return seeds_needed(stat.mean, stat.std, level / verdict.family)


def _explanation(board: Board, found: Sequence[Verdict]) -> str:
    level = board.options.level
    kinds = {verdict.contrast.kind for verdict in found}
    several = " Where fewer than two seeds are common, n is that of both rows and the test is Welch's."
    signs = " Where all differences are equal t is not defined, and p is that of the exact sign flip."
    return (
        f"Differences in points, by seed over the n seeds that both have. Interval: of the mean, {1 - level:.0%}, by "
        f"Student's t. p: two-sided, of the paired t-test.{several if 'Welch' in kinds else ''}"
        f"{signs if 'sign flip' in kinds else ''} Holm p: corrected for all tests of the column in this table. "
        "Correlation: of scores with equal seeds. Seeds to settle: so many would show the difference with probability "
        f"{POWER:g}, corrected for all tests of the column, if it is as large and as noisy as measured."
    )


def _small(found: Sequence[Verdict]) -> Iterator[str]:
    if any(verdict.contrast.p is None for verdict in found):
        yield "A row with one seed has a difference but no test."


def _pairing(board: Board) -> Iterator[str]:
    """Yield whether it helped to compare by seed."""
    known = [(cell, of) for cell, of in zip(board.cells, board.pairings, strict=True) if of is not None]
    idle = [(cell, of) for cell, of in known if not of.helped]
    if not idle:
        return
    where = "; ".join(
        (f"{pair_text(cell, board)}: " if len(board.cells) > 1 else "") + _correlation_text(of) for cell, of in idle
    )
    yield (
        f"Pairing by seed bought nothing here: {where}. Below the correlation that is needed, equal seeds take less "
        "noise out of a difference than the paired test loses in degrees of freedom; independent seeds would have done "
        "as well."
    )


def _correlation_text(of: Pairing) -> str:
    rows = f"{of.rows} row{'s' * (of.rows != 1)}"
    return f"correlation {decimals(of.correlation, 2)} over {rows}, {of.needed:.2f} needed with {of.n} seeds"


def pairs(_: "Results", board: Board) -> Table | None:
    """Return what rows gain over the pairs of each data set, and of all where one measure serves all; None where no
    data set has several pairs."""
    if not board.reference:
        return None
    datasets: dict[str, tuple[int, ...]] = {}
    for column, cell in enumerate(board.cells):
        datasets[cell.dataset] = (*datasets.get(cell.dataset, ()), column)
    scopes = [(name, columns) for name, columns in datasets.items() if len(columns) > 1]
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
        columns=columns_of([*heads, "pairs", "mean gain", "range", "signed-rank p", "mean rank"], range(len(heads))),
        rows=tuple(rows),
        notes=tuple(_pair_notes(board, sizes)),
    )


def _pair_notes(board: Board, sizes: set[int]) -> Iterator[str]:
    level = board.options.level
    yield (
        f"Gain: mean difference of a pair from {board.reference} over the seeds that both have, or difference of the "
        "means where fewer than two are common, in points. Signed-rank p: two-sided, of Wilcoxon's test on the gains "
        "of pairs, exact where they are few, uncorrected: it asks whether the row gains on pairs in general, and pairs "
        "that share a teacher or a student count as if they were independent."
    )
    low = sorted(n for n in sizes if n < fewest(level))
    if low:
        floors = ", ".join(f"{n} pair{'s' * (n != 1)} cannot pass {min(1.0, 2.0 ** (1 - n)):g}" for n in low)
        yield f"Too few pairs for a p-value of {level:g}: {floors}; {fewest(level)} pairs could."
