"""What every row has over the baseline, in points."""

from typing import TYPE_CHECKING

from reports.board.board import Board
from reports.board.differences import notes, why_none
from reports.tables.table import Cell, Missing, Row, Table, Text
from reports.tables.wording import main_label, name_column, number, pair_columns

if TYPE_CHECKING:
    from reports.results.results import Results

PAIRED = (
    "In points, of the two means: ± sample standard deviation of the differences by seed (number of seeds). Trials "
    "with one seed share initial weights and batch order."
)


def build(_: "Results", board: Board) -> Table | None:
    """Return what every row has over the baseline, in points; None without one."""
    if not board.baseline or board.reference_place is None:
        return None
    rows, stats, base = [], [], board.lines[board.reference_place]
    for place, line in enumerate(board.lines):
        if line.kind == "teacher" or place == board.reference_place:
            continue
        cells: list[Cell] = [Text(text=line.shown)]
        for column, verdict in enumerate(board.to_reference[place] if board.to_reference else ()):
            score = line.scores[column]
            if verdict is None:
                cells.append(Missing(why=why_none(score, base.scores[column], base.shown), trials=score.trials))
                continue
            stats.append(verdict.difference)
            cells.append(
                number(stats[-1], board.options.digits, signed=True, trials=score.trials, inside=len(score.by_seed))
            )
        rows.append(Row(cells=tuple(cells), heading=line.group if line.kind == "method" else ""))
    return Table(
        name="difference",
        title=f"Difference from {board.baseline}",
        label=f"{main_label(board)}-difference",
        columns=(name_column(board), *pair_columns(board)),
        rows=tuple(rows),
        notes=(PAIRED, *notes(stats)),
    )
