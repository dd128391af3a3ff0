"""One row against another in one cell: how large the difference is, and whether it is more than noise.

By Student's t of the differences by seed, or Welch's of two samples without common seeds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from reports.statistics.spread import SMALLEST, variance

BySeed = Mapping[int, float]
Kind = Literal["paired t", "Welch", "sign flip", ""]


@dataclass(frozen=True, slots=True)
class TTest:
    """A two-sided test of the hypothesis that the mean difference is 0."""

    t: float
    df: float
    p: float
    low: float
    """Of the interval of the mean difference."""
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Ours less theirs. Without two seeds on either side there is a difference, but no test."""

    mean: float
    """Of the differences where two or more seeds are common; else the difference of the means."""
    pairs: int
    """Common seeds, where the difference is by them; else 0."""
    kind: Kind
    """Of the test: sign flip where all differences are equal, so that t has no spread to be measured by."""
    p: float | None
    """Two-sided; None without a test."""


def contrast(ours: BySeed, theirs: BySeed) -> Contrast:
    """Return one row less another; neither is empty.

    By seed where two or more seeds are common to both, with the paired t-test; else between two independent samples,
    with Welch's.
    """
    differences = [ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())]
    pairs = len(differences)
    if pairs < 2:
        test = welch(list(ours.values()), list(theirs.values()))
        mean = fmean(ours.values()) - fmean(theirs.values())
        return Contrast(mean=mean, pairs=0, kind="Welch" if test else "", p=test.p if test else None)
    test, mean = paired(differences), fmean(differences)
    if test is None:  # of all ways to sign equal differences, two have a mean as far from 0
        return Contrast(mean=mean, pairs=pairs, kind="sign flip", p=2.0 ** (1 - pairs) if abs(mean) > SMALLEST else 1.0)
    return Contrast(mean=mean, pairs=pairs, kind="paired t", p=test.p)


def paired(differences: Sequence[float], level: float = 0.05) -> TTest | None:
    """Return the test of differences by seed; None for fewer than two, and where all are equal.

    Args:
        level: the interval covers 1 - level.
    """
    n = len(differences)
    if n < 2 or _constant(differences):
        return None
    return _t_test(fmean(differences), variance(differences) / n, n - 1, level)


def welch(ours: Sequence[float], theirs: Sequence[float], level: float = 0.05) -> TTest | None:
    """Return the test of two independent samples; None where one has fewer than two values, or neither any spread."""
    if min(len(ours), len(theirs)) < 2 or (_constant(ours) and _constant(theirs)):
        return None
    a, b = variance(ours) / len(ours), variance(theirs) / len(theirs)
    df = (a + b) ** 2 / (a * a / (len(ours) - 1) + b * b / (len(theirs) - 1))
    return _t_test(fmean(ours) - fmean(theirs), a + b, df, level)


def _t_test(mean: float, squared_error: float, df: float, level: float) -> TTest:
    from scipy.special import stdtr, stdtrit

    error = math.sqrt(squared_error)
    room = -float(stdtrit(df, level / 2)) * error
    return TTest(mean / error, df, 2 * float(stdtr(df, -abs(mean) / error)), mean - room, mean + room)


def _constant(values: Sequence[float]) -> bool:
    """Return whether the values are equal but for rounding: they have no spread to test against."""
    return max(values) - min(values) <= SMALLEST
