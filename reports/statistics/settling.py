"""How many seeds would settle a difference of a column, if it is as large and as noisy as it was measured."""

import functools
import math
from typing import Literal

from reports.statistics._batches import SMALLEST
from reports.statistics.ranges import dunnett_critical, tukey_critical

POWER = 0.8
"""Probability with which the family's test would find the difference."""
MOST_SEEDS = 1_000
"""More are not looked for."""
LARGEST_EFFECT = 1e2
"""In standard deviations: more of them change nothing, and scipy has no numbers far above."""


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
    from scipy.stats import nct

    df = (rows - 1) * (seeds - 1)
    critical = _critical(test, level, rows, seeds)
    return float(nct.sf(critical, df, effect * math.sqrt(seeds / 2)))  # the other tail is next to nothing


@functools.cache
def _critical(test: str, level: float, rows: int, seeds: int) -> float:
    df = (rows - 1) * (seeds - 1)
    if test == "Tukey":
        return tukey_critical(level, rows, df) / math.sqrt(2)
    return dunnett_critical(level, (seeds,) * (rows - 1), seeds, df)
