"""Tables that are too wide: which columns stand beside one another, and what stands over them."""

from collections.abc import Iterator, Sequence
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
    """Return the columns in parts with at most `most` of those that have groups, as even as can be: 4 and 3.

    Columns without groups stand in every part, and those that sum up a data set in every part that has some of it.

    Args:
        cut: whether a single group may be cut; else it stays whole, however many columns it has.
    """
    columns = table.columns
    grouped = [i for i, column in enumerate(columns) if column.groups]
    packed: list[list[int]] = [[]]
    for _, found in groupby(grouped, key=lambda i: (columns[i].scope, columns[i].groups)):
        for block in _even(list(found), most if cut else len(grouped)):
            if packed[-1] and len(grouped) > most and len(packed[-1]) + len(block) > most:
                packed.append([])
            packed[-1] += block
    plain = [i for i, column in enumerate(columns) if not column.groups and not column.sums]
    result = []
    for number, part in enumerate(packed):
        scopes = {columns[i].scope for i in part} | ({""} if number == len(packed) - 1 else set())
        sums = [i for i, column in enumerate(columns) if column.sums and column.scope in scopes]
        title = _common([columns[i] for i in part]) if len(packed) > 1 else ""
        result.append(Part((*plain, *part, *sums), title))
    return result


def _even(places: list[int], most: int) -> Iterator[list[int]]:
    """Yield the places in as few runs of at most `most` as it takes, whose lengths differ by one at most."""
    count = -(-len(places) // most)
    for number in range(count):
        start, end = (-(-len(places) * i // count) for i in (number, number + 1))
        yield places[start:end]


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
