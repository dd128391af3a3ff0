"""Tables for programs. No times, no run ids: two runs of one sweep give the same bytes."""

import csv
import io
from collections.abc import Iterable, Sequence

from reports.tables.table import Cell, Interval, Missing, Number, Records, Table, Tick, Value

DECIMALS = 4
TICKS = {True: "yes", False: "no", None: ""}


def render(*tables: Table) -> str:
    """Return the records of tables, which have the same fields; of a table without any, what its cells hold."""
    records = [_records(table) for table in tables]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(records[0].fields if records else ())
    writer.writerows([_value(value) for value in line] for of in records for line in of.lines)
    return text.getvalue()


def _value(value: Value) -> str:
    if value is None:
        return ""
    return repr(round(value, DECIMALS)) if isinstance(value, float) else guarded(str(value))


def guarded(text: str) -> str:
    """Return the text so that a spreadsheet does not take it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _records(table: Table) -> Records:
    if table.records is not None:
        return table.records
    columns: list[tuple[str, Sequence[Value]]] = []
    for i, column in enumerate(table.columns):
        columns += _columns(column.head, [row.cells[i] for row in table.rows])
    lines = zip(*(values for _, values in columns), strict=True)
    return Records(fields=tuple(head for head, _ in columns), lines=tuple(lines))


def _columns(head: str, cells: Sequence[Cell]) -> Iterable[tuple[str, Sequence[Value]]]:
    """Yield what cells hold; spreads, numbers of seeds and ends of intervals have columns of their own."""
    numbers = [cell if isinstance(cell, Number) else None for cell in cells]
    if any(isinstance(cell, Interval) for cell in cells):
        yield f"{head} low", [cell.low if isinstance(cell, Interval) else None for cell in cells]
        yield f"{head} high", [cell.high if isinstance(cell, Interval) else None for cell in cells]
        return
    yield head, [_plain(cell) for cell in cells]
    if any(cell is not None and cell.std is not None for cell in numbers):
        yield f"{head} std", [None if cell is None else cell.std for cell in numbers]
    if any(cell is not None and cell.count for cell in numbers):
        yield f"{head} n", [None if cell is None else cell.count for cell in numbers]


def _plain(cell: Cell) -> Value:
    if isinstance(cell, Number):
        return float(cell.value)
    if isinstance(cell, Interval):
        return None
    if isinstance(cell, Tick):
        return TICKS[cell.on]
    return cell.why if isinstance(cell, Missing) else cell.text
