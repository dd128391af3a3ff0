"""One HTML page with everything of a report: tables to sort and filter, figures to hover, the runs behind every cell.

It is a single file that asks nothing of any other place. `data` puts together what it shows, `document` makes the file,
`assets/` holds its template, style and script.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.head_to_head import Table
    from reports.results import Results

__all__ = ["render"]


def render(results: "Results", table: "Table") -> str:
    """Return the whole of index.html. The same results give the same text.

    Args:
        table: the head-to-head table of these results.

    Raises:
        StoreUnavailableError: curves and details of runs are read from the store, which does not answer any more.
    """
    from reports.page import data, document

    return document.render(table.name, data.payload(results, table))
