"""Tables as plain text, for a terminal: in blocks of as many columns as fit beside one another."""

import textwrap
from collections.abc import Iterator, Sequence

from reports.formats.footnotes import Footnotes
from reports.formats.parts import heights, parts
from reports.tables.table import DIFFERS, LOWER, Cell, Column, Interval, Missing, Number, Table, Tick

GAP = "  "
NAME_WIDTH = 32
"""Of the first column."""
MOST_PAIRS = 1_000_000
WORDS = {"best": "^", "second": "'", LOWER: LOWER, DIFFERS: DIFFERS}
LISTED = "- "
TICKS = {True: "✓", False: "", None: "–"}


def render(table: Table, width: int = 80, title: str = "") -> str:
    """Return the table in at most `width` columns where it can, with its notes.

    Args:
        title: stands over it; by default its own.
    """
    footnotes = Footnotes()
    (part,) = parts(table, MOST_PAIRS)
    columns = [_Column(table, i, footnotes) for i in part.places]
    wordy = [column for column in columns[1:] if column.is_text]
    if len(wordy) > 1 and sum(len(GAP) + column.width for column in columns) > width:
        found = ["\n".join(_listed(columns, width))]
    else:
        found = [_block(columns[:1], some) for some in _fitting(columns, width)]
    listed = "\n".join(
        textwrap.fill(text, width, initial_indent=LISTED, subsequent_indent=" " * len(LISTED))
        for text in (table.explained(WORDS), *table.notes)
        if text
    )
    explained = "\n".join(textwrap.fill(line, width, subsequent_indent="    ") for line in footnotes.lines())
    return "\n\n".join(
        filter(None, [title or table.title, *found, explained, textwrap.fill(table.caption, width), listed])
    )


class _Column:
    """A column with its texts, as wide as the widest of them."""

    def __init__(self, table: Table, place: int, footnotes: Footnotes) -> None:
        column = table.columns[place]
        cells = [row.cells[place] for row in table.rows]
        self.name = column.head
        self.is_text = column.kind == "text"
        numbers = [cell for cell in cells if isinstance(cell, Number)]
        marked, claims = any(n.mark for n in numbers), max((len(n.claims) for n in numbers), default=0)
        self.texts = [_text(cell, footnotes) for cell in cells]
        behind = [_marks(cell, marked=marked, claims=claims) for cell in cells]
        self.room = len(behind[0]) if behind else 0
        limit = NAME_WIDTH if place == 0 else max(map(len, self.texts), default=0)
        self.lines = [cut(text, limit) + mark for text, mark in zip(self.texts, behind, strict=True)]
        heads = _head(column, max(map(len, self.lines), default=0))
        self.heads = [*[""] * (_height(table) - len(heads)), *(text + " " * self.room for text in heads)]
        self.width = max(map(len, [*self.heads, *self.lines]))

    def shown(self) -> list[str]:
        """Return heads and lines, all of one width."""
        aligned = (text.ljust if self.is_text else text.rjust for text in [*self.heads, *self.lines])
        return [align(self.width) for align in aligned]


def _height(table: Table) -> int:
    return max([heights(table.columns), *(len(_head(column, 0)) for column in table.columns)])


def _head(column: Column, room: int) -> list[str]:
    """Return what stands over a column, its data set or group on top."""
    if column.stacked:
        return [*(text for text in column.groups[:1] if text), *column.stacked]
    longest = max(map(len, column.head.split()), default=1)
    return textwrap.wrap(column.head, max(len(column.head) // 2, longest, 8)) or [""]


def _fitting(columns: Sequence[_Column], width: int) -> Iterator[list[_Column]]:
    """Yield the columns of each block but the first, which is in all: as many as fit, at least one."""
    block: list[_Column] = []
    used = columns[0].width
    for column in columns[1:]:
        needed = len(GAP) + column.width
        if block and used + needed > width:
            yield block
            block, used = [], columns[0].width
        block.append(column)
        used += needed
    yield block


def _block(first: Sequence[_Column], others: Sequence[_Column]) -> str:
    columns = [*first, *others]
    found = [GAP.join(texts).rstrip() for texts in zip(*(column.shown() for column in columns), strict=True)]
    heads = len(columns[0].heads)
    found = [line for i, line in enumerate(found) if line or i >= heads]
    heads -= len(columns[0].heads) + len(columns[0].lines) - len(found)
    rule = "-" * (sum(column.width for column in columns) + len(GAP) * (len(columns) - 1))
    return "\n".join([*found[:heads], rule, *found[heads:]])


def _listed(columns: Sequence[_Column], width: int) -> Iterator[str]:
    """Yield rows that are too long for columns as sentences."""
    for i, name in enumerate(columns[0].texts):
        told = "; ".join(f"{column.name} {column.texts[i]}" for column in columns[1:] if column.texts[i])
        yield textwrap.fill(f"{name}: {told}", width, initial_indent="  ", subsequent_indent="    ")


def _marks(cell: Cell, *, marked: bool, claims: int) -> str:
    """Return what stands behind a number: as wide for every cell of a column."""
    if not isinstance(cell, Number):
        return " " * (marked + claims)
    return (WORDS.get(cell.mark, " ") if marked else "") + "".join(cell.claims).ljust(claims)


def _text(cell: Cell, footnotes: Footnotes) -> str:
    return " ".join([content(cell), *footnotes.of(cell)]).strip()


def content(cell: Cell) -> str:
    """Return a cell in plain text, without marks."""
    if isinstance(cell, Number):
        spread = f" ± {cell.spread}" if cell.spread else ""
        count = f" ({cell.count})" if cell.count else ""
        return f"{cell.before}{cell.sign}{cell.figure}{spread}{count}{cell.after}"
    if isinstance(cell, Interval):
        return "[{}, {}]".format(*(end.sign + end.figure for end in cell.ends))
    if isinstance(cell, Missing):
        return cell.why or "–"
    return TICKS[cell.on] if isinstance(cell, Tick) else " ".join(cell.text.split())


def cut(text: str, width: int) -> str:
    """Return the text in `width` characters; the middle goes, for rows of one entry differ at the end."""
    tail = width // 3
    return text if len(text) <= width else f"{text[: width - tail - 1]}…{text[-tail:]}"
