"""The table in machine form. No times, no run ids: two runs of one sweep give the same bytes."""

import csv
import io

from reports.head_to_head import Line, Table
from reports.resolved import Cell
from reports.scores import Score
from reports.wording import setting_text

COLUMNS = (
    "cell",
    "dataset",
    "teacher",
    "student",
    "entry",
    "row",
    "method",
    "n",
    "mean",
    "std",
    "min",
    "max",
    "seeds",
    "setting",
    "missing",
)
"""Contract. Accuracies in percent with at most 4 decimals; `std` of the sample, empty for one seed; `seeds` with
spaces between; names as in the sweep file, not those shown."""

DECIMALS = 4


def render(table: Table) -> str:
    """Return the whole of table.csv: a line for each row in each cell, teachers first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for column, cell in enumerate(table.cells):
        for line in table.lines:
            writer.writerow(_line(cell, line, line.scores[column]))
    return text.getvalue()


def _line(cell: Cell, line: Line, score: Score) -> list[str]:
    names = [cell.id, cell.dataset, cell.teacher, cell.student, line.row.entry, line.row.label]
    method = "teacher" if line.kind == "teacher" else line.row.method
    stat, numbers = score.stat, ["0", "", "", "", "", ""]
    if stat is not None:
        seeds = " ".join(str(seed) for seed in stat.seeds)
        numbers = [str(stat.n), *(number_text(x) for x in (stat.mean, stat.std, stat.low, stat.high)), seeds]
    texts = [setting_text(score.setting), score.missing]
    return [*(guarded(name) for name in (*names, method)), *numbers, *(guarded(text) for text in texts)]


def number_text(value: float | None) -> str:
    """Return a number with at most `DECIMALS`; empty for none."""
    return "" if value is None else repr(round(value, DECIMALS))


def guarded(text: str) -> str:
    """Return the text so that a spreadsheet does not take it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
