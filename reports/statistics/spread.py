"""Means and spreads over seeds. Exact sums: the result does not depend on the order of the values."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

SMALLEST = 1e-9
"""Scores are in percent: what differs by less differs by rounding alone."""


@dataclass(frozen=True, slots=True)
class Stat:
    """What one row scored in one cell, in percent (or in points, for a difference)."""

    seeds: tuple[int, ...]
    """The seeds in it, rising."""
    mean: float
    std: float | None
    """Of the sample (divided by n - 1); None for one seed."""
    low: float
    high: float
    apart: str = ""
    """Of a difference between means, for want of common seeds: the seeds of each and how many are common, in words."""

    @property
    def n(self) -> int:
        """How many seeds; 0 for a difference between means."""
        return len(self.seeds)

    @property
    def count(self) -> str:
        """What stands in brackets behind it."""
        return self.apart or str(self.n)


def summarise(by_seed: Mapping[int, float]) -> Stat | None:
    """Return mean and spread of one value a seed; None where there is no value."""
    if not by_seed:
        return None
    values = list(by_seed.values())
    std = math.sqrt(variance(values)) if len(values) > 1 else None
    return Stat(tuple(sorted(by_seed)), fmean(values), std, min(values), max(values))


def variance(values: Collection[float]) -> float:
    """Return the variance of a sample of two or more."""
    mean = fmean(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def paired_difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Stat | None:
    """Return ours minus theirs over the seeds that both have: equal seeds share initial weights and batch order."""
    return summarise({seed: ours[seed] - theirs[seed] for seed in ours.keys() & theirs.keys()})


def best(stats: Sequence[Stat | None], digits: int) -> tuple[bool, ...]:
    """Return which means are the highest as they are printed: what looks equal is equally best."""
    return _at_place(printed(stats, digits), 0)


def second(stats: Sequence[Stat | None], digits: int) -> tuple[bool, ...]:
    """Return which means are the highest below the best, as they are printed."""
    return _at_place(printed(stats, digits), 1)


def printed(stats: Sequence[Stat | None], digits: int) -> list[float | None]:
    """Return the means as they are printed."""
    return [None if stat is None else float(f"{stat.mean:.{digits}f}") for stat in stats]


def _at_place(values: Sequence[float | None], place: int) -> tuple[bool, ...]:
    falling = sorted({value for value in values if value is not None}, reverse=True)
    return tuple(place < len(falling) and value == falling[place] for value in values)
