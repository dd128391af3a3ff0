"""What each search tuned, spent and chose: the setting's validation accuracy beside its accuracy on test images."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.board.behind import Behind
from reports.board.score import by_seed, chosen, dimension_names, is_searched
from reports.results import naming
from reports.results.measures import measure_of
from reports.results.states import ENDED
from reports.results.sweep import Cell, Row, Value
from reports.statistics.spread import Stat, summarise
from reports.stores import METHOD_PREFIX
from trainers import titles

SCALED = "warmup_epochs"
"""Shorter in a search that trains fewer epochs, so it tells no two settings apart."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One setting that a search has confirmed, or that there is none yet."""

    shown: str
    """The row, by the name that is shown."""
    cell: Cell
    tuned: tuple[str, ...]
    """Dimensions with their ranges, for people."""
    ended: Mapping[str, int]
    """How many of the search's trials ended in each state."""
    open: int
    """How many of its trials have not ended."""
    epochs: int
    """Of the recipes of the trials that have ended, so at most so many where some did not run to the end."""
    whole: bool
    """Whether all ran to the end."""
    seconds: float | None
    """Of training, of those that are known; None where none is."""
    timed: bool
    """Whether all are known."""
    rank: int
    setting: Mapping[str, Value] | None
    """The searched hyperparameters; None before any trial with the setting has run."""
    validation: Stat | None
    """As the search measured it after the last epoch, over the search seeds that the setting was trained with."""
    test: Stat | None
    """Of the setting, trained anew on the whole training set."""
    trials: tuple[int, ...] = ()
    """Places in `Results.trials` of its proposals and confirmations, those in `test` first."""


def choices(behind: Behind, row: Row, cell: Cell) -> Iterator[Choice]:
    """Yield what the search of a row in a cell has chosen, best rank first; one line without a setting before that."""
    trials = behind.of(cell, row)
    if not is_searched(trials, row):
        return
    search, confirmed = trials[trials["phase"] == "search"], trials[trials["phase"] == "confirm"]
    names = dimension_names(trials, row)
    over = search[search["state"].isin(ENDED)]
    ended, seconds = over["state"].value_counts().to_dict(), over["train_seconds"].dropna()
    for rank in sorted(int(rank) for rank in confirmed["rank"].dropna().unique()) or [1]:
        setting = chosen(trials, names, rank)
        yield Choice(
            shown=row.shown,
            cell=cell,
            tuned=tuple(dimension_text(d) for d in row.dimensions) or tuple(map(titles.symbol, names)),
            ended={state: int(ended[state]) for state in ENDED if state in ended},
            open=len(search) - len(over),
            epochs=int(over["epochs"].fillna(0).sum()),
            whole=bool((over["state"] == "COMPLETE").all()),
            seconds=float(seconds.sum()) if len(seconds) else None,
            timed=len(seconds) == len(over),
            rank=rank,
            setting=setting,
            validation=None if setting is None else _validation(search, setting),
            test=summarise(by_seed(confirmed[confirmed["rank"] == rank])),
            trials=_first(behind.places(cell, row), trials, rank),
        )


def _first(places: tuple[int, ...], trials: pd.DataFrame, rank: int) -> tuple[int, ...]:
    """Return the places with those of the completed trials of a rank first."""
    own = (trials["phase"] == "confirm") & (trials["rank"] == rank).fillna(False) & (trials["state"] == "COMPLETE")
    first = {place for place, there in zip(sorted(places), own, strict=False) if there}
    return tuple(sorted(places, key=lambda place: place not in first))


def _validation(search: pd.DataFrame, setting: Mapping[str, Value]) -> Stat | None:
    """Return what a setting scored, by seed; of settings that differ in what is not searched, that which was chosen."""
    same = search["state"] == "COMPLETE"
    for name, value in setting.items():
        if name != SCALED:
            same &= (search[METHOD_PREFIX + name] == value).fillna(False)
    validation = measure_of(search).validation
    known = search[same & search[validation].notna()]
    config = known["config_key"].fillna(known["trial_key"])  # not known of trials of before
    alike = (summarise(dict(zip(own["seed"], own[validation], strict=True))) for _, own in known.groupby(config))
    return max(filter(None, alike), key=lambda stat: (stat.n, stat.mean), default=None)


def _choice(choice: Any) -> str:
    return f"[{','.join(map(str, choice))}]" if isinstance(choice, list) else str(choice)


def dimension_text(dimension: Mapping[str, Any]) -> str:
    """Return a dimension for people, such as `k = 1…50 (log)` or `cut = k|mass`."""
    name = str(dimension["name"])
    if dimension.get("choices") is not None:
        return naming.setting(name, "|".join(map(_choice, dimension["choices"])))
    if dimension.get("low") is None:
        return titles.symbol(name)
    return naming.setting(name, f"{dimension['low']:g}…{dimension['high']:g}{' (log)' if dimension.get('log') else ''}")
