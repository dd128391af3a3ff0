"""Marks for what stands below a table, the same for the same text: notes of figures are numbered, of words lettered."""

from collections.abc import Iterator

from reports.tables.table import Cell, Number, Text


class Footnotes:
    """The notes of a table's cells, in the order in which they are first asked for."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}
        self._letters: dict[str, str] = {}

    def of(self, cell: Cell) -> list[str]:
        """Return the marks behind a cell, such as `[1]` and `(a)`."""
        if isinstance(cell, Number):
            return [self._numbers.setdefault(note, f"[{len(self._numbers) + 1}]") for note in cell.notes]
        return [self.letter(note) for note in cell.notes] if isinstance(cell, Text) else []

    def letter(self, note: str) -> str:
        """Return the letter of a note that is one of words."""
        return self._letters.setdefault(note, f"({letters(len(self._letters))})")

    def lines(self) -> Iterator[str]:
        """Yield what the marks stand for."""
        for notes in (self._numbers, self._letters):
            yield from (f"{mark} {note}." for note, mark in notes.items())


def letters(number: int) -> str:
    """Return a, b, …, z, aa, … for 0, 1, …"""
    text = ""
    while number >= 0:
        text, number = chr(ord("a") + number % 26) + text, number // 26 - 1
    return text
