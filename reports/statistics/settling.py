"""Seeds until it is settled: how the rows of a column stand to the one declared, look by look.

A function of the outcomes alone, which both who trains and who reports work out: at every look all rows that are still
open have the same seeds. Each is tested against the declared row by Welch on the seeds that both have, at levels that
spend what the row has over the looks (`spending`); over the rows goes Holm's step-down, of which a row gets what the
settled ones leave. Nothing is pooled: with one quiet row among noisy ones a common variance claims anything. A row
whose conditional power under the trend seen is low gets no more seeds; no level counts on that.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from reports.statistics.contrasts import TTest, welch
from reports.statistics.families import FEWEST_SEEDS
from reports.statistics.spending import nominal_levels

LEAST_POWER = 0.1
"""Conditional power below which a row gets no more seeds."""

Outcomes = Mapping[int, float | None]
"""By seed: the score, None where the training ended without one. Seeds that have not ended are not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One row against the declared one, after the last look that could be taken."""

    asked: int
    """Seeds that the row is to have: 0 to asked - 1."""
    n: int = 0
    """Seeds that both have, at the row's last look; 0 before the first, and for the declared row."""
    settled: bool = False
    """The difference is more than noise."""
    stopped: bool = False
    """The row gets no more seeds."""
    difference: float | None = None
    """Of the means over these seeds; None where the two have none in common."""
    interval: tuple[float, float] | None = None
    """Repeated confidence interval of the difference: those of all rows and looks hold together with 1 - level."""


@dataclass(slots=True)
class _Course:
    """The looks at one row so far."""

    ours: Outcomes
    theirs: Outcomes
    """Of the declared row."""
    standing: Standing
    tests: dict[int, TTest] = field(default_factory=dict)
    """By the number of seeds that both had; a look without new ones is none."""
    scores: tuple[Sequence[float], Sequence[float]] = ((), ())
    """Those of the last test."""

    def look(self, n: int) -> None:
        """Take a look at the first n seeds; without three of both rows, or any spread, it tells nothing."""
        pairs = [(self.ours.get(seed), self.theirs.get(seed)) for seed in range(n)]
        both = [(a, b) for a, b in pairs if a is not None and b is not None]
        ours, theirs = [a for a, _ in both], [b for _, b in both]
        if both:
            self.standing = replace(self.standing, n=len(both), difference=fmean(ours) - fmean(theirs))
        test = welch(ours, theirs) if len(both) >= FEWEST_SEEDS else None
        if test is not None and len(both) not in self.tests:
            self.tests[len(both)], self.scores = test, (ours, theirs)

    def levels(self, level: float, most: int, later: Collection[int] = ()) -> tuple[float, ...]:
        """Return the levels of the looks that were taken, and of those to come."""
        return nominal_levels(level, tuple(n / most for n in (*self.tests, *later)))

    def crosses(self, level: float, most: int) -> bool:
        """Return whether any look so far rejects at its part of this level."""
        levels = self.levels(level, most) if self.tests else ()
        return any(test.p <= part for test, part in zip(self.tests.values(), levels, strict=True))

    def worth(self, level: float, looks: Sequence[int], n: int) -> bool:
        """Return whether seeds after the first n are worth training."""
        later = [look for look in looks if look > n]
        if not later or not all(
            any(each.get(seed) is not None for seed in range(n)) for each in (self.ours, self.theirs)
        ):
            return False
        if not self.tests:
            return True
        seen, test = list(self.tests.items())[-1]
        last = self.levels(level, looks[-1], later)[-1]
        return conditional_power(test.t, seen, looks[-1], last) >= LEAST_POWER

    def interval(self, level: float, most: int) -> tuple[float, float] | None:
        """Return the repeated confidence interval of the last test."""
        test = welch(*self.scores, self.levels(level, most)[-1]) if self.tests else None
        return None if test is None else (test.low, test.high)


Trained = Mapping[int, tuple[str, float | None]]
"""Of a row, by seed: what identifies a training that has ended, and its score, None where it ended without one."""


def standings(rows: Sequence[Trained | None], declared: int, looks: Sequence[int], level: float) -> list[Standing]:
    """Return how each row of a column stands to the declared one; rows that share their trainings are one competitor.

    Args:
        rows: as they are in the column; None for one that has no trainings and will have none.
        declared: place of the row that the others are compared with.
        looks: seeds of a row at each look, rising.
        level: of the column: the probability that any claim in it is false.
    """
    owns: dict[tuple[str, ...], int] = {}
    place = []
    for i in (declared, *(i for i in range(len(rows)) if i != declared)):
        row = rows[i] or {}
        first = tuple(row[seed][0] for seed in range(looks[0]) if seed in row)
        place.append((i, owns.setdefault(first, i) if len(first) == looks[0] else i))
    own = dict(place)
    kept = sorted(set(own.values()))
    column = [_scores(rows[i]) for i in kept]
    found = dict(zip(kept, follow(column, kept.index(declared), looks, level), strict=True))
    return [found[own[i]] for i in range(len(rows))]


def _scores(row: Trained | None) -> Outcomes | None:
    return None if row is None else {seed: score for seed, (_, score) in row.items()}


def follow(column: Sequence[Outcomes | None], declared: int, looks: Sequence[int], level: float) -> list[Standing]:
    """Return how each row of a column stands to the declared one.

    Args:
        column: outcomes of each row; None for one that has no trainings and will have none, which stays in the family.
        declared: its place.
        looks: seeds of a row at each look, rising.
        level: of the column: the probability that any claim in it is false.
    """
    theirs, most, asked = column[declared] or {}, looks[-1], looks[0]
    courses = {
        i: _Course(ours or {}, theirs, Standing(asked=0 if ours is None else asked, stopped=ours is None))
        for i, ours in enumerate(column)
        if i != declared
    }
    for n in looks:
        open_ones = [course for course in courses.values() if not course.standing.stopped]
        if not open_ones or column[declared] is None:
            break
        asked = n
        for course in open_ones:
            course.standing = replace(course.standing, asked=n)
        if any(seed not in each for each in (theirs, *(course.ours for course in open_ones)) for seed in range(n)):
            break
        for course in open_ones:
            course.look(n)
        left = _step_down(courses.values(), level, most)
        for course in open_ones:
            stops = course.standing.settled or not course.worth(left, looks, n)
            course.standing = replace(course.standing, stopped=stops)
    standings = {
        i: replace(course.standing, interval=course.interval(level / len(courses), most))
        for i, course in courses.items()
    }
    return [standings.get(i, Standing(asked=asked)) for i in range(len(column))]


def _step_down(courses: Collection[_Course], level: float, most: int) -> float:
    """Mark the rows that are settled by now; return the level of a row that is not."""
    while left := [course for course in courses if not course.standing.settled]:
        part = level / len(left)
        crossing = [course for course in left if course.crosses(part, most)]
        if not crossing:
            return part
        for course in crossing:
            course.standing = replace(course.standing, settled=True)
    return level


def conditional_power(t: float, n: int, most: int, level: float) -> float:
    """Return the probability that the last look finds a difference, if it is what it was seen to be.

    Args:
        t: Welch's, of n seeds of each row.
        most: seeds of the last look, more than n.
        level: of the test there, two-sided.
    """
    from scipy.special import ndtr, stdtrit

    critical = -float(stdtrit(2 * (most - 1), level / 2))
    return float(ndtr((abs(t) * math.sqrt(most / n) - critical) / math.sqrt(1 - n / most)))
