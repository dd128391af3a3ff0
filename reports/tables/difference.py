"""Differences in points: of every row from the baseline, and of the row that a table is about from those it extends."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from reports.board.board import Board, named
from reports.board.score import Score
from reports.board.verdicts import difference
from reports.results.naming import STANDARDIZE
from reports.statistics.spread import Stat
from reports.tables.table import Cell, Missing, Row, Table, Text
from reports.tables.wording import main_label, name_column, number, pair_columns, signed

if TYPE_CHECKING:
    from reports.results.results import Results

PAIRED = (
    "In points, of the two means: ± sample standard deviation of the differences by seed (number of seeds). Trials "
    "with one seed share initial weights and batch order."
)
APART = "Where two rows have other seeds: difference of the means (seeds of each), without a spread."

STOPPED = "Seeds were added until comparisons were settled: differences of rows that stopped early are too large."


def build(_: "Results", board: Board) -> Table | None:
    """Return what every row has over the baseline, in points; None without one."""
    if not board.baseline or board.reference_place is None:
        return None
    rows, base = [], board.lines[board.reference_place]
    lines = [line for line in board.lines if line.kind != "teacher" and line is not base]
    for line in lines:
        cells = [
            difference_cell(None if of is None else of.difference, score, other, base.shown, board, score.trials)
            for score, other in zip(line.scores, base.scores, strict=True)
            for of in [score.to_reference]
        ]
        rows.append(Row(cells=(Text(text=line.shown), *cells), heading=line.group if line.kind == "method" else ""))
    stats = [score.to_reference.difference for line in lines for score in line.scores if score.to_reference]
    return Table(
        name="difference",
        title=f"Difference from {board.baseline}",
        label=f"{main_label(board)}-difference",
        columns=(name_column(board), *pair_columns(board)),
        rows=tuple(rows),
        notes=(PAIRED, *apart_note(stats), *([STOPPED] if board.settling is not None else [])),
    )


def difference_cell(
    gap: Stat | None, ours: Score, theirs: Score, name: str, board: Board, trials: tuple[int, ...] = ()
) -> Cell:
    """Return what a row has over another, or why there is none.

    Args:
        name: of the other row.
        trials: that the cell opens.
    """
    if gap is None:
        why = "" if theirs.by_seed else f"{name}: {theirs.missing}"
        return Missing(why=why if ours.by_seed else ours.missing, trials=trials)
    inside = len(ours.by_seed) if trials else 0
    return number(gap, board.options.digits, signed=True, trials=trials, inside=inside)


def apart_note(stats: Iterable[Stat | None]) -> list[str]:
    """Return what a reader must know where differences are between rows of other seeds."""
    return [APART] if any(stat is not None and stat.apart for stat in stats) else []


# --- the proposal -----------------------------------------------------------------------------------------------------


def proposal_place(board: Board) -> int | None:
    """Return the place of the row that the sweep proposes; None for none."""
    line = named(board.lines, board.options.proposal)
    return None if line is None else board.lines.index(line)


def proposal_gains(board: Board, place: int) -> Iterator[tuple[Cell, ...]]:
    """Yield a name and the differences in every column: from the baseline, or the student alone where none is declared,
    then from the row that this one extends."""
    for other in dict.fromkeys((board.reference_place, _extended(board, place))):
        if other is not None and other != place:
            name = Text(text=f"Δ over {board.lines[other].shown}")
            yield (name, *(_gain(board, place, other, column) for column in range(len(board.cells))))


def _extended(board: Board, place: int) -> int | None:
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
