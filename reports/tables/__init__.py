"""Tables: a file builds one kind from results and a board; `ALL` is what a report can have, in its order."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from reports.board.board import Board
from reports.board.order import DIFFERENT
from reports.tables import best_epoch, cost, difference, fidelity, head_to_head, searches, settled, statistics
from reports.tables.table import Table

if TYPE_CHECKING:
    from reports.results.results import Results

Builder = Callable[["Results", Board], Table | None]

ALL: tuple[tuple[str, Builder], ...] = (
    ("head_to_head", head_to_head.build),
    ("search", searches.build),
    ("head_to_head", difference.build),
    ("top5", head_to_head.top5),
    ("statistics", settled.build),
    ("statistics", statistics.build),
    ("statistics", statistics.best),
    ("statistics", statistics.pairs),
    ("best_epoch", best_epoch.build),
    ("cost", cost.build),
    ("fidelity", fidelity.build),
    ("fidelity", fidelity.classes),
    ("fidelity", fidelity.paired),
)
"""By the names that `report.tables` chooses by."""
BY_PART = (head_to_head.build, difference.build, head_to_head.top5)
"""Those that pairs of one architecture and of two have tables of their own of."""


def build(results: "Results", board: Board) -> Iterator[Table]:
    """Yield the tables that the sweep asks for and has numbers for."""
    for option, builder in ALL:
        if board.options.wants(option):
            own = head_to_head.board_of_top5(results, board) if builder is head_to_head.top5 else board
            for part in own.parts() if builder in BY_PART else [own]:
                found = builder(results, part)
                if found is not None:
                    yield of_part(found, part)


def main(results: "Results", board: Board) -> list[Table]:
    """Return the main table, or one of pairs of one architecture and one of two."""
    return [of_part(head_to_head.build(results, part), part) for part in board.parts()]


def of_part(table: Table, board: Board) -> Table:
    """Return a table of a part of a board by a name and a title of its own."""
    suffix = "-cross" if board.part == DIFFERENT else ""
    title = f"{table.title}, {board.part}" if board.part else table.title
    return replace(table, name=table.name + suffix, title=title, label=table.label + suffix)
