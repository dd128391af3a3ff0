"""Ranks, and tests on them: Wilcoxon's signed ranks, exact in the presence of ties, and Friedman's of several rows.

F. Wilcoxon, Biometrics Bulletin 1 (1945); M. Friedman, J. Am. Stat. Assoc. 32 (1937).
"""

import math
from collections import Counter
from collections.abc import Sequence

from reports.statistics.spread import SMALLEST


def ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, 1 for the lowest; equal ones share the mean of theirs."""
    count, below, found = Counter(values), 0, {}
    for value in sorted(count):
        found[value] = below + (count[value] + 1) / 2
        below += count[value]
    return [found[value] for value in values]


def signed_ranks(differences: Sequence[float]) -> float | None:
    """Return the two-sided p-value of the hypothesis that differences lie around 0; None for none.

    Equal sizes share their rank, and differences of 0 are left out. All ways to sign the ranks are counted; n
    differences cannot give less than 2 / 2^n.
    """
    apart = [value for value in differences if abs(value) > SMALLEST]
    if not apart:
        return 1.0 if differences else None
    doubled = [round(2 * rank) for rank in ranks([round(abs(value) / SMALLEST) for value in apart])]
    ways = Counter({0: 1})  # sum of the positive ranks -> signings that give it
    for rank in doubled:
        ways += Counter({total + rank: count for total, count in ways.items()})
    total, positive = sum(doubled), sum(rank for rank, value in zip(doubled, apart, strict=True) if value > 0)
    low = min(positive, total - positive)
    return min(1.0, float(2 * sum(count for reached, count in ways.items() if reached <= low) / 2 ** len(apart)))


def floor(n: int) -> float:
    """Return the smallest p-value that n differences can give: one of 2^n signings and its opposite."""
    return min(1.0, 2.0 ** (1 - n))


def fewest(level: float) -> int:
    """Return the fewest differences whose floor is not above the level."""
    return max(1, math.ceil(1 - math.log2(level)))


def friedman(rows: Sequence[Sequence[float]]) -> float:
    """Return the p-value of the hypothesis that all rows are alike, by their ranks in each column.

    Args:
        rows: three or more of one length; a higher value is another rank, whichever way it counts.
    """
    from scipy.special import chdtrc

    k, columns = len(rows), list(zip(*rows, strict=True))
    n, ranked = len(columns), [ranks(column) for column in columns]
    ties = sum(count**3 - count for column in columns for count in Counter(column).values())
    shared = 1 - ties / (k * (k * k - 1) * n)
    if shared <= 0:  # every column is one tie
        return 1.0
    squares = math.fsum(math.fsum(of) ** 2 for of in zip(*ranked, strict=True))
    return float(chdtrc(k - 1, (12 / (k * n * (k + 1)) * squares - 3 * n * (k + 1)) / shared))
