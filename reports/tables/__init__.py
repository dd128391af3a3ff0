"""Tables: a file builds one kind from results and a board; `ALL` is what a report can have, in its order."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from reports.board.board import Board
from reports.tables import best_epoch, cost, head_to_head, searches, statistics
from reports.tables.table import Table

if TYPE_CHECKING:
    from reports.results.results import Results

Builder = Callable[["Results", Board], Table | None]

ALL: tuple[tuple[str, Builder], ...] = (
    ("head_to_head", head_to_head.build),
    ("search", searches.build),
    ("head_to_head", head_to_head.difference),
    ("top5", head_to_head.top5),
    ("statistics", statistics.build),
    ("statistics", statistics.best),
    ("statistics", statistics.pairs),
    ("best_epoch", best_epoch.build),
    ("cost", cost.build),
)
"""By the names that `report.tables` chooses by."""


def build(results: "Results", board: Board) -> Iterator[Table]:
    """Yield the tables that the sweep asks for and has numbers for."""
    for option, builder in ALL:
        if board.options.wants(option):
            found = builder(results, board)
            if found is not None:
                yield found
