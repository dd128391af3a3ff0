"""Tables in GitHub's Markdown."""

import re
from collections.abc import Iterator, Sequence

from reports.formats.footnotes import Footnotes
from reports.formats.parts import Part, parts
from reports.formats.text import content
from reports.tables.table import DIFFERS, LOWER, Cell, Column, Missing, Number, Table, Text

SPECIAL = re.compile(r"([\\`*_\[\]|~#$])")
BLOCK = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=>|[-+](?:\s|$)|-[-\s]+$|=+$))")
"""What begins a quotation, a list, a rule or a heading where a paragraph begins with it; `-1.5` and `+1.5` do not."""
LINE_BREAKS = re.compile(r"\s+")
MOST_COLUMNS = 4
"""More pairs are in parts by data set and architecture."""
SIGNS = {"best": "**", "second": "*", "": ""}
WORDS = {"best": "Bold", "second": "Italics", LOWER: LOWER, DIFFERS: DIFFERS}
CUT = "\n\n… cut here; the whole table is in table.md."


def document(title: str, tables: Sequence[Table], before: Sequence[str] = ()) -> str:
    """Return a file of tables, each with its heading.

    Args:
        before: paragraphs that stand before them.
    """
    found = [f"# {escape(title)}", *(escape(text) for text in before)]
    for table in tables:
        found += [f"## {escape(table.title)}", render(table)]
    return "\n\n".join(found) + "\n"


def render(table: Table) -> str:
    """Return the table, and below it what it shows, and as a list what marks mean, its notes and its footnotes."""
    footnotes, found = Footnotes(), []
    for part in parts(table, MOST_COLUMNS, cut=False):
        found += [f"**{escape(part.title)}**"] if part.title else []
        found.append(_grid(table, part, footnotes))
    listed = [f"- {escape(text)}" for text in (table.explained(WORDS), *table.notes, *footnotes.lines()) if text]
    return "\n\n".join(filter(None, [*found, escape(table.caption), "\n".join(listed)]))


def cut(text: str, limit: int) -> str:
    """Return the text in at most `limit` characters; what is cut off is said to be."""
    return text if len(text) <= limit else text[: limit - len(CUT)].rpartition("\n")[0] + CUT


def _grid(table: Table, part: Part, footnotes: Footnotes) -> str:
    columns = [table.columns[i] for i in part.places]
    several = not part.title and len({column.groups for column in columns if column.groups}) > 1
    lines = [[_head(column, several=several) for column in columns]]
    lines.append(["---:" if column.kind == "number" else "---" for column in columns])
    for heading, row in table.headed():
        if heading:
            lines.append([f"*{escape(heading)}*", *[""] * (len(columns) - 1)])
        lines.append([_cell(row.cells[i], footnotes) for i in part.places])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _head(column: Column, *, several: bool) -> str:
    kind = column.groups[-1] if several and column.groups else ""
    return escape(f"{column.head} ({kind})" if kind else column.head)


def _cell(cell: Cell, footnotes: Footnotes) -> str:
    return " ".join([_content(cell), *(escape(mark) for mark in footnotes.of(cell))]).strip()


def _content(cell: Cell) -> str:
    if isinstance(cell, Number):
        return "".join(_number(cell))
    if isinstance(cell, Missing) and cell.why:
        return f"– {escape(cell.why)}"
    return f"**{escape(cell.text)}**" if isinstance(cell, Text) and cell.strong else escape(content(cell))


def _number(cell: Number) -> Iterator[str]:
    sign = SIGNS[cell.mark]
    yield f"{sign}{escape(cell.before)}{' ' * cell.before.endswith(' ')}{cell.sign}{cell.figure}{sign}"
    yield f" ± {cell.spread}" if cell.spread else ""
    yield f" ({escape(cell.count)})" if cell.count else ""
    yield escape("x" + cell.after)[1:]
    yield f" {escape(''.join(cell.claims))}" if cell.claims else ""


def escape(text: str) -> str:
    """Return the text so that Markdown shows it as it is: no markup, no HTML, no line or column break, no block."""
    flat = LINE_BREAKS.sub(" ", text).strip()
    return BLOCK.sub(r"\1\\", SPECIAL.sub(r"\\\1", flat.replace("&", "&amp;").replace("<", "&lt;")))
