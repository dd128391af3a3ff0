"""How settings, names and numbers of a board read in every table."""

from typing import Any

from reports.board.board import Board
from reports.board.order import architecture, architecture_matters
from reports.results.measures import TOP1, TOP5
from reports.results.sweep import Cell
from reports.statistics.spread import Stat
from reports.tables.table import Column, Number

ALONE = "student alone"
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


def shown_of(row: str, cell: Cell) -> tuple[str, ...]:
    """Return the values of `SHOWN`."""
    return (row, cell.shown_dataset, cell.shown_teacher, cell.shown_student)


def pair_text(cell: Cell, board: Board) -> str:
    """Return what a cell's column is called: the pair, with the data set before it where there are several."""
    return cell.title if board.several_datasets else cell.pair


def measure_label(cell: Cell, board: Board) -> str:
    """Return what is measured in a cell's column; empty where all columns have accuracies."""
    return "" if board.measures in ((TOP1,), (TOP5,)) else board.measure(cell).label


def measure_text(board: Board) -> str:
    """Return what the board's numbers are, in a sentence."""
    return " or ".join(measure.short for measure in board.measures)


def line_name(board: Board, place: int) -> str:
    """Return the name of a line: the shown one, with what it is for the student alone."""
    line = board.lines[place]
    return f"{line.shown} ({ALONE})" if line.kind == "alone" else line.shown


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


def main_label(board: Board) -> str:
    """Return LaTeX's label of the main table; others put their name behind it."""
    return board.options.label or f"tab:{label(board.name)}"


def label(name: str) -> str:
    """Return a name as it can stand in a label: letters, digits, point and hyphen."""
    return "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "-" for c in name)


def p_value(p: float | None, digits: int = 4, **more: Any) -> Number | None:
    """Return a p-value with so many decimals, never as 0; None for none."""
    smallest = 10**-digits
    if p is None:
        return None
    return Number(value=max(p, smallest), digits=digits, before="<" if p < smallest else "", **more)
