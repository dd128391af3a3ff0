"""What the page's script reads: a line a trial in the order of members.csv, how each run came about, and its curve.

It is kept small: a text stands in it once, a curve as the few numbers that an eye can tell apart.
"""

import functools
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from reports.board.board import Board
from reports.board.fidelity import Right
from reports.formats.text import content
from reports.results.results import Results, histories
from reports.results.states import TEACHER
from reports.results.sweep import Cell, Row, value_text
from reports.stores import COMMIT, DIRTY, METHOD_PREFIX, RECIPE_PREFIX, RunRecord, of_prefix
from reports.tables.searches import duration
from reports.tables.wording import p_value, pair_text

SCORES = ("test_top1", "test_miou", "val_top1", "val_miou")
"""What a curve is of: of a trial there is one of them, test scores first."""

CURVE_POINTS = 40
"""Of a curve; the first and the last epoch are always among them."""
CURVE_SCALE = 100
"""Values of a curve are kept as whole numbers of hundredths."""
MOST_CURVES = 25_000
"""In a page: about 4 MB of it."""
MOST_PAIRED = 20_000
"""Two rows image by image: about 0.5 MB."""

SIGNIFICANT = 6
"""Digits of a hyperparameter; `repeat` knows all of them."""
SHORT = 6
REASON_CHARACTERS = 300
VERSIONS = ("torch", "cuda", "python")
STATES = {
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "DIVERGED": "diverged",
    "FAIL": "failed",
    "INTERRUPTED": "interrupted",
    "RUNNING": "running",
    "WAITING": "not started",
}


def data(results: Results, board: Board) -> dict[str, Any]:
    """Return all that the script needs beside the tables."""
    drawn, left_out = curves(results)
    return {
        "digits": board.options.digits,
        "trials": columns(results, board),
        "curves": drawn,
        "curvesNote": left_out,
        "mlflow": results.mlflow,
        "paired": paired(results, board),
    }


# --- trials -----------------------------------------------------------------------------------------------------------


def columns(results: Results, board: Board) -> dict[str, Any]:
    """Return the trials with their scores, settings, and runs."""
    trials = results.trials
    runs = [results.runs.get(key) for key in trials["trial_key"]]
    lines = {line.row.label: line for line in board.lines}
    settings = _Settings(results, {label: line.row for label, line in lines.items()})
    keys, labels = trials["trial_key"].tolist(), trials["row"].tolist()
    students = trials["phase"] != TEACHER  # an entry may be called like the teacher's row
    shown = [lines[label].shown if of and label in lines else label for label, of in zip(labels, students, strict=True)]
    pairs = {cell.id: pair_text(cell, board) for cell in board.cells}
    teachers = {f"{cell.dataset}: {cell.teacher}": _teacher(cell) for cell in board.cells}
    pairs = {name: pair_text(cell, board) for name, cell in teachers.items()} | pairs
    measures = {cell.dataset: board.measure(cell).short for cell in board.cells}
    states = [STATES.get(state, state.lower()) for state in trials["state"]]
    statuses = zip(trials["status"], trials["state"], states, strict=True)
    ranks = ["" if pd.isna(rank) else f" {rank}" for rank in trials["rank"]]
    phases = trials["phase"].tolist()
    return {
        "pair": indexed(pairs.get(cell, cell) for cell in trials["cell"]),
        "measured": indexed(
            f"{'validation' if phase == 'search' else 'test'} {measures.get(dataset, 'accuracy')}"
            for phase, dataset in zip(phases, trials["dataset"], strict=True)
        ),
        "row": indexed(shown),
        "entry": indexed(label if label != name else None for label, name in zip(labels, shown, strict=True)),
        "phase": indexed(phases),
        "ranked": indexed(map("".join, zip(phases, ranks, strict=True))),
        "state": indexed(states),
        "status": indexed(told if pd.isna(status) else f"{status} (state {state})" for status, state, told in statuses),
        "seed": _numbers(trials["seed"]),
        "key": keys,
        "run": _texts(trials["run_id"]),
        "experiment": indexed(_texts(trials["experiment_id"])),
        "score": _numbers(_scores(trials, board)),
        "seconds": _numbers(trials["train_seconds"], 2),
        "training": indexed(map(_duration, trials["train_seconds"])),
        "setting": indexed(map(settings.text, keys, labels)),
        "recipe": indexed(map(settings.recipe, keys)),
        **_origins(runs),
    }


def _teacher(cell: Cell) -> Cell:
    """Return where the teacher of a cell is trained: a network without another."""
    return replace(cell, teacher="", shown_student=cell.shown_teacher)


def _scores(trials: pd.DataFrame, board: Board) -> "pd.Series[float]":
    """Return what each trial scored after its last epoch: on test images, in a search on validation images."""
    found = pd.Series(float("nan"), index=trials.index)
    for measure in board.measures:
        found = found.fillna(trials[measure.final]).fillna(trials[measure.validation])
    return found


class _Settings:
    """Hyperparameters and recipes as text; what tells a row's trials apart comes first."""

    def __init__(self, results: Results, rows: Mapping[str, Row]) -> None:
        self._results, self._rows = results, rows
        self._known: dict[tuple[int, str], str] = {}

    def text(self, key: str, label: str) -> str:
        """Return the hyperparameters of a trial; those of one configuration share the object that has them."""
        params = self._results.params(key)
        known = (id(params), label) if params else (0, "")
        if known not in self._known:
            self._known[known] = self._text(params, label)
        return self._known[known]

    def _text(self, params: Mapping[str, str], label: str) -> str:
        values = of_prefix(params, METHOD_PREFIX)
        row = self._rows.get(label)
        first = () if row is None else (*row.grid, *(str(d["name"]) for d in row.dimensions))
        names = dict.fromkeys((*(name for name in first if name in values), *sorted(values)))
        return "; ".join(f"{name}={_short(values[name])}" for name in names)

    def recipe(self, key: str) -> str:
        values = of_prefix(self._results.params(key), RECIPE_PREFIX)
        return _joined(tuple(sorted(values.items())))


