"""Which differences in a table are more than noise: each row against the best of its column and against the baseline.

The tests of a column are one family, whose p-values are corrected by Holm's procedure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.statistics import Contrast, contrasts, holm
from reports.statistics.spread import summarise

BySeed = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row against another in one cell."""

    contrast: Contrast
    holm: float | None
    """The p-value corrected for the family; None without a test."""
    family: int
    """How many tests were made in the column."""

    def significant(self, level: float) -> bool | None:
        """Return whether the difference is more than noise; None without a test."""
        return None if self.holm is None else self.holm <= level


def verdicts(column: Sequence[BySeed], reference: int | None, level: float) -> list[Verdict | None]:
    """Return each row of a column against one of them; None for that one and where either has no number.

    Args:
        column: scores by seed; empty for rows that do not take part.
        reference: place of the row that others are compared with; None: there is none.
    """
    places = [i for i, scores in enumerate(column) if scores and i != reference]
    if reference is None or not column[reference] or not places:
        return [None] * len(column)
    found = contrasts([(column[i], column[reference]) for i in places], level)
    corrected = holm([contrast.p for contrast in found])
    family = sum(p is not None for p in corrected)
    by_place = {i: Verdict(c, p, family) for i, c, p in zip(places, found, corrected, strict=True)}
    return [by_place.get(i) for i in range(len(column))]


def leader(column: Sequence[BySeed]) -> int | None:
    """Return the place of the highest mean, the first of equal ones; None in an empty column."""
    means = [(stat.mean, -i) for i, scores in enumerate(column) if (stat := summarise(scores))]
    return -max(means)[1] if means else None
