"""A table of texts: what every further table of a report is, before a writer gives it its form."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One table, in plain text: nothing is escaped yet."""

    name: str
    """Of its file and its label."""
    title: str
    notes: tuple[str, ...]
    """Paragraphs that a reader needs to trust it: what the numbers are, and what they are worth."""
    heads: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    texts: tuple[int, ...] = (0,)
    """Columns that hold words; the others hold numbers."""
