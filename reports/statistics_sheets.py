"""The statistics behind the table: every row against the baseline and against the best, and over pairs."""

from collections.abc import Iterator, Sequence

from reports.averages import averages
from reports.columns import NONE, signed
from reports.head_to_head import Table
from reports.sheets import Sheet
from reports.significance import Verdict
from reports.spread import summarise
from reports.statistics import (
    EXACT_UP_TO,
    MOST_SEEDS,
    POWER,
    SMALLEST,
    Interval,
    Pairing,
    SignFlip,
    bootstraps,
    correlation,
    fewest,
    seeds_needed,
    sign_flips,
)
from reports.wording import pair_text, percent

P_DIGITS = 4
HEADS = ("n", "difference", "interval", "bootstrap", "test", "p", "Holm p", "sign-flip p", "floor", "correlation")
SETTLE = "seeds to settle"


def sheets(table: Table) -> Iterator[Sheet]:
    """Yield the tables of statistics that there are numbers for."""
    for name, title, verdicts in (
        ("statistics", f"Statistics: each row less {table.reference}", table.to_reference),
        ("statistics-best", "Statistics: each row less the best of its column", table.to_best),
    ):
        places = [
            (c, i) for c in range(len(table.cells)) for i in range(len(table.lines)) if verdicts and verdicts[i][c]
        ]
        if places and (table.reference or name != "statistics"):
            yield _sheet(table, name, title, places, verdicts)
    yield from _over_pairs(table)


def _sheet(
    table: Table,
    name: str,
    title: str,
    places: Sequence[tuple[int, int]],
    verdicts: Sequence[Sequence[Verdict | None]],
) -> Sheet:
    found = [verdict for c, i in places if (verdict := verdicts[i][c]) is not None]
    differences = [verdict.contrast.differences if verdict.contrast.is_paired else () for verdict in found]
    intervals, flips = bootstraps(differences, table.options.level), sign_flips(differences)
    lines = []
    for (column, place), verdict, interval, flip in zip(places, found, intervals, flips, strict=True):
        other = table.leaders[column] if name == "statistics-best" else None
        names = [pair_text(table.cells[column], table, "→")] if len(table.cells) > 1 else []
        names.append(table.lines[place].shown)
        names += [] if other is None else [table.lines[other].shown]
        related = _related(table, place, column, other)
        lines.append((*names, *_numbers(verdict, interval, flip, related, table)))
    heads = [*(["pair"] if len(table.cells) > 1 else []), "method", *(["best"] if name == "statistics-best" else [])]
    notes = [_explanation(table, found), *_small(table, found), *_pairing(table)]
    if name == "statistics-best":
        notes = [*notes, BEST_NOTE.partition(". ")[2]] if not table.reference else [BEST_NOTE]
    return Sheet(
        name=name,
        title=title,
        notes=tuple(notes),
        heads=(*heads, *HEADS, SETTLE),
        lines=tuple(lines),
        texts=(*range(len(heads)), len(heads) + HEADS.index("test")),
    )


def _related(table: Table, place: int, column: int, other: int | None) -> float | None:
    other = table.reference_place if other is None else other
    if other is None:
        return None
    return correlation(table.lines[place].scores[column].by_seed, table.lines[other].scores[column].by_seed)


def _numbers(
    verdict: Verdict, interval: Interval | None, flip: SignFlip | None, related: float | None, table: Table
) -> list[str]:
    contrast, digits = verdict.contrast, table.options.digits
    t_test = contrast.t_test
    return [
        str(len(contrast.seeds)) if contrast.is_paired else f"{contrast.n_ours}/{contrast.n_theirs}",
        signed(contrast.mean, digits),
        NONE if t_test is None else _between(t_test.low, t_test.high, digits),
        NONE if interval is None else _between(interval.low, interval.high, digits),
        contrast.kind or "none",
        p_text(contrast.p),
        p_text(verdict.holm),
        NONE if flip is None else p_text(flip.p),
        NONE if flip is None else p_text(flip.floor),
        NONE if related is None else percent(related, 2),
        _settle(verdict, table.options.level),
    ]


def _between(low: float, high: float, digits: int) -> str:
    return f"[{signed(low, digits)}, {signed(high, digits)}]"


def p_text(p: float | None) -> str:
    """Return a p-value with four decimals, never as 0."""
    smallest = 10**-P_DIGITS
    return NONE if p is None else f"<{smallest:.{P_DIGITS}f}" if p < smallest else f"{p:.{P_DIGITS}f}"


def _settle(verdict: Verdict, level: float) -> str:
    """Return how many seeds would show the difference, if it is as measured; empty where it is shown already."""
    if verdict.significant(level) or not verdict.contrast.is_paired:
        return "" if verdict.significant(level) else NONE
    if verdict.contrast.kind == "sign flip":  # without any spread the number of seeds alone decides
        return _settle_equal(verdict, level)
    stat = summarise(dict(enumerate(verdict.contrast.differences)))
    assert stat is not None
    assert stat.std is not None  # two or more seeds
    needed = seeds_needed(stat.mean, stat.std, level / verdict.family)
    return f">{MOST_SEEDS}" if needed is None else str(max(needed, stat.n + 1))


def _settle_equal(verdict: Verdict, level: float) -> str:
    contrast = verdict.contrast
    if abs(contrast.mean) <= SMALLEST:
        return f">{MOST_SEEDS}"
    return str(max(fewest(level / verdict.family), len(contrast.seeds) + 1))


