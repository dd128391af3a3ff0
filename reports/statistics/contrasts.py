"""One row against another in one cell: how large the difference is, and whether it is more than noise."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from reports.statistics.sign_flips import sign_flip
from reports.statistics.t_tests import TTest, paired_many, welch

BySeed = Mapping[int, float]
Kind = Literal["paired t", "Welch", "sign flip", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Ours less theirs. Without two seeds on either side there is a difference, but no test."""

    n_ours: int
    n_theirs: int
    seeds: tuple[int, ...]
    """Those that both have, rising."""
    differences: tuple[float, ...]
    """By these seeds."""
    mean: float
    """Of the differences where two or more seeds are common; else the difference of the means."""
    kind: Kind
    """Of the test: sign flip where all differences are equal, so that t has no spread to be measured by."""
    p: float | None
    """Two-sided; None without a test."""
    t_test: TTest | None

    @property
    def is_paired(self) -> bool:
        """Whether the difference is seed by seed."""
        return len(self.seeds) > 1


def contrast(ours: BySeed, theirs: BySeed, level: float = 0.05) -> Contrast:
    """Return one row less another; neither is empty."""
    return contrasts([(ours, theirs)], level)[0]


def contrasts(pairs: Sequence[tuple[BySeed, BySeed]], level: float = 0.05) -> list[Contrast]:
    """Return what `contrast` says of each pair of rows.

    By seed where two or more seeds are common to both, with the paired t-test; else between two independent samples,
    with Welch's.
    """
    shared = [sorted(ours.keys() & theirs.keys()) for ours, theirs in pairs]
    differences = [[o[s] - t[s] for s in seeds] for (o, t), seeds in zip(pairs, shared, strict=True)]
    tests = paired_many(differences, level)
    return [
        _contrast(ours, theirs, tuple(seeds), tuple(values), test, level)
        for (ours, theirs), seeds, values, test in zip(pairs, shared, differences, tests, strict=True)
    ]


def _contrast(
    ours: BySeed, theirs: BySeed, seeds: tuple[int, ...], values: tuple[float, ...], test: TTest | None, level: float
) -> Contrast:
    kind: Kind = "paired t"
    if len(seeds) < 2:
        test, kind = welch(list(ours.values()), list(theirs.values()), level), "Welch"
    p = None if test is None else test.p
    if len(seeds) > 1 and test is None:
        flipped = sign_flip(values)
        p, kind = None if flipped is None else flipped.p, "sign flip"
    return Contrast(
        n_ours=len(ours),
        n_theirs=len(theirs),
        seeds=seeds,
        differences=values,
        mean=_mean(values) if len(seeds) > 1 else _mean(list(ours.values())) - _mean(list(theirs.values())),
        kind="" if p is None else kind,
        p=p,
        t_test=test,
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
