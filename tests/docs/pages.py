"""What stands in the pages: tables, and fenced blocks."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parents[2] / "docs"
Table = list[dict[str, str]]


def tables(text: str) -> Iterator[tuple[tuple[str, ...], Table]]:
    """Yield heads and lines of every Markdown table."""
    for part in re.findall(r"^\|.*\n\|[ :|-]+\|\n(?:\|.*\n)*", text, re.MULTILINE):
        lines = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line[1:-1])] for line in part.splitlines()]
        assert {len(line) for line in lines} == {len(lines[0])}, lines
        yield tuple(lines[0]), [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]


def lines_of(text: str, heads: tuple[str, ...]) -> Table:
    """Return the lines of all tables with these heads."""
    found = [line for names, lines in tables(text) if names == heads for line in lines]
    assert found, heads
    return found


def bare(cell: str) -> str:
    """Return what stands in a cell as code."""
    match = re.fullmatch(r"`([^`]+)`", cell)
    assert match, f"{cell} is not code"
    return match[1]


class Block(NamedTuple):
    mark: str
    language: str
    text: str


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks, each with the word in the comment above it."""
    return [Block(*found) for found in re.findall(r"(?:<!-- ([\w.]+) -->\n)?```(\w+)\n(.*?)```", text, re.DOTALL)]