def _explanation(table: Table, found: Sequence[Verdict]) -> str:
    level = table.options.level
    welch = any(verdict.contrast.kind == "Welch" for verdict in found)
    several = " Where fewer than two seeds are common, n is that of both rows and the test is Welch's." if welch else ""
    constant = any(verdict.contrast.kind == "sign flip" for verdict in found)
    signs = " Where all differences are equal t is not defined, and p is that of the sign flip." if constant else ""
    return (
        f"Differences in points, by seed over the n seeds that both have. Interval: of the mean, {1 - level:.0%}, by "
        "Student's t. Bootstrap: the same by BCa, from 4 seeds on; with few seeds it covers less often than it says. "
        f"p: two-sided, of the paired t-test.{several}{signs} Holm p: corrected for all tests of the column in this "
        "table. Sign-flip p: of the exact test that assumes no distribution, uncorrected, never below the floor. "
        "Correlation: of scores with equal seeds. Seeds to settle: so many would show the difference with probability "
        f"{POWER:g}, corrected for all tests of the column, if it is as large and as noisy as measured."
    )


BEST_NOTE = (
    "Columns as in the table before. The best is chosen by the numbers that are tested here, so its lead is a little "
    "too large and these p-values a little too small."
)


def _small(table: Table, found: Sequence[Verdict]) -> Iterator[str]:
    """Yield what so few seeds cannot show, whatever the numbers are."""
    level = table.options.level
    sizes = sorted({len(v.contrast.seeds) for v in found if v.contrast.is_paired})
    low = [n for n in sizes if n < fewest(level)]
    if low:
        floors = ", ".join(f"{2.0 ** (1 - n):g} with {n}" for n in low)
        yield (
            f"Too few seeds for the sign-flip test: its p cannot be below {floors}, so it cannot pass {level:g} "
            f"whatever the differences are; {fewest(level)} seeds could."
        )
    if any(verdict.contrast.p is None for verdict in found):
        yield "A row with one seed has a difference but no test."


def _pairing(table: Table) -> Iterator[str]:
    """Yield whether it helped to compare by seed."""
    known = [(cell, of) for cell, of in zip(table.cells, table.pairings, strict=True) if of is not None]
    idle = [(cell, of) for cell, of in known if not of.helped]
    if not idle:
        return
    where = "; ".join(
        (f"{pair_text(cell, table, '→')}: " if len(table.cells) > 1 else "") + _correlation_text(of)
        for cell, of in idle
    )
    yield (
        f"Pairing by seed bought nothing here: {where}. Below the correlation that is needed, equal seeds take less "
        "noise out of a difference than the paired test loses in degrees of freedom; independent seeds would have done "
        "as well."
    )


def _correlation_text(of: Pairing) -> str:
    rows = f"{of.rows} row{'s' * (of.rows != 1)}"
    return f"correlation {percent(of.correlation, 2)} over {rows}, {of.needed:.2f} needed with {of.n} seeds"


def _over_pairs(table: Table) -> Iterator[Sheet]:
    """Yield what rows gain over the pairs of each data set, and of all where one measure serves all."""
    if not table.reference:
        return
    datasets: dict[str, tuple[int, ...]] = {}
    for column, cell in enumerate(table.cells):
        datasets[cell.dataset] = (*datasets.get(cell.dataset, ()), column)
    scopes = [(name, columns) for name, columns in datasets.items() if len(columns) > 1]
    if len(datasets) > 1 and len(table.measures) == 1:
        scopes.append(("all", tuple(range(len(table.cells)))))
    lines, sizes = [], set()
    for name, columns in scopes:
        found = averages(table, columns)
        flips = sign_flips([average.gains for average in found])  # together: apart, each takes almost as long as all
        for line, average, flip in zip(table.lines, found, flips, strict=True):
            if average.gain is None or flip is None or line.kind == "teacher":
                continue
            sizes.add(len(average.gains))
            digits = table.options.digits
            between = _between(min(average.gains), max(average.gains), digits)
            rank = NONE if average.rank is None else f"{average.rank:.2f}"
            tested = [p_text(flip.p), p_text(flip.floor)]
            scope = [name] if len(datasets) > 1 else []
            lines.append(
                (*scope, line.shown, str(len(average.gains)), signed(average.gain, digits), between, *tested, rank)
            )
    if lines:
        heads = (*(["data set"] if len(datasets) > 1 else []), "method", "pairs", "mean gain", "range")
        yield Sheet(
            name="statistics-pairs",
            title=f"Statistics over pairs: gain over {table.reference}",
            notes=tuple(_pair_notes(table, sizes)),
            heads=(*heads, "sign-flip p", "floor", "mean rank"),
            lines=tuple(lines),
            texts=tuple(range(len(heads) - 3)),
        )


def _pair_notes(table: Table, sizes: set[int]) -> Iterator[str]:
    level = table.options.level
    yield (
        f"Gain: mean difference of a pair from {table.reference} over the seeds that both have, or difference of the "
        "means where fewer than two are common, in points. Sign-flip p: two-sided, of the gains of pairs, exact for up "
        f"to {EXACT_UP_TO} of them, uncorrected: it asks whether the row gains on pairs in general, and pairs that "
        "share a teacher or a student count as if they were independent."
    )
    low = sorted(n for n in sizes if n < fewest(level))
    if low:
        floors = ", ".join(f"{n} pair{'s' * (n != 1)} cannot pass {min(1.0, 2.0 ** (1 - n)):g}" for n in low)
        yield f"Too few pairs for a p-value of {level:g}: {floors}; {fewest(level)} pairs could."
