"""The tables beside the main one: statistics, best epoch, training cost."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reports import best_epochs, costs, head_to_head, statistics_sheets
from reports.head_to_head import Table
from reports.measures import TOP5
from reports.sheets import Sheet

if TYPE_CHECKING:
    from reports.results import Results


def sheets(results: "Results", table: Table) -> list[Sheet]:
    """Return those that the sweep asks for and has numbers for."""
    return list(_wanted(results, table))


def tables(results: "Results", table: Table) -> list[Table]:
    """Return further tables of rows against cells: that of top-5, where the sweep wants it and has such scores."""
    if not table.options.wants("top5"):
        return []
    found = head_to_head.build(results, TOP5)
    found = dataclasses.replace(found, options=dataclasses.replace(found.options, caption=""))  # it is the main table's
    return [found] if any(score.by_seed for line in found.lines for score in line.scores) else []


def _wanted(results: "Results", table: Table) -> Iterator[Sheet]:
    if table.options.wants("statistics"):
        yield from statistics_sheets.sheets(table)
    if table.options.wants("best_epoch") and (found := best_epochs.sheet(results, table)):
        yield found
    if table.options.wants("cost") and (found := costs.sheet(results, table)):
        yield found
