"""What a search of n trials may expect to find, worked out from one search of more of them."""

import math
from collections.abc import Sequence

MOST_POINTS = 40


def expected_best(found: Sequence[float], lost: int) -> list[tuple[int, float, float]]:
    """Return (n, mean, std) of the best of n trials drawn without replacement, for n from 1 to all.

    Args:
        found: validation scores of the trials that completed.
        lost: how many were spent without a score; they count as the lowest one.
    """
    values = sorted([*found, *([min(found)] * lost if found else [])])
    return [(n, *_best_of(n, values)) for n in _sizes(len(values))]


def _best_of(n: int, rising: Sequence[float]) -> tuple[float, float]:
    """Return mean and std of the highest of n of the values: the i-th is it in C(i - 1, n - 1) of C(N, n) draws."""
    chances, chance = [], n / len(rising)
    for i in range(len(rising), 0, -1):
        chances.append(chance)
        chance *= (i - n) / (i - 1) if i > n else 0.0
    falling = rising[::-1]
    mean = math.fsum(p * value for p, value in zip(chances, falling, strict=True))
    variance = math.fsum(p * (value - mean) ** 2 for p, value in zip(chances, falling, strict=True))
    return mean, math.sqrt(variance)


def _sizes(total: int) -> list[int]:
    """Return the numbers of trials that are drawn: all of them, or as many as an eye can tell apart."""
    if total <= MOST_POINTS:
        return list(range(1, total + 1))
    ratio = total ** (1 / (MOST_POINTS - 1))
    return sorted({*(round(ratio**step) for step in range(MOST_POINTS)), total})
