"""The row that a table is about: what it has over the baseline and over the row that it extends."""

from collections.abc import Iterator

from reports.board.board import Board, named
from reports.board.verdicts import difference
from reports.results.naming import STANDARDIZE
from reports.tables.table import Cell, Text
from reports.tables.wording import signed


def place_of(board: Board) -> int | None:
    """Return the place of the row that the sweep proposes; None for none."""
    line = named(board.lines, board.options.proposal)
    return None if line is None else board.lines.index(line)


def gains(board: Board, place: int) -> Iterator[tuple[Cell, ...]]:
    """Yield a name and the differences in every column: from the baseline, or the student alone where none is declared,
    then from the row that this one extends."""
    for other in dict.fromkeys((board.reference_place, extended(board, place))):
        if other is not None and other != place:
            name = Text(text=f"Δ over {board.lines[other].shown}")
            yield (name, *(_gain(board, place, other, column) for column in range(len(board.cells))))


def extended(board: Board, place: int) -> int | None:
    """Return the row that this one extends: of one with standardized logits the same method without, of a combination
    the largest part of it that is a row; None for none."""
    ours = board.lines[place]
    parts = ours.row.method.split("+")
    found: list[tuple[int, int]] = []
    for i, line in enumerate(board.lines):
        theirs = line.row.method.split("+")
        if line.kind != "method" or line.row.hyperparameters.get(STANDARDIZE):
            continue
        if ours.row.hyperparameters.get(STANDARDIZE):
            found += [(0, i)] if theirs == parts and line.searched == ours.searched else []
        elif set(theirs) < set(parts):
            found.append((-len(theirs) * len(parts) + parts.index(theirs[0]), i))
    return min(found)[1] if found else None


def _gain(board: Board, place: int, other: int, column: int) -> Cell:
    gap = difference(*(board.lines[i].scores[column].by_seed for i in (place, other)))
    return signed(None if gap is None else gap.mean, board.options.digits)
