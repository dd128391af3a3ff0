"""The table in machine form. No times, no run ids: two runs of one sweep give the same bytes."""

import csv
import io

from reports.head_to_head import Line, Table
from reports.layout import architecture
from reports.resolved import Cell
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
    "group",
    "architecture",
    "measure",
    "search_trials",
    "difference",
    "difference_p",
    "best",
    "best_difference",
    "best_p",
    "collapsed",
)
"""Contract. Accuracies in percent with at most 4 decimals; `std` of the sample, empty for one seed; `seeds` with
spaces between; names as in the sweep file, not those shown. `difference` from the baseline (else from the student
alone) and `best_difference` from the best of the column in points, their p corrected by Holm, empty without a test."""

DECIMALS = 4
P_DECIMALS = 8


def render(table: Table) -> str:
    """Return the whole of table.csv: a line for each row in each cell, teachers first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for column, cell in enumerate(table.cells):
        for place in range(len(table.lines)):
            writer.writerow([*_line(cell, table.lines[place], column), *_more(table, place, column)])
    return text.getvalue()


def _line(cell: Cell, line: Line, column: int) -> list[str]:
    score = line.scores[column]
    names = [cell.id, cell.dataset, cell.teacher, cell.student, line.row.entry, line.row.label]
    method = "teacher" if line.kind == "teacher" else line.row.method
    stat, numbers = score.stat, ["0", "", "", "", "", ""]
    if stat is not None:
        seeds = " ".join(str(seed) for seed in stat.seeds)
        numbers = [str(stat.n), *(number_text(x) for x in (stat.mean, stat.std, stat.low, stat.high)), seeds]
    texts = [setting_text(score.setting), score.missing]
    return [*(guarded(name) for name in (*names, method)), *numbers, *(guarded(text) for text in texts)]


def _more(table: Table, place: int, column: int) -> list[str]:
    """Return the columns on how a number compares with others."""
    cell, line = table.cells[column], table.lines[place]
    score = line.scores[column]
    found = (of[place][column] if of else None for of in (table.to_reference, table.to_best))
    numbers = [["", ""] if v is None else [number_text(v.contrast.mean), p_text(v.holm)] for v in found]
    return [
        guarded(line.group),
        architecture(cell).removesuffix(" architecture"),
        table.measure(cell).final.removeprefix("final_"),
        str(line.spent[column]) if line.spent else "",
        *numbers[0],
        "best" if score.best else "second" if score.second else "",
        *numbers[1],
        str(score.collapsed) if score.stat is not None else "",
    ]


def p_text(p: float | None) -> str:
    """Return a p-value with at most `P_DECIMALS`; empty for none."""
    return "" if p is None else f"{p:.{P_DECIMALS}f}".rstrip("0").rstrip(".")


def number_text(value: float | None) -> str:
    """Return a number with at most `DECIMALS`; empty for none."""
    return "" if value is None else repr(round(value, DECIMALS))


def guarded(text: str) -> str:
    """Return the text so that a spreadsheet does not take it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
