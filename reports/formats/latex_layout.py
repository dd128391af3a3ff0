r"""How wide a table in LaTeX is, estimated before it is set: what stands beside what, in which size, and what wraps.

Lengths are in em of the table's font, those of a page in em of 10 points; estimated for Computer Modern, so that in
Times there is room to spare. Nothing is smaller than \scriptsize.
"""

import functools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from reports.formats.parts import Part, parts
from reports.tables.table import Cell, Column, Interval, Missing, Number, Table, Tick

PAGE, PAGE_LINES = 49.5, 54
"""Both columns of a two-column paper: 7 inches less a margin for the estimate; lines beside caption and notes."""
NARROW_PAGE, NARROW_LINES = 32.5, 40
"""The text of a one-column paper: article's, the narrowest of those in use."""
COLUMN = 22.5
"""One column of two."""
SPREAD_BELOW = 20.0
"""A narrower table takes the whole column, so that its notes have room."""
MOST_NAME = 11.0
"""Of a column of names beside pairs; longer ones wrap."""
SHORT_REASON = 12
"""Characters of a reason that stand in a cell; longer ones stand below."""
LEAST_TEXT = 7.0
"""Of a column of words that wraps; narrower ones do not."""
SMALLEST = 0.91
"""Of the em that a line of words is reckoned to have: those of Computer Modern's small sizes are wider."""
SLACK = 0.4
"""Beside words that wrap, for the estimate of everything else."""
RAGGED = 0.8
"""What a line of words that wrap leaves free at its end."""
SCRIPT = 7 / 8
r"""Of \scriptsize beside \footnotesize."""

LATEST = "\u2fff"
"""What comes after it is printed as its number."""
WIDTHS = dict.fromkeys("ijlt.,:;'!|()[]f I-", 0.34) | dict.fromkeys("mwMW…→±×%@–—+<>=≤≥Δ", 0.95)


@dataclass(frozen=True, slots=True)
class Size:
    """A size of type, with the space beside a column in points."""

    name: str
    points: float
    space: float


SIZES = (Size("footnotesize", 8, 5), Size("footnotesize", 8, 3), Size("scriptsize", 7, 2.5))
"""The largest that fits is taken."""


@functools.lru_cache(maxsize=4096)
def em(text: str) -> float:
    """Return how wide a text is."""
    return sum(WIDTHS.get(c) or (4.5 if c > LATEST else 0.72 if c.isupper() else 0.53) for c in text)


def number_widths(cell: Number, table: Table, size: Size) -> tuple[float, float]:
    """Return how wide a number is, and what stands behind it."""
    text = em(f"{cell.before}{'+' if cell.sign else ''}{cell.figure}") * (1.13 if cell.mark == "best" else 1.0)
    small = SCRIPT if size.name == "footnotesize" else 1.0
    count = "" if cell.count in ("", str(table.usual_n)) else f" ({cell.count})"
    spread = 1.3 + em(cell.spread) if cell.spread else 0.0
    notes = 1.5 * len(cell.notes)
    return text, small * (spread + em(count + cell.after)) + 0.45 * len(cell.claims) + notes


def is_double(table: Table, place: int) -> bool:
    """Return whether a column has numbers with something behind them, which take two of LaTeX's columns."""
    numbers = (row.cells[place] for row in table.rows if isinstance(row.cells[place], Number))
    return any(isinstance(n, Number) and bool(n.spread or n.claims or n.count) for n in numbers)


def _width(cell: Cell) -> float:
    if isinstance(cell, Interval):
        return 1.0 + sum(em(f"+{end.figure}") for end in cell.ends)
    if isinstance(cell, Missing):
        return em(cell.why) if len(cell.why) <= SHORT_REASON else 2.0
    return 0.8 if isinstance(cell, Tick) else em(getattr(cell, "text", "")) + 1.5 * len(getattr(cell, "notes", ()))


def content_width(table: Table, place: int, size: Size) -> float:
    """Return how wide what stands below a head is."""
    cells = [row.cells[place] for row in table.rows]
    numbers = [number_widths(cell, table, size) for cell in cells if isinstance(cell, Number)]
    double = max((a for a, _ in numbers), default=0.0) + max((b for _, b in numbers), default=0.0)
    return max([double, *(_width(cell) for cell in cells if not isinstance(cell, Number))])


def head_lines(text: str, column: Column, content: float) -> list[str]:
    """Return a head in lines: as few as make it about as narrow as what stands below."""
    limit = max(content, 6.0 if column.stacked else 3.0)
    lines: list[str] = []
    for word in re.split(r"\s+|(?<=\w–)(?=\w)", text.strip()):
        pieces = [word[i : i + 18] for i in range(0, len(word), 18)] if len(word) > 24 else [word]
        for piece in pieces:
            space = "" if lines and f"{lines[-1]}{piece}" in text else " "
            if lines and em(f"{lines[-1]}{space}{piece}") <= limit:
                lines[-1] += f"{space}{piece}"
            else:
                lines.append(piece)
    return lines or [""]


