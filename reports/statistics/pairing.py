"""Whether it helped to compare seed by seed: the measured correlation of scores with equal seeds.

Pairing takes the common part of a seed out of a difference, and pays for it with half of the degrees of freedom. Below
a certain correlation it loses more than it gains.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.statistics._batches import is_constant

FEWEST = 3
"""Two points always lie on a line."""
BySeed = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Pairing:
    """What pairing was worth in a column."""

    correlation: float
    """Pooled over the column's rows, each against the same other row."""
    rows: int
    n: int
    """Most seeds that a row has in common with the other one."""
    needed: float
    """From which correlation on the paired test is the sharper one at this n."""

    @property
    def helped(self) -> bool:
        return self.correlation > self.needed


def correlation(ours: BySeed, theirs: BySeed) -> float | None:
    """Return Pearson's correlation over common seeds; None for fewer than three, and where one has no spread."""
    moments = _moments(ours, theirs)
    return None if moments is None else moments[0] / math.sqrt(moments[1] * moments[2])


def _moments(ours: BySeed, theirs: BySeed) -> tuple[float, float, float] | None:
    """Return covariance and both variances over common seeds."""
    seeds = sorted(ours.keys() & theirs.keys())
    a, b = [ours[seed] for seed in seeds], [theirs[seed] for seed in seeds]
    if len(seeds) < FEWEST or is_constant(a) or is_constant(b):
        return None
    import numpy as np

    covariance = np.cov(a, b)
    return float(covariance[0, 1]), float(covariance[0, 0]), float(covariance[1, 1])


def break_even(n: int) -> float:
    """Return the correlation from which on a paired interval of n seeds is narrower than one of two samples.

    Their half-widths are t(n - 1)·s·sqrt(2(1 - r)/n) and t(2n - 2)·s·sqrt(2/n), where both rows spread by s.
    """
    from scipy.stats import t

    return 1 - float(t.ppf(0.975, 2 * n - 2) / t.ppf(0.975, n - 1)) ** 2


def pairing(others: Sequence[BySeed], reference: BySeed) -> Pairing | None:
    """Return what pairing with `reference` was worth; None where no row has enough common seeds to tell."""
    found = [(moments, len(o.keys() & reference.keys())) for o in others if (moments := _moments(o, reference))]
    if not found:
        return None
    shared, ours, theirs = (math.fsum(moments[i] for moments, _ in found) for i in range(3))
    n = max(size for _, size in found)
    return Pairing(shared / math.sqrt(ours * theirs), len(found), n, break_even(n))
