"""From the trials of one row in one cell to its number, or to the reason why there is none.

A number is a mean over reported seeds of trials that are COMPLETE and FINISHED: of a fixed row all its trials, of a
searched row those of the setting that the search chose (confirmed, rank 1). Search-phase, pruned, diverged and failed
trials are never in it.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from reports.board.verdicts import Verdict
from reports.results.measures import Measure, measure_of
from reports.results.states import ENDED, REASONS, reported_of
from reports.results.sweep import Row, Value
from reports.statistics.settling import Standing
from reports.statistics.spread import Stat, summarise
from reports.stores import METHOD_PREFIX
from search_spaces import nothing_to_confirm


@dataclass(frozen=True, slots=True)
class Score:
    """One number of the table, or why there is none."""

    by_seed: Mapping[int, float] = field(default_factory=dict)
    """What each seed that counts scored on the test images after the last epoch, in percent."""
    missing: str = ""
    """What is not in the mean and why, such as `diverged 1 of 3`; empty where every seed is in it."""
    setting: Mapping[str, Value] = field(default_factory=dict)
    """Hyperparameters that the sweep file fixes, and those that the search chose, if it has."""
    trials: tuple[int, ...] = ()
    """Places in `Results.trials` of the trials behind it: those in the mean first, then by phase, rank and seed."""
    best: bool = False
    """The highest mean of its column as printed; never for the teacher or the student alone."""
    second: bool = False
    """The highest as printed of those that are not the best."""
    collapsed: int = 0
    """How many of the trials that count have collapsed."""
    lower: bool = False
    """Lower than the best by more than noise."""
    differs: bool = False
    """Differs from the reference by more than noise."""
    config: str = ""
    """Key of the configuration, the same for all its seeds; empty where it is not known, or not one."""
    same_as: int | None = None
    """Place of the first line of the board with the same configuration in this cell; None: none before it."""
    to_best: Verdict | None = None
    """Against the highest mean of its column; of methods alone, None where a number lacks."""
    to_reference: Verdict | None = None
    """Likewise against the board's reference; None for the reference itself."""

    standing: Standing | None = None
    """Against the declared row, where seeds are added until it is settled; None elsewhere, for the declared row itself
    and for one without a number."""

    @property
    def stat(self) -> Stat | None:
        """Mean and spread; None without any number."""
        return summarise(self.by_seed)


def score(trials: pd.DataFrame, row: Row, measure: Measure | None = None) -> Score:
    """Return the score of a row in a cell from its trials, by default by what they are scored by."""
    reported, searched = reported_of(trials), is_searched(trials, row)
    chose = chosen(trials, dimension_names(trials, row), rank=1) if searched else None
    reason = missing(trials, reported, searched=searched, measure=measure)
    setting, scored = {**row.hyperparameters, **(chose or {})}, by_seed(reported, measure)
    collapsed, config = collapsed_among(reported, scored), config_of(reported)
    return Score(scored, reason, setting, collapsed=collapsed, config=config)


def config_of(trials: pd.DataFrame) -> str:
    """Return the configuration of trials that have the same one; empty where they do not, or it is not known."""
    keys = {key for key in trials["config_key"].tolist() if isinstance(key, str)}
    return keys.pop() if len(keys) == 1 else ""


def collapsed_among(trials: pd.DataFrame, scored: Mapping[int, float]) -> int:
    """Return how many of the trials whose seeds count have collapsed."""
    marks = zip(trials["seed"].tolist(), trials["collapsed"].tolist(), strict=True)
    return sum(int(seed) in scored and isinstance(why, str) and bool(why) for seed, why in marks)


def is_searched(trials: pd.DataFrame, row: Row) -> bool:
    """Return whether the row's setting is the outcome of a search."""
    return bool(row.dimensions) or "search" in trials["phase"].tolist()


def by_seed(trials: pd.DataFrame, measure: Measure | None = None, *, best_epoch: bool = False) -> dict[int, float]:
    """Return what each seed scored among the complete trials, after the last epoch or in the best one; likewise."""
    measure = measure or measure_of(trials)
    metric = measure.best if best_epoch else measure.final
    columns = (trials[name].tolist() for name in ("state", "status", "seed", metric))
    return {  # without pandas' masks, which take a hundred times as long for the few lines of a cell
        int(seed): float(value)
        for state, status, seed, value in zip(*columns, strict=True)
        if state == "COMPLETE" and status == "FINISHED" and not math.isnan(value)
    }


def missing(trials: pd.DataFrame, reported: pd.DataFrame, *, searched: bool, measure: Measure | None = None) -> str:
    """Return why the mean lacks seeds, or all of it; empty where it lacks none."""
    if reported.empty:
        return _search_standing(trials) if searched else "not run"
    scored = by_seed(reported, measure)
    states = zip(reported["seed"], reported["state"], strict=True)
    counts = Counter(str(state) for seed, state in states if seed not in scored)
    order = [*REASONS, *sorted(counts.keys() - REASONS.keys())]
    reasons = [(REASONS.get(state, state.lower()), counts[state]) for state in order if counts[state]]
    planned = len(reported)
    if len(reasons) == 1 and reasons[0][1] == planned and reasons[0][0] != "failed":
        return reasons[0][0]
    return ", ".join(f"{reason} {count} of {planned}" for reason, count in reasons)


def _search_standing(trials: pd.DataFrame) -> str:
    search = trials[trials["phase"] == "search"]
    ended = int(search["state"].isin(ENDED).sum())
    if search["state"].eq("WAITING").all():
        return "not run"
    if ended < len(search):
        return f"search not finished, {ended} ended"
    return "not confirmed" if search["state"].eq("COMPLETE").any() else nothing_to_confirm(search["state"])


def chosen(trials: pd.DataFrame, names: tuple[str, ...], rank: int) -> dict[str, Value] | None:
    """Return the searched hyperparameters of the setting confirmed at `rank`; None before any of its trials ran."""
    at_rank = (trials["phase"] == "confirm") & (trials["rank"] == rank).fillna(False)
    confirmed = trials[at_rank & trials["run_id"].notna()]
    return None if confirmed.empty else setting_of(confirmed.iloc[0], names)


def setting_of(line: "pd.Series[Any]", names: tuple[str, ...]) -> dict[str, Value]:
    """Return the hyperparameters of one line of trials, those that it has."""
    values = {name: line.get(METHOD_PREFIX + name) for name in names}
    return {name: getattr(value, "item", lambda v=value: v)() for name, value in values.items() if pd.notna(value)}


def dimension_names(trials: pd.DataFrame, row: Row) -> tuple[str, ...]:
    """Return what is searched: as resolved.yaml says, else the hyperparameters that the search's trials differ in."""
    if row.dimensions:
        return tuple(str(dimension["name"]) for dimension in row.dimensions)
    search = trials[trials["phase"] == "search"]
    names = [name for name in trials.columns if name.startswith(METHOD_PREFIX) and search[name].nunique() > 1]
    return tuple(name.removeprefix(METHOD_PREFIX) for name in names)
