"""Bootstrap intervals of a mean: bias-corrected and accelerated (BCa), with a seed of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.statistics._batches import SMALLEST, Sample, by_size, is_constant

FEWEST = 4
"""Fewer values have so few distinct resamples that the interval says nothing."""
RESAMPLES = 9_999
SEED = 0
ROWS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a mean lies, with a probability of 1 - level."""

    low: float
    high: float


def bootstrap(values: Sample, level: float = 0.05) -> Interval | None:
    """Return the BCa interval of the mean; None for fewer than `FEWEST` values, and where all are equal.

    It covers less often than it says while there are few values: docs/results.md has measured numbers.
    """
    return bootstraps([values], level)[0]


def bootstraps(samples: Sequence[Sample], level: float = 0.05) -> list[Interval | None]:
    """Return what `bootstrap` says of each sample."""
    sound = [i for i, sample in enumerate(samples) if len(sample) >= FEWEST and not is_constant(sample)]
    found = dict(
        zip(sound, by_size([samples[i] for i in sound], lambda rows: _rows(rows, level), ROWS_AT_ONCE), strict=True)
    )
    return [found.get(i) for i in range(len(samples))]


def _rows(rows: Any, level: float) -> list[Interval | None]:
    import numpy as np
    from scipy.stats import bootstrap as resample

    result = resample(
        (np.rint(rows / SMALLEST),),  # whole numbers, whose sums are exact whatever their order: ties are ties
        np.sum,
        axis=1,
        n_resamples=RESAMPLES,
        confidence_level=1 - level,
        method="BCa",
        rng=np.random.default_rng(SEED),
    )
    scale = SMALLEST / rows.shape[1]
    low, high = (np.atleast_1d(end) * scale for end in result.confidence_interval)
    return [Interval(float(a), float(b)) if np.isfinite(a + b) else None for a, b in zip(low, high, strict=True)]
