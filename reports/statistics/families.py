"""The verdicts of one column: which rows differ from one of them, with one error level for all of them together.

*Against the best*, which the data chose: Tukey's range (Tukey–Kramer where rows have unequally many seeds), whose error
is at most the level whichever two rows are compared. *Against a row declared beforehand*: Dunnett's two-sided
comparison, which is sharper. Both take one variance for the column: the residual of rows and seeds, (r − 1)(n − 1)
degrees of freedom, where all rows share all seeds, else that within the rows. Where variances must not be pooled,
Games and Howell's procedure (J. Educ. Stat. 1, 1976) takes those of the two rows alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from reports.statistics.contrasts import welch
from reports.statistics.ranges import dunnett_tail, tukey_tail
from reports.statistics.spread import SMALLEST, variance

BySeed = Mapping[int, float]
Test = Literal["Tukey", "Tukey–Kramer", "Dunnett", "Games–Howell"]
FEWEST_SEEDS = 3
"""A row of fewer stands outside the family: its own spread is next to unknown."""
UNEQUAL = 0.05
"""Bartlett's p below which a column is said to have unequal variances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The rows of a column that are judged together."""

    rows: tuple[int, ...]
    """Their places in the column, rising."""
    std: float
    """Of one score around its row, and around its seed where seeds are shared, in the scores' unit."""
    df: float
    shared: bool
    """All rows have all seeds, so that what a seed does to all of them is taken out."""
    bartlett_p: float | None
    """Of equal variances in all rows; None where a row has no spread, or there is one row."""

    @property
    def unequal(self) -> bool:
        return self.bartlett_p is not None and self.bartlett_p < UNEQUAL


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row less another."""

    difference: float
    """Of the two means, over all seeds of each."""
    low: float
    """Of the interval of this difference alone, which covers it with probability 1 − level."""
    high: float
    test: Test
    p: float
    """Of this difference alone, two-sided."""
    corrected_p: float
    """Of the family: at most the level where the difference is more than noise."""
    family: int
    """Rows in it."""

    def significant(self, level: float) -> bool:
        return self.corrected_p <= level


def family(column: Sequence[BySeed], outside: Sequence[int] = ()) -> Family | None:
    """Return the family of a column; None where fewer than two rows can be judged, or nothing in it has any spread.

    Args:
        column: scores by seed of each row, one row a configuration; empty for a row without a score.
        outside: places of rows that are not to be judged, like those with a collapsed training.
    """
    rows = tuple(i for i, scores in enumerate(column) if len(scores) >= FEWEST_SEEDS and i not in outside)
    if len(rows) < 2:
        return None
    scores = [column[i] for i in rows]
    shared = all(each.keys() == scores[0].keys() for each in scores)
    squares, df = _residual(scores) if shared else _within(scores)
    std = math.sqrt(squares / df)
    if std <= SMALLEST:
        return None
    return Family(rows=rows, std=std, df=df, shared=shared, bartlett_p=_bartlett(scores))


def against_any(column: Sequence[BySeed], reference: int, judged: Family | None, level: float) -> list[Verdict | None]:
    """Return each row less a reference that the data may have chosen; None for it and for rows outside the family.

    Args:
        column: as `family` took it.
        reference: a place in the column.
    """
    return _verdicts(column, reference, judged, level, declared=False)


def against_declared(
    column: Sequence[BySeed], reference: int, judged: Family | None, level: float
) -> list[Verdict | None]:
    """Return each row less a reference declared before there were scores, by Dunnett; None as in `against_any`."""
    return _verdicts(column, reference, judged, level, declared=True)


def _verdicts(
    column: Sequence[BySeed], reference: int, judged: Family | None, level: float, *, declared: bool
) -> list[Verdict | None]:
    from scipy.special import stdtr, stdtrit

    found: list[Verdict | None] = [None] * len(column)
    others = _others(reference, judged)
    if judged is None or not others:
        return found
    theirs, rows = column[reference], len(judged.rows)
    gaps = [fmean(column[i].values()) - fmean(theirs.values()) for i in others]
    errors = [judged.std * math.sqrt(1 / len(column[i]) + 1 / len(theirs)) for i in others]
    t = [abs(gap) / error for gap, error in zip(gaps, errors, strict=True)]
    if declared:
        test: Test = "Dunnett"
        tails = dunnett_tail(t, tuple(len(column[i]) for i in others), len(theirs), judged.df)
    else:
        test = "Tukey" if len({len(column[i]) for i in judged.rows}) == 1 else "Tukey–Kramer"
        tails = tukey_tail([math.sqrt(2) * one for one in t], rows, judged.df)
    critical = -float(stdtrit(judged.df, level / 2))
    for i, gap, error, one, tail in zip(others, gaps, errors, t, tails, strict=True):
        room, p = critical * error, 2 * float(stdtr(judged.df, -one))
        found[i] = Verdict(gap, low=gap - room, high=gap + room, test=test, p=p, corrected_p=tail, family=rows)
    return found


def against_any_apart(
    column: Sequence[BySeed], reference: int, judged: Family | None, level: float
) -> list[Verdict | None]:
    """Return what `against_any` does, by Games and Howell, without a common variance."""
    others = set(_others(reference, judged))
    if judged is None:
        return [None] * len(column)
    return [
        _games_howell(scores, column[reference], len(judged.rows), level) if i in others else None
        for i, scores in enumerate(column)
    ]


def _games_howell(ours: BySeed, theirs: BySeed, rows: int, level: float) -> Verdict | None:
    """None where neither row has any spread."""
    alone = welch(list(ours.values()), list(theirs.values()), level)
    if alone is None:
        return None
    gap, tail = fmean(ours.values()) - fmean(theirs.values()), tukey_tail([math.sqrt(2) * abs(alone.t)], rows, alone.df)
    test: Test = "Games–Howell"
    return Verdict(gap, low=alone.low, high=alone.high, test=test, p=alone.p, corrected_p=tail[0], family=rows)


def _others(reference: int, judged: Family | None) -> list[int]:
    if judged is None or reference not in judged.rows:
        return []
    return [i for i in judged.rows if i != reference]


def _residual(rows: Sequence[BySeed]) -> tuple[float, float]:
    """Return the sum of squares that neither row nor seed explains, and its degrees of freedom."""
    means = [fmean(row.values()) for row in rows]
    grand = math.fsum(means) / len(means)
    seeds = {seed: math.fsum(row[seed] for row in rows) / len(rows) for seed in rows[0]}
    squares = math.fsum(
        (value - mean - seeds[seed] + grand) ** 2
        for row, mean in zip(rows, means, strict=True)
        for seed, value in row.items()
    )
    return squares, (len(rows) - 1) * (len(seeds) - 1)


def _within(rows: Sequence[BySeed]) -> tuple[float, float]:
    """Return the sum of squares within rows, and its degrees of freedom."""
    return math.fsum(variance(row.values()) * (len(row) - 1) for row in rows), sum(len(row) - 1 for row in rows)


def _bartlett(rows: Sequence[BySeed]) -> float | None:
    """M. S. Bartlett, Proc. R. Soc. A 160 (1937)."""
    variances, freedom = [variance(row.values()) for row in rows], [len(row) - 1 for row in rows]
    if any(math.sqrt(variance) <= SMALLEST for variance in variances):
        return None
    from scipy.special import chdtrc

    whole = sum(freedom)
    common = math.fsum(df * variance for df, variance in zip(freedom, variances, strict=True)) / whole
    gap = whole * math.log(common) - math.fsum(df * math.log(v) for df, v in zip(freedom, variances, strict=True))
    correction = 1 + (math.fsum(1 / df for df in freedom) - 1 / whole) / (3 * (len(rows) - 1))
    return float(chdtrc(len(rows) - 1, max(gap, 0.0) / correction))
