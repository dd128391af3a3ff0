"""How settings, names and numbers of a board read in every table."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from reports.board.board import Board
from reports.board.order import architecture, architecture_matters
from reports.board.score import Score
from reports.results.measures import TOP1, TOP5
from reports.results.sweep import Cell as Pair
from reports.statistics.settling import Standing
from reports.statistics.spread import Stat
from reports.tables.table import NONE, Cell, Column, Missing, Number, Row, Table, Value

STUDENT_ALONE = "student alone"
SHOWN = {
    "row_shown": "the row as tables show it",
    "dataset_shown": "the data set likewise",
    "teacher_shown": "the teacher likewise",
    "student_shown": "the student likewise",
}
"""Last fields of all records, with their meanings."""


def number(stat: Stat, digits: int, **more: Any) -> Number:
    """Return a mean with its spread and its number of seeds."""
    return Number(value=stat.mean, std=stat.std, count=stat.count, digits=digits, **more)


def score_cell(score: Score, digits: int, setting: str = "", *, after: str = "", **more: Any) -> Number | Missing:
    """Return what a score is printed as, with collapsed trainings counted behind it, which opens its trials; or why
    there is none."""
    stat = score.stat
    if stat is None:
        return Missing(why=score.missing, trials=score.trials, setting=setting)
    behind = {"trials": score.trials, "inside": stat.n, "lacking": score.missing, "setting": setting}
    told = [f"{score.collapsed} collapsed" if score.collapsed else "", settled_text(score.standing)]
    said = "".join(f", {text}" for text in told if text)
    return number(stat, digits, after=said + after, **behind, **more)


def settled_text(standing: Standing | None) -> str:
    """Return how a row stands to the declared one; empty where it is not compared."""
    if standing is None:
        return ""
    return f"settled after {standing.n}" if standing.settled else "open"


def signed(value: float | None, digits: int) -> Number | Missing:
    """Return a difference; None is none."""
    return NONE if value is None else Number(value=value, digits=digits, signed=True)


def numbers_of(stat: Stat | None) -> tuple[Value, ...]:
    """Return what records have of a mean: seeds, mean, deviation."""
    return (0, None, None) if stat is None else (stat.n, stat.mean, stat.std)


def shown_of(row: str, cell: Pair) -> tuple[str, ...]:
    """Return the values of `SHOWN`."""
    return (row, cell.shown_dataset, cell.shown_teacher, cell.shown_student)


def pair_text(cell: Pair, board: Board) -> str:
    """Return what a cell's column is called: the pair, with the data set before it where there are several."""
    return cell.title if board.several_datasets else cell.pair


def measure_label(cell: Pair, board: Board) -> str:
    """Return what is measured in a cell's column; empty where all columns have accuracies."""
    return "" if board.measures in ((TOP1,), (TOP5,)) else board.measure(cell).label


def measure_text(board: Board) -> str:
    """Return what the board's numbers are, in a sentence."""
    return " or ".join(measure.short for measure in board.measures)


def line_name(board: Board, place: int) -> str:
    """Return the name of a line: the shown one, with what it is for the student alone."""
    line = board.lines[place]
    return f"{line.shown} ({STUDENT_ALONE})" if line.kind == "alone" else line.shown


def name_column(board: Board) -> Column:
    """Return the column of names, beside those of pairs."""
    measured = [""] if any(measure_label(cell, board) for cell in board.cells) else []
    return Column(head="method", stacked=("Teacher", "Student", *measured), kind="text")


def pair_columns(board: Board) -> list[Column]:
    """Return a column for each cell of a board."""
    matters, measured = architecture_matters(board.cells), any(measure_label(cell, board) for cell in board.cells)
    return [
        Column(
            head=", ".join(text for text in (pair_text(cell, board), measure_label(cell, board)) if text),
            stacked=(cell.shown_teacher, cell.shown_student, *([measure_label(cell, board)] if measured else [])),
            groups=(cell.shown_dataset if board.several_datasets else "", architecture(cell) if matters else ""),
            scope=cell.dataset,
        )
        for cell in board.cells
    ]


def pair_column(board: Board) -> Column | None:
    """Return the column of pairs, where a row is in one of several; None where there is one."""
    return words("pair", over=True) if len(board.cells) > 1 else None


def columns_by_dataset(board: Board) -> dict[str, list[int]]:
    """Return the places of the cells of each data set."""
    found: dict[str, list[int]] = {}
    for column, cell in enumerate(board.cells):
        found.setdefault(cell.dataset, []).append(column)
    return found


def words(head: str, *, over: bool = False) -> Column:
    """Return a column of words."""
    return Column(head=head, kind="text", over=over)


def numbers(*heads: str) -> list[Column]:
    """Return columns of numbers."""
    return [Column(head=head) for head in heads]


def closed(caption: str) -> list[str]:
    """Return the user's own caption as a sentence; nothing for none."""
    flat = " ".join(caption.split())
    return [flat + ("" if flat.endswith((".", "!", "?")) else ".")] if flat else []


def place_text(board: Board, place: int, cell: Pair) -> str:
    """Return which row, and where there are several, in which pair."""
    shown = board.lines[place].shown
    return f"{shown}, {pair_text(cell, board)}" if len(board.cells) > 1 else shown


def listed(
    board: Board, name: str, title: str, columns: Sequence[Column | None], rows: Sequence[Sequence[Cell]], **more: Any
) -> Table | None:
    """Return a table of rows one below another, without the columns that are None; None without any row."""
    kept = {i: column for i, column in enumerate(columns) if column is not None}
    if not rows:
        return None
    return Table(
        name=name,
        title=title,
        label=f"{main_label(board)}-{name.replace('_', '-')}",
        columns=tuple(kept.values()),
        rows=tuple(Row(cells=tuple(cells[i] for i in kept)) for cells in rows),
        **more,
    )


def main_label(board: Board) -> str:
    """Return LaTeX's label of the main table; others put their name behind it."""
    return board.options.label or f"tab:{label(board.name)}"


def label(name: str) -> str:
    """Return a name as it can stand in a label: letters, digits, point and hyphen."""
    return "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "-" for c in name)


def slug(text: str) -> str:
    """Return the text as a part of a file name; with a digest where something was lost, so that no two meet."""
    plain = re.sub(r"[^a-z0-9_.]+", "-", text.lower()).strip("-.")[:80]
    readable = re.sub(r": | -> ", "-", text)
    return plain if plain == readable else f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip("-")


def p_value(p: float | None, digits: int = 4, **more: Any) -> Number | None:
    """Return a p-value with so many decimals, never as 0; None for none."""
    smallest = 10**-digits
    if p is None:
        return None
    return Number(value=max(p, smallest), digits=digits, before="<" if p < smallest else "", **more)
