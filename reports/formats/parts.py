"""Tables that are too wide: which columns stand beside one another, and what stands over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from reports.tables.table import Column, Table


@dataclass(frozen=True, slots=True)
class Part:
    """Columns that stand beside one another."""

    places: tuple[int, ...]
    title: str
    """What all of its groups have in common, where the table is in parts."""


def parts(table: Table, most: int, *, cut: bool = True) -> list[Part]:
    """Return the columns in parts with at most `most` of those that have groups.

    Columns without groups stand in every part; one that sums up stands where its data set ends.

    Args:
        cut: whether a single group may be cut; else it stays whole, however many columns it has.
    """
    columns = table.columns
    grouped = [i for i, column in enumerate(columns) if column.groups]
    size = most if cut else max(len(grouped), 1)
    blocks = [
        list(places)[start : start + size]
        for _, found in groupby(grouped, key=lambda i: (columns[i].scope, columns[i].groups))
        for places in [list(found)]
        for start in range(0, len(places), size)
    ]
    packed: list[list[int]] = [[]]
    for block in blocks:
        if packed[-1] and len(grouped) > most and len(packed[-1]) + len(block) > most:
            packed.append([])
        packed[-1] += block
    last = {columns[i].scope: number for number, part in enumerate(packed) for i in part}
    found = []
    for number, part in enumerate(packed):
        plain = [i for i, column in enumerate(columns) if not column.groups and not column.sums]
        sums = [i for i, c in enumerate(columns) if c.sums and last.get(c.scope, len(packed) - 1) == number]
        title = _common([columns[i] for i in part]) if len(packed) > 1 else ""
        found.append(Part((*plain, *part, *sums), title))
    return found


def _common(columns: Sequence[Column]) -> str:
    levels = zip(*(column.groups for column in columns), strict=True)
    return ", ".join(texts[0] for texts in levels if texts[0] and len(set(texts)) == 1)


def spans(columns: Sequence[Column], level: int) -> list[tuple[str, int]]:
    """Return what stands over columns at a level of their groups, with how many each is over; equal neighbours are
    one."""
    texts = (column.groups[level] if len(column.groups) > level else "" for column in columns)
    return [(text, len(list(same))) for text, same in groupby(texts)]


def heights(columns: Sequence[Column]) -> int:
    """Return in how many lines heads stand."""
    return max(len(column.stacked) for column in columns) or 1
