"""Keeps what is embedded in the page small: a text once, a curve as the few numbers that an eye can tell apart."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Points = Sequence[tuple[int, float]]
"""(epoch, value) by rising epoch."""

CURVE_POINTS = 40
"""Of a curve; the first and the last epoch are always among them."""

CURVE_SCALE = 100
"""Values of a curve are kept as whole numbers of hundredths."""

CURVE_NUMBERS = 1_000_000
"""In all curves together: about 4 MB of the page. With more, each curve has fewer points, then searches have none."""

FEWEST_POINTS = 8


def indexed(values: Iterable[Any]) -> dict[str, list[Any]]:
    """Return a column as its different values and, for each line, the place of its value; -1 for none."""
    places: dict[Any, int] = {}
    at = [-1 if value is None or value == "" else places.setdefault(value, len(places)) for value in values]
    return {"values": list(places), "at": at}


def number(value: Any, digits: int = 4) -> float | int | None:
    """Return a number in as few digits as it needs, or None where it is none."""
    if value is None or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    rounded = round(float(value), digits)
    return int(rounded) if rounded.is_integer() else rounded


def points_a_curve(curves: int) -> int:
    """Return how many points each of so many curves may have; 0 where that would be too few to be a curve."""
    fitting = min(CURVE_POINTS, CURVE_NUMBERS // max(curves, 1))
    return fitting if fitting >= FEWEST_POINTS else 0


def thinned(points: Points, most: int) -> list[tuple[int, float]]:
    """Return at most `most` of the points, evenly spread, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    step = (len(points) - 1) / (most - 1)
    return [points[round(index * step)] for index in range(most)]


def steps_and_values(curves: Mapping[int, Points], count: int, most: int) -> dict[str, Any]:
    """Return curves by line as columns: the epochs of each, and its values as differences from the one before.

    Args:
        curves: by the line of the table of trials.
        count: how many lines there are.
        most: points of a curve; a single epoch is none.
    """
    epochs: list[tuple[int, ...] | None] = [None] * count
    values: list[list[int] | int] = [0] * count
    for line, points in curves.items():
        kept = thinned([(epoch, value) for epoch, value in points if math.isfinite(value)], most)
        if len(kept) > 1:
            epochs[line] = tuple(epoch for epoch, _ in kept)
            values[line] = differences([round(value * CURVE_SCALE) for _, value in kept])
    return {"epochs": indexed(epochs), "values": values, "scale": CURVE_SCALE}


def differences(values: Sequence[int]) -> list[int]:
    """Return the first value, then what each has over the one before."""
    return [value - before for value, before in zip(values, [0, *values[:-1]], strict=True)]
