"""The exact sign-flip test: it assumes no normal distribution, and its p-value cannot be below 2 / 2^n."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.statistics._batches import SMALLEST, Sample, by_size

EXACT_UP_TO = 16
"""Differences whose 2^n signs are all tried; of more, `DRAWN` drawn ones."""
DRAWN = 99_999
NUMBERS_AT_ONCE = 4_000_000


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
    """Return what `sign_flip` says of each sample."""
    sound = [i for i, sample in enumerate(samples) if sample]
    longest = max((len(samples[i]) for i in sound), default=1)
    tries = 2**longest if longest <= EXACT_UP_TO else DRAWN
    answers = by_size([samples[i] for i in sound], _rows, max(1, NUMBERS_AT_ONCE // (tries * longest)))
    found = dict(zip(sound, answers, strict=True))
    return [found.get(i) for i in range(len(samples))]


def _rows(rows: Any) -> list[SignFlip]:
    import numpy as np
    from scipy.stats import permutation_test

    n = rows.shape[1]
    if n == 1:
        return [SignFlip(1, 1.0, 1.0)] * len(rows)
    result = permutation_test(
        (np.rint(rows / SMALLEST),),  # whole numbers, whose sums are exact: what is tied is seen to be
        lambda sample, axis: np.sum(sample, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=math.inf if n <= EXACT_UP_TO else DRAWN,
        axis=1,
        rng=np.random.default_rng(0),
    )
    return [SignFlip(n, float(p), floor(n)) for p in np.atleast_1d(result.pvalue)]
