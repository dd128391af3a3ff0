"""Tables of results, and what formats make of them."""

import reports
from reports.formats import csv, latex, markdown, text
from reports.report import Report
from reports.tables import head_to_head
from reports.tables.table import Table


def tables(results: reports.Results) -> dict[str, Table]:
    """Every table by its name."""
    return {table.name: table for table in Report(results).tables}


def main(results: reports.Results) -> Table:
    """The main table."""
    found = head_to_head.build(results, reports.table(results))
    assert found is not None
    return found


def as_markdown(*found: Table) -> str:
    return markdown.document("title", found)


def as_latex(*found: Table) -> str:
    return latex.document("table.tex", found)


def as_csv(*found: Table) -> str:
    return csv.render(*found)


def as_text(*found: Table, width: int = 80) -> str:
    return "\n\n".join(text.render(table, width) for table in found)


def lines_of(table: Table) -> list[dict[str, str]]:
    """The rows as texts by their heads."""
    heads = [column.head for column in table.columns]
    return [dict(zip(heads, map(text.content, row.cells), strict=True)) for row in table.rows]
