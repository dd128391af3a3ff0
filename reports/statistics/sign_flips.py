"""The exact sign-flip test: it assumes no normal distribution, and its p-value cannot be below 2 / 2^n."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.statistics._batches import SMALLEST, Sample, by_size

EXACT_UP_TO = 16
"""Differences whose 2^n signs are all tried; of more, `DRAWN` drawn ones."""
DRAWN = 99_999
NUMBERS_AT_ONCE = 4_000_000
"""Sums that are held in memory together."""


@dataclass(frozen=True, slots=True)
class SignFlip:
    """A two-sided test: how many ways to sign the differences give a mean as far from 0 as theirs."""

    n: int
    p: float
    floor: float
    """The smallest p that n differences can give."""


def floor(n: int) -> float:
    """Return the smallest p-value that n differences can give: one of 2^n signings and its opposite."""
    return min(1.0, 2.0 ** (1 - n))


def fewest(level: float) -> int:
    """Return the fewest differences whose floor is not above the level."""
    return max(1, math.ceil(1 - math.log2(level)))


def sign_flip(differences: Sample) -> SignFlip | None:
    """Return the test of differences; None for none. Exact for at most `EXACT_UP_TO`."""
    return sign_flips([differences])[0]


def sign_flips(samples: Sequence[Sample]) -> list[SignFlip | None]:
    """Return what `sign_flip` says of each sample; many of one size take hardly longer than one."""
    sound = [i for i, sample in enumerate(samples) if sample]
    longest = max((len(samples[i]) for i in sound), default=1)
    tries = 2**longest if longest <= EXACT_UP_TO else DRAWN
    answers = by_size([samples[i] for i in sound], _rows, max(1, NUMBERS_AT_ONCE // tries))
    found = dict(zip(sound, answers, strict=True))
    return [found.get(i) for i in range(len(samples))]


def _rows(rows: Any) -> list[SignFlip]:
    import numpy as np

    n = rows.shape[1]
    whole = np.rint(rows / SMALLEST)  # whole numbers, whose sums are exact: what is tied is seen to be
    sums, observed = _signs(n) @ whole.T, whole.sum(axis=1)
    slack = 100 * np.finfo(float).eps * np.abs(observed)  # but for numbers that are too large to be exact
    above = np.count_nonzero(sums >= observed - slack, axis=0)
    below = np.count_nonzero(sums <= observed + slack, axis=0)
    own = 0 if n <= EXACT_UP_TO else 1  # drawn signings lack that of the differences themselves: p is never 0
    p = 2 * (np.minimum(above, below) + own) / (len(sums) + own)
    return [SignFlip(n, min(1.0, float(each)), floor(n)) for each in p]


@functools.lru_cache(maxsize=2)
def _signs(n: int) -> Any:
    """Return signings [tries, n] of 1 and -1: all of them, or the same drawn ones each time.

    For scipy's permutation_test, which gives the same p-values, drawing them takes most of its time, at every call.
    """
    import numpy as np

    if n <= EXACT_UP_TO:
        flipped = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        both = np.broadcast_to(np.arange(2), (DRAWN, n, 2))
        flipped = np.random.default_rng(0).permuted(both, axis=-1)[..., 0]
    return 1.0 - 2.0 * flipped
