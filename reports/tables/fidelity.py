"""What the students learnt: likelihood and calibration, how like the teacher they answer, and where they are right."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reports.board import fidelity
from reports.board.board import Board, Line
from reports.board.fidelity import COLUMNS, Right
from reports.results.predictions import Predictions
from reports.results.sweep import dataset_facts
from reports.statistics.spread import Stat, summarise
from reports.tables.table import EMPTY, NONE, Cell, Missing, Number, Records, Table, Text, Value
from reports.tables.wording import (
    SHOWN,
    listed,
    number,
    numbers,
    numbers_of,
    p_value,
    pair_column,
    pair_text,
    shown_of,
    words,
)
from trainers.data import DataInfo
from trainers.predictions.kept import are_kept

if TYPE_CHECKING:
    from reports.results.results import Results

NOT_KEPT = "not kept at the time"
"""Before predictions were kept, or for a sweep without them: nobody can tell which."""
OFF = "predictions: off"
TOO_LARGE = "too large to be kept by default"
OF_TEACHER_NOT_KEPT = "the teacher's were not kept at the time"
HEADS = {
    "nll": "NLL",
    "ece": "ECE (%)",
    "agreement": "agreement (%)",
    "kl": "KL",
    "teacher_right": "teacher right (%)",
    "teacher_wrong": "teacher wrong (%)",
    "k": "k",
    "rank_2_to_k": "rank 2…k (%)",
    "rank_above_k": "rank > k (%)",
}
NATS = ("nll", "kl")
NAT_DIGITS = 3
OF_TEACHER = ("nll", "ece")
FIELDS = ("table", "cell", "dataset", "teacher", "student", "row", "measure", "n", "mean", "std", *SHOWN)
"""Of records, of which all tables here have the same; `measure` is a name of `COLUMNS`, `iou CLASS` or of `PAIRED`."""
PAIRED = {
    "only_row": "test images that the row alone has right, mean over the common seeds",
    "only_reference": "test images that the row it is compared with alone has right, likewise",
    "mcnemar_p": "McNemar's exact p; of n seeds the upper median, the k-th smallest, times n / k",
}
NOTE = "On the test images after the last epoch, means over the seeds of the main table"
FROM_LOGITS = ", at temperature 1, from logits kept in float16"
NOTES = {
    "nll": "NLL: negative log-likelihood of the right class, in nats.",
    "ece": "ECE: expected calibration error, over 15 equally wide bins of the largest probability.",
    "agreement": "Agreement: the same class as the teacher.",
    "kl": "KL: from the teacher's probabilities to the student's, in nats.",
    "teacher_right": "Teacher right: accuracy on the test images that the teacher has right.",
    "teacher_wrong": "Teacher wrong: accuracy on those that it has wrong.",
    "rank_2_to_k": "Rank 2…k: accuracy on those whose class the teacher ranks second to k-th.",
    "rank_above_k": "Rank > k: accuracy on those whose class it ranks behind the k-th.",
}
"""Of the columns."""
PAIRED_NOTE = (
    "Image by image, over the seeds that both rows have: test images that one alone has right, mean over seeds, and "
    "McNemar's exact two-sided p, uncorrected; of n seeds the upper median, the k-th smallest, times n / k, which "
    "holds though they answer the same images. It says whether such networks differ on such images, not whether "
    "another training would."
)


def build(results: "Results", board: Board) -> Table | None:
    """Return the table; None where no prediction was kept."""
    if not results.predictions:
        return None
    sizes, rows, lines = fidelity.group_sizes(results, board), [], list[tuple[Value, ...]]()
    for column, cell in enumerate(board.cells):
        for place, line in enumerate(board.lines):
            score = line.scores[column]
            if not score.by_seed:
                continue
            found = fidelity.by_seed(results, board, place, column)
            k = None if line.kind == "teacher" else sizes[column]
            measured = _measured(found, k)
            why = _why(results, cell.dataset, found)
            name = Text(text=line.shown, trials=score.trials, inside=len(score.by_seed))
            cells = (_cell(name, measured, line, why, board.options.digits) for name in HEADS)
            rows.append((Text(text=pair_text(cell, board)), name, *cells))
            for measure, by_seed in measured.items():
                told = numbers_of(summarise(by_seed))
                lines.append(("fidelity", *cell.names, line.row.label, measure, *told, *shown_of(line.shown, cell)))
    heads = numbers(*HEADS.values())
    known = [any(isinstance(row[2 + i], Number) for row in rows) for i in range(len(heads))]
    columns = [
        pair_column(board),
        words("method"),
        *(head if of else None for head, of in zip(heads, known, strict=True)),
    ]
    there = [name for name, of in zip(HEADS, known, strict=True) if of]
    note = " ".join([f"{NOTE}{FROM_LOGITS if 'nll' in there else ''}.", *(NOTES[n] for n in there if n in NOTES)])
    more = {"notes": (note,), "records": Records(fields=FIELDS, lines=tuple(lines))}
    return listed(board, "fidelity", "What the students learnt", columns, rows, **more)


def _measured(found: Mapping[int, Predictions], k: int | None) -> dict[str, dict[int, float]]:
    """Return measures by name and seed."""
    each = {seed: fidelity.of_one(one, k) for seed, one in found.items()}
    names = [name for name in COLUMNS if any(name in values for values in each.values())]
    return {name: {seed: values[name] for seed, values in each.items() if name in values} for name in names}


def _why(results: "Results", dataset: str, found: Mapping[int, Predictions]) -> str:
    """Return why there is no measure of a row that has scores."""
    if found:
        return "" if any(one.teacher for one in found.values()) else OF_TEACHER_NOT_KEPT
    given: Mapping[str, Any] | None = results.resolved.get("given")
    if given is None:  # several sweeps
        return NOT_KEPT
    if given.get("predictions") is False:
        return OFF
    large = given.get("predictions") is None and _is_large(dataset_facts(results.resolved).get(dataset, {}))
    return TOO_LARGE if large else NOT_KEPT


def _is_large(facts: Mapping[str, Any]) -> bool:
    try:
        return not are_kept(None, DataInfo(**facts))
    except TypeError:  # an earlier version's, or not known
        return False


def _cell(name: str, measured: Mapping[str, Mapping[int, float]], line: Line, why: str, digits: int) -> Cell:
    if name in measured:
        stat = summarise(measured[name])
        if name == "k" and stat is not None:
            return Number(value=stat.mean, digits=0)
        return NONE if stat is None else number(stat, NAT_DIGITS if name in NATS else digits)
    if line.kind == "teacher" and name not in OF_TEACHER:
        return EMPTY
    of_teacher = why == OF_TEACHER_NOT_KEPT and (line.kind == "alone" or name in OF_TEACHER)
    return NONE if of_teacher or not why else Missing(why=why)


def classes(results: "Results", board: Board) -> Table | None:
    """Return the intersection over union of each class of a segmentation; None where no prediction has it."""
    rows, lines = [], list[tuple[Value, ...]]()
    for column, cell in enumerate(board.cells):
        found = [_iou(fidelity.by_seed(results, board, place, column)) for place in range(len(board.lines))]
        for number_of in range(max((len(one) for one in found), default=0)):
            stats = [one[number_of] if one else None for one in found]
            cells = (NONE if stat is None else number(stat, board.options.digits) for stat in stats)
            rows.append((Text(text=pair_text(cell, board)), Text(text=str(number_of)), *cells))
            for line, stat in zip(board.lines, stats, strict=True):
                if stat is not None:
                    told = (f"iou {number_of}", *numbers_of(stat), *shown_of(line.shown, cell))
                    lines.append(("fidelity-classes", *cell.names, line.row.label, *told))
    columns = [pair_column(board), words("class"), *numbers(*(line.shown for line in board.lines))]
    note = "Intersection over union of each class, by its number, on the test images after the last epoch, in percent."
    more = {"notes": (note,), "records": Records(fields=FIELDS, lines=tuple(lines))}
    return listed(board, "fidelity-classes", "IoU by class", columns, rows, **more)


def _iou(found: Mapping[int, Predictions]) -> list[Stat | None]:
    each = {seed: one.iou for seed, one in found.items() if one.iou is not None}
    count = max((len(values) for values in each.values()), default=0)
    return [summarise({s: values[i] for s, values in each.items() if values[i] == values[i]}) for i in range(count)]


def paired(results: "Results", board: Board) -> Table | None:
    """Return every row image by image beside the reference; None without one, and where seeds were added until
    comparisons were settled, which are judged by that alone."""
    reference, right = board.reference_place, Right(results, board)
    if reference is None or board.settling is not None or not results.predictions:
        return None
    rows, lines = [], list[tuple[Value, ...]]()
    for column, cell in enumerate(board.cells):
        for place, line in enumerate(board.lines):
            same = line.scores[column].same_as == reference or place == reference
            found = None if same or line.kind == "teacher" else right.paired(place, reference, column)
            if found is None:
                continue
            counts = (found.only_one, found.only_other)
            few = sum(p < board.options.level for p in found.ps.values())
            rows.append(
                (
                    Text(text=pair_text(cell, board)),
                    Text(text=line.shown, trials=line.scores[column].trials, inside=len(line.scores[column].by_seed)),
                    Number(value=len(found.ps), digits=0),
                    *(Number(value=count, digits=1) for count in counts),
                    p_value(found.p) or NONE,
                    Number(value=few, digits=0),
                )
            )
            for name, value in zip(PAIRED, (*counts, found.p), strict=True):
                told = (name, len(found.ps), value, None, *shown_of(line.shown, cell))
                lines.append(("fidelity-paired", *cell.names, line.row.label, *told))
    heads = numbers(
        "n", "row alone right", f"{board.reference} alone right", "p", f"seeds with p < {board.options.level:g}"
    )
    title = f"Image by image: each row beside {board.reference}"
    more = {"notes": (PAIRED_NOTE,), "records": Records(fields=FIELDS, lines=tuple(lines))}
    return listed(board, "fidelity-paired", title, [pair_column(board), words("method"), *heads], rows, **more)
