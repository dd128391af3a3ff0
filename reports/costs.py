"""What a row costs to train: time, parameters beside the student's, answers of the teacher, memory."""

from typing import TYPE_CHECKING

from reports.columns import NONE
from reports.head_to_head import Parts, Table, of_teacher
from reports.scores import is_reported
from reports.sheets import Sheet
from reports.wording import pair_text

if TYPE_CHECKING:
    import pandas as pd

    from reports.results import Results

MIB = 2**20
NOTE = (
    "Means over the trainings that are in the main table. Seconds an epoch: training alone, without scoring; times can "
    "be compared where the trainings ran on like machines with like neighbours. Extra parameters: learned beside the "
    "student's, not needed by it afterwards. Teacher passes: images that the teacher answered in one training; 0 where "
    "its stored logits did. Memory: the largest in use, allocated on a GPU or of the whole process on a CPU."
)


def sheet(results: "Results", table: Table) -> Sheet | None:
    """Return the table; None while no trial has ended."""
    trials = results.trials
    trials = trials[(trials["state"] == "COMPLETE") & (trials["status"] == "FINISHED")]
    teachers, parts = trials[trials["phase"] == "teacher"], Parts(trials[is_reported(trials)])
    lines = []
    for column, cell in enumerate(table.cells):
        found = {}
        for place, line in enumerate(table.lines):
            part = of_teacher(teachers, cell) if line.kind == "teacher" else parts.of(cell, line.row)
            if len(part):
                found[place] = part
        times = {place: _seconds(part) for place, part in found.items()}
        unit = None if table.reference_place is None else times.get(table.reference_place)
        for place, part in found.items():
            line = table.lines[place]
            names = [pair_text(cell, table, "→")] if len(table.cells) > 1 else []
            ratio = None if unit is None or line.kind == "teacher" else _ratio(times[place], unit)
            spent = str(line.spent[column]) if line.spent else ""
            texts = [
                _three(times[place]),
                NONE if ratio is None else f"{ratio:.2f}",
                _whole(_mean(part, "extra_parameters")),
            ]
            texts += [_whole(_mean(part, "teacher_images")), _three(_mean(part, "peak_memory_bytes", MIB))]
            lines.append((*names, line.shown, *texts, spent, str(len(part))))
    if not lines:
        return None
    return _sheet(table, lines)


def _sheet(table: Table, lines: list[tuple[str, ...]]) -> Sheet:
    several = len(table.cells) > 1
    heads = [
        "s/epoch",
        f"× {table.reference}",
        "extra parameters",
        "teacher passes",
        "memory (MiB)",
        "search trials",
        "n",
    ]
    names = [*(["pair"] if several else []), "method"]
    kept = [i for i in range(len(names) + len(heads)) if i < len(names) or _says_something(lines, i)]
    return Sheet(
        name="cost",
        title="Training cost",
        notes=(NOTE,),
        heads=tuple([*names, *heads][i] for i in kept),
        lines=tuple(tuple(line[i] for i in kept) for line in lines),
        texts=tuple(range(len(names))),
    )


def _says_something(lines: list[tuple[str, ...]], column: int) -> bool:
    return any(line[column] not in ("", NONE) for line in lines)


def _seconds(part: "pd.DataFrame") -> float | None:
    each = (part["train_seconds"] / part["epochs"].astype("float64")).dropna()
    return float(each.mean()) if len(each) else None


def _ratio(ours: float | None, theirs: float) -> float | None:
    return None if ours is None or not theirs else ours / theirs


def _mean(part: "pd.DataFrame", column: str, unit: float = 1.0) -> float | None:
    known = part[column].dropna()
    return float(known.mean()) / unit if len(known) else None


def _whole(value: float | None) -> str:
    return NONE if value is None else f"{value:,.0f}"


def _three(value: float | None) -> str:
    """Return three significant digits, and none after the point from 100 on."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"
