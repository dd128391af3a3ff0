"""What a row costs to train: time, parameters beside the student's, answers of the teacher, memory."""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from reports.board.board import Board
from reports.results.states import TEACHER, is_reported
from reports.stores import METHOD_PREFIX, RECIPE_PREFIX, of_prefix
from reports.tables.table import EMPTY, NONE, Cell, Number, Table, Text
from reports.tables.wording import listed, numbers, pair_column, pair_text, words
from trainers.methods import methods
from trainers.training.steps.loss_parts import loss_parts
from trainers.trials.recipe import Optimizer, Recipe

if TYPE_CHECKING:
    import pandas as pd

    from reports.results.results import Results

MIB = 2**20
PASSES = ("forward", "backward")
"""Through the student, in a step."""
MEANS = ["seconds", "extra_parameters", "teacher_images", "peak_memory_bytes", "forward", "backward"]
"""Columns of the trials that means are of; seconds are of an epoch."""
NOTE = (
    "Means over the trainings that are in the main table. Seconds an epoch: training alone, without scoring; times can "
    "be compared where the trainings ran on like machines with like neighbours. Extra parameters: learned beside the "
    "student's, not needed by it afterwards. Teacher passes: images that the teacher answered in one training; 0 where "
    "its stored logits did. Memory: the largest in use, allocated on a GPU or of the whole process on a CPU."
)


def build(results: "Results", board: Board) -> Table | None:
    """Return the table; None while no trial has ended."""
    trials = results.trials
    trials = trials[(trials["state"] == "COMPLETE") & (trials["status"] == "FINISHED")]
    trials = trials.assign(
        seconds=trials["train_seconds"] / trials["epochs"].astype("float64"),
        **{name: [float(passes[name]) for passes in _passes(results, trials["trial_key"])] for name in PASSES},
    )
    several = {name: bool((trials[name] > 1).any()) for name in PASSES}
    teachers = trials[trials["phase"] == TEACHER].drop_duplicates(["dataset", "student", "trial_key"])
    of_teachers = _means(teachers, ["dataset", "student"])
    of_students = _means(trials[is_reported(trials)], ["cell", "row"])
    rows: list[tuple[Cell, ...]] = []
    for column, cell in enumerate(board.cells):
        found = {}
        for place, line in enumerate(board.lines):
            is_teacher = line.kind == "teacher"
            own = (
                of_teachers.get((cell.dataset, cell.teacher))
                if is_teacher
                else of_students.get((cell.id, line.row.label))
            )
            if own is not None:
                found[place] = own
        reference = {} if board.reference_place is None else found.get(board.reference_place, {})
        for place, means in found.items():
            line, trainings = board.lines[place], int(means["trainings"])
            theirs = math.nan if line.kind == "teacher" else reference.get("seconds") or math.nan
            rows.append(
                (
                    Text(text=pair_text(cell, board)),
                    Text(text=line.shown, trials=line.scores[column].trials, inside=trainings),
                    _number(means["seconds"]),
                    _number(means["seconds"] / theirs, 2),
                    *(Number(value=means[name], digits=0) if several[name] else EMPTY for name in PASSES),
                    _number(means["extra_parameters"], 0),
                    _number(means["teacher_images"], 0),
                    _number(means["peak_memory_bytes"] / MIB),
                    Number(value=line.spent[column], digits=0) if line.spent else EMPTY,
                    Number(value=trainings, digits=0),
                )
            )
    heads = [
        "s/epoch",
        f"× {board.reference}",
        *(f"{name} passes" for name in PASSES),
        "extra parameters",
        "teacher passes",
        "memory (MiB)",
        "search trials",
    ]
    columns = [pair_column(board), words("method"), *numbers(*heads, "n")]
    empty = [all(row[i] in (EMPTY, NONE) for row in rows) for i in range(len(columns))]
    kept = [None if blank else column for column, blank in zip(columns, empty, strict=True)]
    needed = (
        f"What {line.shown} learns beside the student is needed afterwards: {line.row.inference}."
        for line in board.lines
        if line.row.inference
    )
    return listed(board, "cost", "Training cost", kept, rows, notes=(NOTE, *needed))


def _passes(results: "Results", keys: Iterable[str]) -> list[Mapping[str, int]]:
    return [_passes_of(results.params(key)) for key in keys]


def _passes_of(params: Mapping[str, str]) -> Mapping[str, int]:
    """Return how often a step went through the student, once for each view of an image, and back: once for each part of
    the loss with a momentum of its own; 1 where that is not recorded."""
    method = methods().get(params.get("method", ""))
    if method is None:
        return dict.fromkeys(PASSES, 1)
    told, fields = of_prefix(params, METHOD_PREFIX), method.fields()
    own = {one.name: one.type(told[one.name]) for one in fields if one.type in (str, float) and one.name in told}
    named = params.get(f"{RECIPE_PREFIX}optimizer")
    optimizer: Any = named if named in get_args(Optimizer) else "sgd"
    recipe = Recipe(epochs=1, batch_size=1, learning_rate=1.0, optimizer=optimizer)
    values = {**method.defaults(), **own}
    return {"forward": 1 + method.sees_strong(values), "backward": max(1, len(loss_parts(recipe, method, values)))}


def _means(trials: "pd.DataFrame", by: list[str]) -> dict[Any, dict[Any, float]]:
    groups = trials.groupby(by, sort=False)
    return groups[MEANS].mean().assign(trainings=groups.size()).to_dict("index")


def _number(value: float, digits: int | None = None) -> Cell:
    """Return a number, by default with three significant digits, and none after the point from 100 on; NaN is none."""
    if math.isnan(value):
        return NONE
    size = math.floor(math.log10(value)) if value > 0 else 0
    return Number(value=value, digits=max(0, 2 - size) if digits is None else digits)
