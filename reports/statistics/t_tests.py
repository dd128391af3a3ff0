"""Student's t: of differences by seed, or Welch's of two samples without common seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reports.statistics._batches import Sample, by_size, is_constant


@dataclass(frozen=True, slots=True)
class TTest:
    """A two-sided test of the hypothesis that the mean difference is 0."""

    t: float
    df: float
    p: float
    low: float
    """Of the interval of the mean difference."""
    high: float


def paired(differences: Sample, level: float = 0.05) -> TTest | None:
    """Return the test of differences by seed; None for fewer than two, and where all are equal.

    Args:
        level: the interval covers 1 - level.
    """
    return paired_many([differences], level)[0]


def paired_many(samples: Sequence[Sample], level: float = 0.05) -> list[TTest | None]:
    """Return what `paired` says of each sample."""
    sound = [i for i, sample in enumerate(samples) if len(sample) > 1 and not is_constant(sample)]
    tests = by_size([samples[i] for i in sound], lambda rows: _one_sample(rows, level))
    found = dict(zip(sound, tests, strict=True))
    return [found.get(i) for i in range(len(samples))]


def _one_sample(rows: Any, level: float) -> list[TTest]:
    from scipy.stats import ttest_1samp

    result = ttest_1samp(rows, 0.0, axis=1)
    low, high = result.confidence_interval(1 - level)
    numbers = zip(result.statistic, result.df, result.pvalue, low, high, strict=True)
    return [TTest(*(float(number) for number in row)) for row in numbers]


def welch(ours: Sample, theirs: Sample, level: float = 0.05) -> TTest | None:
    """Return the test of two independent samples; None where one has fewer than two values, or neither any spread."""
    if min(len(ours), len(theirs)) < 2 or (is_constant(ours) and is_constant(theirs)):
        return None
    from scipy.stats import ttest_ind

    result = ttest_ind(ours, theirs, equal_var=False)
    low, high = result.confidence_interval(1 - level)
    return TTest(float(result.statistic), float(result.df), float(result.pvalue), float(low), float(high))
