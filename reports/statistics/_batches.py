"""Samples of one size together: scipy's functions take rows of an array at once, which is a hundred times faster."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Sample = Sequence[float]
Answer = TypeVar("Answer")
SMALLEST = 1e-9
"""Scores are in percent: what differs by less differs by rounding alone."""


def by_size(samples: Sequence[Sample], rows: Callable[[Any], Sequence[Answer]], most: int = 200) -> list[Answer]:
    """Return one answer a sample, in their order.

    Args:
        rows: answers an array [m, n] with m answers, each from its own row alone.
        most: rows in one call, so that memory stays small.
    """
    import numpy as np

    answers: dict[int, Answer] = {}
    for size in sorted({len(sample) for sample in samples}):
        places = [i for i, sample in enumerate(samples) if len(sample) == size]
        for start in range(0, len(places), most):
            part = places[start : start + most]
            answers |= dict(zip(part, rows(np.array([samples[i] for i in part], dtype=float)), strict=True))
    return [answers[i] for i in range(len(samples))]


def is_constant(values: Sample) -> bool:
    """Return whether the values are equal but for rounding: they have no spread to test against."""
    return max(values) - min(values) <= SMALLEST