@functools.lru_cache(maxsize=256)
def _joined(values: tuple[tuple[str, str], ...]) -> str:
    """Return a recipe as text; most trials of a sweep have the same."""
    return "; ".join(f"{name}={_short(text)}" for name, text in values)


def _short(text: str) -> str:
    """Return a hyperparameter as people write it: 5 for 5.0, and no more than `SIGNIFICANT` digits."""
    if text in ("True", "False"):
        return text.lower()
    try:
        return value_text(float(text), SIGNIFICANT) if len(text) > SHORT or "." in text else text
    except ValueError:
        return text


def _origins(runs: Sequence[RunRecord | None]) -> dict[str, Any]:
    tags: list[Mapping[str, str]] = [{} if run is None else run.tags for run in runs]
    return {
        "wall": indexed(None if run is None else _duration(run.seconds) for run in runs),
        "commit": indexed(of.get(COMMIT) for of in tags),
        "changed": [int(of.get(DIRTY, "").lower() == "true") for of in tags],
        "device": indexed(of.get("device") for of in tags),
        "versions": indexed(", ".join(f"{name} {of[name]}" for name in VERSIONS if of.get(name)) for of in tags),
        "threads": indexed(of.get("threads") for of in tags),
        "bank": indexed(of.get("bank") for of in tags),
        "attempts": indexed(of.get("attempts") for of in tags),
        "reason": indexed(_why(of) for of in tags),
    }


def _duration(seconds: float | None) -> str:
    return "" if seconds is None or pd.isna(seconds) else content(duration(seconds))


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


def _numbers(values: Iterable[Any], digits: int = 4) -> list[float | int | None]:
    return [None if pd.isna(value) else number(float(value), digits) for value in values]


# --- image by image ---------------------------------------------------------------------------------------------------


def paired(results: Results, board: Board) -> dict[str, Any] | None:
    """Return any two rows of a cell image by image: the number of each trial's row in its cell, and for two numbers,
    the lower first, the images that each alone has right and p. None where there is nothing of it, or too much; and
    where seeds were added until comparisons were settled, which are judged by that alone."""
    places = [place for place, line in enumerate(board.lines) if line.kind != TEACHER]
    if (
        not results.predictions
        or board.settling is not None
        or math.comb(len(places), 2) * len(board.cells) > MOST_PAIRED
    ):
        return None
    at, found, right = [-1] * len(results.trials), {}, Right(results, board)
    for column in range(len(board.cells)):
        first = column * len(board.lines)
        for place in places:
            for trial in board.lines[place].scores[column].trials:
                at[trial] = first + place
        for one, other in itertools.combinations(places, 2):
            beside = right.paired(one, other, column)
            if beside is not None:
                counts = [number(beside.only_one, 1), number(beside.only_other, 1)]
                p = p_value(beside.p)
                told = "" if p is None else f"{p.before or '= '}{p.figure}"
                found[f"{first + one}-{first + other}"] = [*counts, told]
    return {"at": at, "found": found} if found else None


# --- curves -----------------------------------------------------------------------------------------------------------


def curves(results: Results) -> tuple[dict[str, Any], str]:
    """Return the curves of the trials, line by line, as columns: the epochs of each, and its values as differences from
    the one before; and a sentence on what was left out. A single epoch is no curve."""
    known, notes = results.trials[results.trials["run_id"].notna()], []
    if len(known) > MOST_CURVES:
        known = known[known["phase"] != "search"].iloc[:MOST_CURVES]
        notes.append(f"There are too many trials for all curves to be in this page: it has {len(known):,} of them.")
    found = histories(results, SCORES, run_ids=known["run_id"].unique().tolist())
    epochs: list[tuple[int, ...] | None] = [None] * len(results.trials)
    values: list[list[int] | int] = [0] * len(results.trials)
    longest = 0
    for line, run_id in zip(known.index.tolist(), known["run_id"], strict=True):
        of = found.get(run_id, {})
        points = [one for one in next((of[name] for name in SCORES if of.get(name)), ()) if math.isfinite(one[1])]
        longest, kept = max(longest, len(points)), thinned(points, CURVE_POINTS)
        if len(kept) > 1:
            scaled = [round(value * CURVE_SCALE) for _, value in kept]
            epochs[line] = tuple(epoch for epoch, _ in kept)
            values[line] = [value - before for value, before in zip(scaled, [0, *scaled[:-1]], strict=True)]
    if longest > CURVE_POINTS:
        notes.insert(0, f"Curves are shown by {CURVE_POINTS} of their epochs.")
    return {"epochs": indexed(epochs), "values": values, "scale": CURVE_SCALE}, " ".join(notes)


def thinned(points: Sequence[tuple[int, float]], most: int) -> Sequence[tuple[int, float]]:
    """Return at most `most` of the points, evenly spread, the first and the last among them."""
    step = (len(points) - 1) / (most - 1)
    return points if len(points) <= most else [points[round(index * step)] for index in range(most)]


# --- columns ----------------------------------------------------------------------------------------------------------


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
