"""All trials of a sweep as columns, a line each in the order of members.csv, with how each run came about."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from reports.page.compact import indexed, number
from reports.results.runs import run_details
from reports.results.sweep import value_text
from reports.stores import COMMIT, DIRTY, METHOD_PREFIX, RECIPE_PREFIX, RunDetails

if TYPE_CHECKING:
    from reports.board.board import Board
    from reports.results.results import Results
    from reports.results.sweep import Row

SIGNIFICANT = 6
"""Digits of a hyperparameter; `repeat` knows all of them."""

SHORT = 6
REASON_CHARACTERS = 300
VERSIONS = ("torch", "cuda", "python")


def columns(results: "Results", table: "Board") -> dict[str, Any]:
    """Return the trials with their scores, settings, and runs."""
    trials, details = results.trials, run_details(results)
    runs = [details.get(run_id) for run_id in trials["run_id"].astype(object)]
    settings = _Settings(results.params, {line.row.label: line.row for line in table.lines})
    keys = trials["trial_key"].tolist()
    return {
        "count": len(trials),
        "cell": indexed(_texts(trials["cell"])),
        "row": indexed(_shown(trials["row"], table)),
        "method": indexed(_texts(trials["method"])),
        "phase": indexed(_texts(trials["phase"])),
        "state": indexed(_texts(trials["state"])),
        "status": indexed(_texts(trials["status"])),
        "rank": _numbers(trials["rank"]),
        "seed": _numbers(trials["seed"]),
        "key": keys,
        "run": _texts(trials["run_id"]),
        "score": _numbers(_scores(trials, table)),
        "seconds": _numbers(trials["train_seconds"], 2),
        "setting": indexed(map(settings.text, keys, trials["row"])),
        "recipe": indexed(map(settings.recipe, keys)),
        **_origins(runs),
    }


def _scores(trials: pd.DataFrame, table: "Board") -> "pd.Series[float]":
    """Return what each trial scored after its last epoch: on test images, in a search on validation images."""
    found = pd.Series(float("nan"), index=trials.index)
    for measure in table.measures:
        found = found.fillna(trials[measure.final]).fillna(trials[measure.validation])
    return found


def _shown(rows: "pd.Series[str]", table: "Board") -> list[str]:
    names = {line.row.label: line.shown for line in table.lines}
    return [names.get(label, label) for label in rows]


class _Settings:
    """Hyperparameters and recipes as text; what tells a row's trials apart comes first."""

    def __init__(self, params: Mapping[str, Mapping[str, str]], rows: Mapping[str, "Row"]) -> None:
        self._params, self._rows = params, rows

    def text(self, key: str, label: str) -> str:
        values = _without(self._params.get(key, {}), METHOD_PREFIX)
        row = self._rows.get(label)
        first = () if row is None else (*row.grid, *(str(d["name"]) for d in row.dimensions))
        names = dict.fromkeys((*(name for name in first if name in values), *sorted(values)))
        return "; ".join(f"{name}={_short(values[name])}" for name in names)

    def recipe(self, key: str) -> str:
        values = _without(self._params.get(key, {}), RECIPE_PREFIX)
        return _joined(tuple(sorted(values.items())))


@functools.lru_cache(maxsize=256)
def _joined(values: tuple[tuple[str, str], ...]) -> str:
    """Return a recipe as text; most trials of a sweep have the same."""
    return "; ".join(f"{name}={_short(text)}" for name, text in values)


def _without(params: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): text for name, text in params.items() if name.startswith(prefix)}


def _short(text: str) -> str:
    """Return a hyperparameter as people write it: 5 for 5.0, and no more than `SIGNIFICANT` digits."""
    if text in ("True", "False"):
        return text.lower()
    try:
        return value_text(float(text), SIGNIFICANT) if len(text) > SHORT or "." in text else text
    except ValueError:
        return text


def _origins(runs: Sequence[RunDetails | None]) -> dict[str, Any]:
    tags: list[Mapping[str, str]] = [{} if run is None else run.tags for run in runs]
    return {
        "wall": [None if run is None else number(run.seconds, 1) for run in runs],
        "commit": indexed(of.get(COMMIT) for of in tags),
        "changed": [int(of.get(DIRTY, "").lower() == "true") for of in tags],
        "device": indexed(of.get("device") for of in tags),
        "versions": indexed(", ".join(f"{name} {of[name]}" for name in VERSIONS if of.get(name)) for of in tags),
        "threads": indexed(of.get("threads") for of in tags),
        "bank": indexed(of.get("bank") for of in tags),
        "attempts": indexed(of.get("attempts") for of in tags),
        "reason": indexed(_why(of) for of in tags),
    }


def _why(tags: Mapping[str, str]) -> str:
    """Return what went wrong with a run: the error that ended it, or why its training came to nothing."""
    collapsed = tags.get("collapsed", "")[:REASON_CHARACTERS]
    return _last_line(tags.get("reason", "")) or (f"collapsed: {collapsed}" if collapsed else "")


def _last_line(reason: str) -> str:
    """Return what a traceback ends with, which is the error itself."""
    lines = [line for line in reason.splitlines() if line.strip()]
    return lines[-1].strip()[:REASON_CHARACTERS] if lines else ""


def _texts(values: "pd.Series[Any]") -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in values]


def _numbers(values: "Iterable[Any]", digits: int = 4) -> list[float | int | None]:
    return [None if pd.isna(value) else number(float(value), digits) for value in values]
