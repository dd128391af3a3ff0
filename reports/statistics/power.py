"""How many seeds would settle a difference of a column, if it is as large and as noisy as it was measured."""

import functools
import math
from typing import Literal

from reports.statistics.ranges import dunnett_critical, tukey_critical
from reports.statistics.spread import SMALLEST

POWER = 0.8
"""Probability with which the family's test would find the difference."""
MOST_SEEDS = 1_000
"""More are not looked for."""
LARGEST_EFFECT = 1e2
"""In standard deviations: more of them change nothing, and scipy has no numbers far above."""
EXACT, BETWEEN = 10, (10, 25, 80, MOST_SEEDS)
"""Critical values of up to so many seeds are worked out; beyond, those of the seeds named, and a cubic in 1 / df
between them, which is right to five digits: a column would ask for hundreds."""


def seeds_to_settle(
    difference: float, std: float, rows: int, test: Literal["Tukey", "Dunnett"], level: float = 0.05
) -> int | None:
    """Return the fewest seeds, the same for all rows, with which the column's test finds it; None for too many.

    A guess: difference and spread come from few seeds themselves.

    Args:
        difference: of two means.
        std: of one score around its row (and its seed).
        rows: in the family, 2 or more.
    """
    effect = min(abs(difference) / max(std, SMALLEST), LARGEST_EFFECT)
    low, high = 2, MOST_SEEDS
    if effect <= SMALLEST or _power(effect, high, rows, test, level) < POWER:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _power(effect, middle, rows, test, level) >= POWER else (middle + 1, high)
    return low


def _power(effect: float, seeds: int, rows: int, test: str, level: float) -> float:
    from scipy.special import nctdtr

    df = (rows - 1) * (seeds - 1)
    critical = critical_value(test, level, rows, seeds)
    return 1.0 - float(nctdtr(df, effect * math.sqrt(seeds / 2), critical))  # the other tail is next to nothing


@functools.cache
def critical_value(test: str, level: float, rows: int, seeds: int) -> float:
    """Return what a difference, in standard errors, must exceed in a column of so many rows and seeds."""
    if seeds > EXACT and seeds not in BETWEEN:
        x, known = 1 / (seeds - 1), {1 / (n - 1): critical_value(test, level, rows, n) for n in BETWEEN}
        return math.fsum(
            value * math.prod((x - other) / (at - other) for other in known if other != at)
            for at, value in known.items()
        )
    df = (rows - 1) * (seeds - 1)
    if test == "Tukey":
        return tukey_critical(level, rows, df) / math.sqrt(2)
    return dunnett_critical(level, (seeds,) * (rows - 1), seeds, df)
