"""One HTML page with everything of a report: tables to sort and filter, figures to hover, the runs behind every cell.

It is a single file that asks nothing of any other place. `data` puts together what it shows, `document` makes the file,
`assets/` holds its template, style and script.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.head_to_head import Table
    from reports.plots import Plot
    from reports.results import Results
    from reports.sheets import Sheet

__all__ = ["render"]


def render(
    results: "Results",
    table: "Table",
    sheets: "Sequence[Sheet]" = (),
    tables: "Sequence[Table]" = (),
    plots: "Sequence[Plot]" = (),
) -> str:
    """Return the whole of index.html. The same results give the same text.

    Args:
        table: the head-to-head table of these results.
        sheets: further tables.
        tables: further tables of rows against cells, each with one measure.
        plots: the figures of the report; the page draws some kinds of them anew.

    Raises:
        StoreUnavailableError: curves and details of runs are read from the store, which does not answer any more.
    """
    from reports.page import data, document

    return document.render(table.name, data.payload(results, table, sheets, tables, plots))
