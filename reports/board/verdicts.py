"""Which differences of a column are more than noise: each row against the best, and against the one declared before.

One family a column (see `reports.statistics.families`): Tukey's range against the best, which the data chose, Dunnett's
comparison against the reference. Rows that are one configuration are one competitor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.board.differences import difference
from reports.statistics.contrasts import TTest, welch
from reports.statistics.families import Family, against_any, against_any_apart, against_declared, family
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


@dataclass(frozen=True, slots=True)
class Column:
    """The scores of one column that are compared.

    Args:
        scores: by seed, of each row; empty for rows that do not take part, and for those that repeat another row's
            configuration.
        judged: the family; None where nothing can be tested.
        separate: test without a common variance.
    """

    scores: tuple[BySeed, ...]
    judged: Family | None
    level: float
    separate: bool

    @classmethod
    def of(cls, scores: Sequence[BySeed], outside: Sequence[int], level: float, *, separate: bool) -> "Column":
        """Return a column with its family, in which the rows at the places `outside` are not judged."""
        return cls(tuple(scores), family(scores, outside), level, separate)

    def against_best(self, place: int | None) -> list[Verdict | None]:
        """Return each row less the one at a place that the data chose; None for it and for rows without a score."""
        return self._against(place, declared=False)

    def against_declared(self, place: int | None) -> list[Verdict | None]:
        """Return each row less the one at a place that was declared beforehand; None as in `against_best`."""
        return self._against(place, declared=True)

    def _against(self, place: int | None, *, declared: bool) -> list[Verdict | None]:
        if place is None or not self.scores[place]:
            return [None] * len(self.scores)
        unequal = self.separate or (self.judged is not None and self.judged.unequal)
        apart = against_any_apart(self.scores, place, self.judged if unequal else None, self.level)
        judge = against_declared if declared else against_any
        tests = apart if self.separate else judge(self.scores, place, self.judged, self.level)
        return [
            _verdict(ours, self.scores[place], test, one_apart, self.level) if ours and i != place else None
            for i, (ours, test, one_apart) in enumerate(zip(self.scores, tests, apart, strict=True))
        ]


def _verdict(ours: BySeed, theirs: BySeed, test: Judged | None, apart: Judged | None, level: float) -> Verdict:
    bounds: Judged | TTest | None = test
    if ours.keys() != theirs.keys():
        bounds = welch(list(ours.values()), list(theirs.values()), level)
    interval = None if bounds is None else (bounds.low, bounds.high)
    stat = difference(ours, theirs)
    return Verdict(difference=stat, n=(len(ours), len(theirs)), test=test, apart=apart, interval=interval)


def leader(column: Sequence[BySeed]) -> int | None:
    """Return the place of the highest mean, the first of equal ones; None in an empty column."""
    means = [(stat.mean, -i) for i, scores in enumerate(column) if (stat := summarise(scores))]
    return -max(means)[1] if means else None
