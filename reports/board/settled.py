"""Seeds until it is settled: which row the others are compared with, and how each stands to it in a column.

The same function of outcomes as the planner's, which has added seeds by it (`reports.statistics.settling`). Rows of
such a column have other numbers of seeds for the reason that they differed, so no other test is right in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.results.measures import Measure
from reports.results.states import ENDED, reported_of
from reports.statistics.settling import Standing, Trained, standings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """How seeds were added."""

    place: int | None
    """Of the declared line; None where the columns are not judged here."""
    looks: tuple[int, ...]
    """Seeds of the open rows at each look, rising."""


def read_settling(resolved: Mapping[str, Any], labels: Sequence[str], *, judges: bool) -> Settling | None:
    """Return how a sweep adds seeds; None where all rows have the same ones.

    Args:
        labels: of the board's lines.
        judges: the board has what the looks were taken at.
    """
    given = resolved.get("settling")
    if not given:
        return None
    declared = str(given.get("declared") or "")
    place = labels.index(declared) if judges and declared in labels else None
    return Settling(place=place, looks=tuple(given.get("looks") or ()))


def trained(trials: pd.DataFrame, measure: Measure) -> Trained | None:
    """Return what has ended of a row's reported trainings; None where none is asked for."""
    reported = reported_of(trials)
    if reported.empty:
        return None
    columns = (reported[name].tolist() for name in ("seed", "trial_key", "state", "status", measure.final))
    found: dict[int, tuple[str, float | None]] = {}
    for seed, key, state, status, value in zip(*columns, strict=True):
        if state in ENDED:
            counts = state == "COMPLETE" and status == "FINISHED" and not pd.isna(value)
            found[int(seed)] = (str(key), float(value) if counts else None)
    return found


def judged(rows: Mapping[int, Trained | None], settling: Settling, level: float) -> dict[int, Standing]:
    """Return how the lines of a column stand to the declared one, by place; it and those that share its trainings are
    not among them.

    Args:
        rows: by place, of the lines that the column asks for.
    """
    declared = settling.place
    if declared is None or declared not in rows:
        return {}
    places = list(rows)
    found = standings(list(rows.values()), places.index(declared), settling.looks, level)
    own = _first(rows[declared], settling.looks[0])
    return {
        place: standing
        for place, standing in zip(places, found, strict=True)
        if place != declared and not (own and _first(rows[place], settling.looks[0]) == own)
    }


def _first(row: Trained | None, n: int) -> list[str]:
    """Return what identifies the trainings of the first look; nothing before all of them have ended."""
    keys = [row[seed][0] for seed in range(n) if seed in row] if row else []
    return keys if len(keys) == n else []