@dataclass(frozen=True)
class Layout:
    """One way to set a table."""

    table: Table
    size: Size
    parts: tuple[Part, ...]
    most_lines: int
    """Of one tabular, so that it fits on a page."""

    @cached_property
    def slots(self) -> tuple[tuple[int | None, ...], ...]:
        """Of each part its columns, those of parts under one another; None where a part has no such column."""
        columns = self.table.columns
        kinds = [[[i for i in part.places if which == _kind(columns[i])] for which in range(4)] for part in self.parts]
        most = [max(len(kind[which]) for kind in kinds) for which in range(4)]
        return tuple(
            tuple(place for which in range(4) for place in (*kind[which], *[None] * (most[which] - len(kind[which]))))
            for kind in kinds
        )

    @cached_property
    def doubles(self) -> tuple[bool, ...]:
        """Whether what stands in a slot takes two of LaTeX's columns."""
        return tuple(
            any(i is not None and is_double(self.table, i) for i in of) for of in zip(*self.slots, strict=True)
        )

    @cached_property
    def widths(self) -> tuple[float, ...]:
        """Of the slots, where nothing wraps."""
        return tuple(max(self._natural(i) for i in of if i is not None) for of in zip(*self.slots, strict=True))

    def _natural(self, place: int) -> float:
        column, content = self.table.columns[place], content_width(self.table, place, self.size)
        texts = column.stacked or (column.head,)
        small = SCRIPT if self.size.name == "footnotesize" else 1.0
        heads = [em(line) for text in texts for line in head_lines(text, column, content)]
        return max(content, *(width if width <= content else width * small for width in heads))

    @cached_property
    def paired(self) -> bool:
        """Whether there are columns of pairs."""
        return any(column.groups for column in self.table.columns)

    @property
    def spread(self) -> bool:
        """Whether it is so narrow that it takes a whole column."""
        return not self.shares and self.width <= SPREAD_BELOW

    @property
    def _spaces(self) -> float:
        return 2 * self.size.space * (len(self.widths) - 1) / self.size.points

    @cached_property
    def texts(self) -> tuple[float | None, ...]:
        """Of the slots that wrap beside pairs, how wide they are; None for others."""
        found = []
        for slot, width in enumerate(self.widths):
            wraps = self.paired and self.is_text(slot) and width > MOST_NAME
            found.append(MOST_NAME if wraps else None)
        return tuple(found)

    def is_text(self, slot: int) -> bool:
        """Return whether a slot holds words."""
        places = (of[slot] for of in self.slots)
        return any(i is not None and self.table.columns[i].kind == "text" for i in places)

    @cached_property
    def whole(self) -> float:
        """How wide it is where nothing but names beside pairs wraps."""
        widths = [width if cap is None else cap for width, cap in zip(self.widths, self.texts, strict=True)]
        return sum(widths) + self._spaces

    @cached_property
    def width(self) -> float:
        """The same in em of 10 points."""
        return self.whole * self.size.points / 10

    @cached_property
    def shares(self) -> dict[int, float]:
        """By slot, of words that wrap where a table without pairs is too wide: their share of what room is left when
        each has the least."""
        if self.paired or self.width <= NARROW_PAGE:
            return {}
        words = {slot: width for slot, width in enumerate(self.widths) if self.is_text(slot)}
        wrapping = {slot: min(width, 30.0) - LEAST_TEXT for slot, width in words.items() if width > LEAST_TEXT}
        total = sum(wrapping.values())
        return {slot: width / total for slot, width in wrapping.items()}

    @cached_property
    def fixed(self) -> float:
        """How wide everything is with the least of words that wrap."""
        plain = sum(width for slot, width in enumerate(self.widths) if slot not in self.shares)
        return plain + self._spaces + (LEAST_TEXT * len(self.shares) + SLACK if self.shares else 0)

    @property
    def least(self) -> float:
        """How wide it is at least, in em of 10 points."""
        return self.fixed * self.size.points / 10 if self.shares else self.width

    def room(self, slot: int) -> float | None:
        """Return how wide the words in a slot may be; None where they do not wrap."""
        if slot in self.shares:
            line = SMALLEST * NARROW_PAGE * 10 / self.size.points
            return max(1.0, LEAST_TEXT + (line - self.fixed) * self.shares[slot])
        return self.texts[slot]

    def lines_of(self, cells: Sequence[Cell], slots: Sequence[int | None]) -> int:
        """Return in how many lines a row stands."""
        rooms = [(self.room(slot), place) for slot, place in enumerate(slots) if place is not None]
        wrapped = [math.ceil(_width(cells[place]) / max(1.0, room - RAGGED)) for room, place in rooms if room]
        return max([1, *wrapped])


def _kind(column: Column) -> int:
    """Return where a column stands among others: names, pairs, what sums up a data set, what sums up all."""
    return 1 if column.groups else 0 if not column.sums else 2 if column.scope else 3


def layouts(table: Table) -> tuple[Layout, Layout]:
    """Return how a table stands on a page of two columns, and on a narrow page of one: the same where that fits."""
    wide, narrow = _fitting(table, PAGE, PAGE_LINES), _fitting(table, NARROW_PAGE, NARROW_LINES)
    alike = (len(wide.parts), wide.size, wide.shares) == (len(narrow.parts), narrow.size, narrow.shares)
    return (narrow if alike else wide), narrow


def _fitting(table: Table, page: float, lines: int) -> Layout:
    """Return the fewest parts in the largest type that are not wider than a page; else the narrowest there is."""
    found = list(_every(table, lines))
    return next((layout for layout in found if layout.least <= page), found[-1])


def _every(table: Table, lines: int) -> Iterator[Layout]:
    pairs = sum(1 for column in table.columns if column.groups)
    for count in range(1, max(pairs, 1) + 1):
        cut = tuple(
            replace(part, places=tuple(i for i in part.places if not table.columns[i].over))
            for part in parts(table, math.ceil(max(pairs, 1) / count))
        )
        yield from (Layout(table, size, cut, lines) for size in SIZES)
