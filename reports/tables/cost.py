"""What a row costs to train: time, parameters beside the student's, answers of the teacher, memory."""

import math
from typing import TYPE_CHECKING

from reports.board.board import Board, Parts, of_teacher
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


def build(results: "Results", board: Board) -> Table | None:
    """Return the table; None while no trial has ended."""
    trials = results.trials
    trials = trials[(trials["state"] == "COMPLETE") & (trials["status"] == "FINISHED")]
    teachers, parts = trials[trials["phase"] == "teacher"], Parts(trials[is_reported(trials)])
    names = ["pair", "method"] if len(board.cells) > 1 else ["method"]
    rows: list[list[Cell]] = []
    for column, cell in enumerate(board.cells):
        found = {}
        for place, line in enumerate(board.lines):
            part = of_teacher(teachers, cell) if line.kind == "teacher" else parts.of(cell, line.row)
            if len(part):
                found[place] = part
        times = {place: _seconds(part) for place, part in found.items()}
        unit = None if board.reference_place is None else times.get(board.reference_place)
        for place, part in found.items():
            line = board.lines[place]
            pair: list[Cell] = [Text(text=pair_text(cell, board))] if len(names) > 1 else []
            ratio = None if not unit or line.kind == "teacher" else _ratio(times[place], unit)
            spent = Number(value=line.spent[column], digits=0) if line.spent else EMPTY
            numbers = [_three(times[place]), ratio or NONE, _whole(_mean(part, "extra_parameters"))]
            numbers += [_whole(_mean(part, "teacher_images")), _three(_mean(part, "peak_memory_bytes", MIB)), spent]
            method = Text(text=line.shown, trials=line.scores[column].trials, inside=len(part))
            rows.append([*pair, method, *numbers, Number(value=len(part), digits=0)])
    return _table(board, names, rows) if rows else None


def _table(board: Board, names: list[str], rows: list[list[Cell]]) -> Table:
    heads = [*names, "s/epoch", f"× {board.reference}", "extra parameters", "teacher passes", "memory (MiB)"]
    heads += ["search trials", "n"]
    kept = [i for i in range(len(heads)) if i < len(names) or any(row[i] not in (EMPTY, NONE) for row in rows)]
    return Table(
        name="cost",
        title="Training cost",
        label=f"{main_label(board)}-cost",
        columns=columns_of([heads[i] for i in kept], range(len(names))),
        rows=tuple(Row(cells=tuple(row[i] for i in kept)) for row in rows),
        notes=(NOTE,),
    )


def _seconds(part: "pd.DataFrame") -> float | None:
    each = (part["train_seconds"] / part["epochs"].astype("float64")).dropna()
    return float(each.mean()) if len(each) else None


def _ratio(ours: float | None, theirs: float) -> Number | None:
    return None if ours is None else Number(value=ours / theirs, digits=2)


def _mean(part: "pd.DataFrame", column: str, unit: float = 1.0) -> float | None:
    known = part[column].dropna()
    return float(known.mean()) / unit if len(known) else None


def _whole(value: float | None) -> Cell:
    return NONE if value is None else Number(value=value, digits=0)


def _three(value: float | None) -> Cell:
    """Return three significant digits, and none after the point from 100 on."""
    if value is None:
        return NONE
    size = math.floor(math.log10(value)) if value > 0 else 0
    return Number(value=value, digits=max(0, 2 - size))
