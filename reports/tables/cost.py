"""What a row costs to train: time, parameters beside the student's, answers of the teacher, memory."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.board.board import Board
from reports.results.states import is_reported
from reports.tables.table import EMPTY, NONE, Cell, Number, Row, Table, Text, columns_of
from reports.tables.wording import main_label, pair_text

if TYPE_CHECKING:
    import pandas as pd

    from reports.results.results import Results

MIB = 2**20
NOTE = (
    "Means over the trainings that are in the main table. Seconds an epoch: training alone, without scoring; times can "
    "be compared where the trainings ran on like machines with like neighbours. Extra parameters: learned beside the "
    "student's, not needed by it afterwards. Teacher passes: images that the teacher answered in one training; 0 where "
    "its stored logits did. Memory: the largest in use, allocated on a GPU or of the whole process on a CPU."
)


@dataclass(frozen=True, slots=True)
class _Cost:
    """Means over the trainings of a row in a cell; None where none of them says it."""

    trainings: int
    seconds: float | None
    """Of an epoch."""
    extra_parameters: float | None
    teacher_images: float | None
    peak_memory_bytes: float | None


def build(results: "Results", board: Board) -> Table | None:
    """Return the table; None while no trial has ended."""
    students, teachers = _costs(results.trials)
    several = len(board.cells) > 1
    rows: list[list[Cell]] = []
    for column, cell in enumerate(board.cells):
        found = {}
        for place, line in enumerate(board.lines):
            is_teacher = line.kind == "teacher"
            cost = teachers.get((cell.dataset, cell.teacher)) if is_teacher else students.get((cell.id, line.row.label))
            if cost is not None:
                found[place] = cost
        reference = None if board.reference_place is None else found.get(board.reference_place)
        for place, cost in found.items():
            line = board.lines[place]
            pair: list[Cell] = [Text(text=pair_text(cell, board))] if several else []
            ratio = NONE if reference is None or line.kind == "teacher" else _ratio(cost.seconds, reference.seconds)
            numbers = [_three(cost.seconds), ratio, _whole(cost.extra_parameters), _whole(cost.teacher_images)]
            numbers += [_three(None if cost.peak_memory_bytes is None else cost.peak_memory_bytes / MIB)]
            numbers += [Number(value=line.spent[column], digits=0) if line.spent else EMPTY]
            method = Text(text=line.shown, trials=line.scores[column].trials, inside=cost.trainings)
            rows.append([*pair, method, *numbers, Number(value=cost.trainings, digits=0)])
    return _table(board, ["pair", "method"] if several else ["method"], rows) if rows else None


Costs = dict[tuple[str, str], _Cost]


def _costs(trials: "pd.DataFrame") -> tuple[Costs, Costs]:
    """Return what trainings that are in means cost by cell and row, and those of teachers by data set and network."""
    trials = trials[(trials["state"] == "COMPLETE") & (trials["status"] == "FINISHED")]
    trials = trials.assign(seconds=trials["train_seconds"] / trials["epochs"].astype("float64"))
    teachers = trials[trials["phase"] == "teacher"].drop_duplicates(["dataset", "student", "trial_key"])
    return _means(trials[is_reported(trials)], ["cell", "row"]), _means(teachers, ["dataset", "student"])


def _means(trials: "pd.DataFrame", by: list[str]) -> Costs:
    groups = trials.groupby(by, sort=False)
    means = groups[["seconds", "extra_parameters", "teacher_images", "peak_memory_bytes"]].mean()
    places = zip(means.index, groups.size(), means.itertuples(index=False), strict=True)
    return {
        place: _Cost(int(size), *(None if math.isnan(value) else float(value) for value in line))
        for place, size, line in places
    }


def _table(board: Board, names: list[str], rows: list[list[Cell]]) -> Table:
    heads = [*names, "s/epoch", f"× {board.reference}", "extra parameters", "teacher passes", "memory (MiB)"]
    heads += ["search trials", "n"]
    kept = [i for i in range(len(heads)) if i < len(names) or any(row[i] not in (EMPTY, NONE) for row in rows)]
    return Table(
        name="cost",
        title="Training cost",
        label=f"{main_label(board)}-cost",
        columns=columns_of([heads[i] for i in kept], range(len(names)), over=[0] if len(names) > 1 else ()),
        rows=tuple(Row(cells=tuple(row[i] for i in kept)) for row in rows),
        notes=(NOTE,),
    )


def _ratio(ours: float | None, theirs: float | None) -> Cell:
    return NONE if ours is None or not theirs else Number(value=ours / theirs, digits=2)


def _whole(value: float | None) -> Cell:
    return NONE if value is None else Number(value=value, digits=0)


def _three(value: float | None) -> Cell:
    """Return three significant digits, and none after the point from 100 on."""
    if value is None:
        return NONE
    size = math.floor(math.log10(value)) if value > 0 else 0
    return Number(value=value, digits=max(0, 2 - size))
