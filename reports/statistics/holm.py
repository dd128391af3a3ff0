"""Holm's step-down correction for several tests of one family. S. Holm, Scand. J. Statist. 6 (1979)."""

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return the adjusted p-values: reject where one is at most the level, and the whole family errs at that level.

    The i-th smallest of m is multiplied by m - i + 1, is never below the one before it, nor above 1.

    Args:
        p_values: None where there was no test; it is not counted and stays None.
    """
    tested = [(p, place) for place, p in enumerate(p_values) if p is not None]
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, place) in enumerate(sorted(tested)):
        highest = max(highest, min(1.0, p * (len(tested) - rank)))
        adjusted[place] = highest
    return adjusted
