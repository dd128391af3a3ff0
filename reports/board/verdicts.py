"""Ours less theirs in one cell as tables print it, and whether it is more than noise.

A difference is that of the two means that are shown, over all seeds of each. What is more than noise one family a
column says (see `reports.statistics.families`): Tukey's range against the best, which the data chose, Dunnett's
comparison against the reference. Rows that are one configuration are one competitor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.statistics.contrasts import TTest, welch
from reports.statistics.families import Family, against_any, against_any_apart, against_declared
from reports.statistics.families import Verdict as Judged
from reports.statistics.spread import Stat, summarise

BySeed = Mapping[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One row less another in one cell."""

    difference: Stat
    """Of the two means that are shown."""
    n: tuple[int, int]
    """Seeds of ours and of theirs."""
    test: Judged | None
    """None where one of the two stands outside the family, or the column has none."""
    apart: Judged | None
    """By Games and Howell, without a common variance; None likewise, and where variances are taken to be one."""
    interval: tuple[float, float] | None
    """Of the difference alone; by Welch where the two have other seeds."""

    def significant(self, level: float) -> bool | None:
        """Return whether the difference is more than noise; None without a test."""
        return None if self.test is None else self.test.significant(level)


def difference(ours: BySeed, theirs: BySeed) -> Stat | None:
    """Return the difference of two rows; None where one has no score.

    With the spread of the differences by seed where both have the same seeds, the mean of which it is.
    """
    if ours.keys() == theirs.keys():
        return summarise({seed: ours[seed] - theirs[seed] for seed in ours})
    mine, other = summarise(ours), summarise(theirs)
    if mine is None or other is None:
        return None
    gap = mine.mean - other.mean
    return Stat((), gap, None, gap, gap, f"{mine.n}/{other.n}")


def verdicts(
    scores: Sequence[BySeed], place: int | None, judged: Family | None, level: float, *, declared: bool, separate: bool
) -> list[Verdict | None]:
    """Return each row of a column less the one at a place; None for it and for rows without a score.

    Args:
        scores: of each row; empty for rows that do not take part, and for those that repeat another one's trainings.
        judged: the column's family; None where nothing can be tested.
        declared: the place was declared beforehand; else the data chose it.
        separate: test without a common variance.
    """
    if place is None or not scores[place]:
        return [None] * len(scores)
    unequal = separate or (judged is not None and judged.unequal)
    apart = against_any_apart(scores, place, judged if unequal else None, level)
    judge = against_declared if declared else against_any
    tests = apart if separate else judge(scores, place, judged, level)
    return [
        _verdict(ours, scores[place], test, one_apart, level) if i != place else None
        for i, (ours, test, one_apart) in enumerate(zip(scores, tests, apart, strict=True))
    ]


def _verdict(ours: BySeed, theirs: BySeed, test: Judged | None, apart: Judged | None, level: float) -> Verdict | None:
    bounds: Judged | TTest | None = test
    gap = difference(ours, theirs)
    if gap is None:
        return None
    if ours.keys() != theirs.keys():
        bounds = welch(list(ours.values()), list(theirs.values()), level)
    interval = None if bounds is None else (bounds.low, bounds.high)
    return Verdict(difference=gap, n=(len(ours), len(theirs)), test=test, apart=apart, interval=interval)


def leader(column: Sequence[BySeed]) -> int | None:
    """Return the place of the highest mean, the first of equal ones; None in an empty column."""
    means = [(stat.mean, -i) for i, scores in enumerate(column) if (stat := summarise(scores))]
    return -max(means)[1] if means else None
