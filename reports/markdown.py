"""The tables in GitHub's Markdown."""

import re
from collections.abc import Container, Iterable, Iterator, Sequence

from reports.columns import Column, columns
from reports.differences import notes as difference_notes
from reports.head_to_head import Table
from reports.layout import architecture, architecture_matters, blocks, headings
from reports.scores import Score
from reports.sheets import Sheet
from reports.wording import (
    MARK,
    caption,
    column_text,
    difference_text,
    gap_text,
    gaps,
    line_name,
    mean_text,
    percent,
    score_text,
    search_sentence,
    search_texts,
)

SPECIAL = re.compile(r"([\\`*_\[\]|~#$])")
BLOCK = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=>|[-+](?:\s|$)|-[-\s]+$|=+$))")
"""What begins a quotation, a list, a rule or a heading where a paragraph begins with it; `-1.5` and `+1.5` do not."""
LINE_BREAKS = re.compile(r"\s+")


def render(table: Table, sheets: Sequence[Sheet] = (), tables: Sequence[Table] = ()) -> str:
    """Return the whole of table.md.

    Args:
        sheets: further tables.
        tables: further tables of rows against cells, each with one measure.
    """
    parts = [f"# {escape(table.name)}"]
    if table.options.wants("head_to_head"):
        parts += [main_table(table), *notes(table)]
    if table.choices and table.options.wants("search"):
        parts += ["## Search", _search(table), escape(search_sentence(table))]
    if table.differences and table.options.wants("head_to_head"):
        baseline = escape(table.baseline)
        told = [stat for difference in table.differences for stat in difference.stats]
        sentences = " ".join([DIFFERENCE_NOTE.format(baseline=baseline), *difference_notes(told)])
        parts += [f"## Difference from {baseline}", sentences, _differences(table)]
    for other in tables:
        parts += [f"## {other.measures[0].long}", main_table(other), *notes(other)]
    for one in sheets:
        parts += [f"## {escape(one.title)}", *(escape(text) for text in one.notes), sheet(one)]
    return "\n\n".join(parts) + "\n"


DIFFERENCE_NOTE = (
    "In points, seed by seed over the seeds that both have: mean ± sample standard deviation of the differences "
    "(number of seeds). Trials with the same seed as {baseline} share initial weights and batch order."
)


def note(table: Table, limit: int) -> str:
    """Return the main table and its notes in at most `limit` characters; what is cut off is said to be."""
    text = "\n\n".join([main_table(table), *notes(table)])
    if len(text) <= limit:
        return text
    ending = "\n\n… cut here; the whole table is in table.md."
    kept = text[: limit - len(ending)].rpartition("\n")[0]
    return kept + ending


def main_table(table: Table) -> str:
    """Return rows against cells; many cells in parts by data set and architecture."""
    parts = blocks(table.cells)
    if len(parts) == 1 or len(table.cells) <= MOST_COLUMNS:
        return _grid(table, range(len(table.cells)), columns(table))
    texts = []
    for part, after in zip(parts, [*parts[1:], None], strict=True):
        last = after is None or after.dataset != part.dataset
        whole = [place for one in parts if one.dataset == part.dataset for place in one.columns]
        title = ", ".join(text for text in (part.dataset if table.several_datasets else "", part.heading) if text)
        texts += [f"**{escape(title)}**", _grid(table, part.columns, columns(table, whole) if last else [])]
    return "\n\n".join(texts)


MOST_COLUMNS = 4
"""More are in parts."""


def _grid(table: Table, places: Sequence[int], behind: Sequence[Column]) -> str:
    several = len(blocks([table.cells[place] for place in places])) > 1
    cells = [table.cells[place] for place in places]
    kinds = [f" ({architecture(cell)})" if several and architecture_matters(table) else "" for cell in cells]
    heads = [escape(column_text(cell, table, "→") + kind) for cell, kind in zip(cells, kinds, strict=True)]
    heads = ["method", *heads, *(escape(column.head) for column in behind)]
    lines = []
    for i, (heading, line) in enumerate(headings(table)):
        if heading:
            lines.append([f"*{escape(heading)}*", *[""] * (len(heads) - 1)])
        scores = (_score(line.scores[place], table) for place in places)
        lines.append([escape(line_name(table, i)), *scores, *(column.texts[i] for column in behind)])
    return grid(heads, lines)


def notes(table: Table) -> Iterator[str]:
    """Yield the caption and the list of what is missing from printed means."""
    yield " ".join(escape(sentence) for sentence in caption(table, second="in italics"))
    lacking = list(gaps(table))
    if lacking:
        yield "Not in the means: " + "; ".join(escape(gap) for gap in lacking) + "."


def _score(score: Score, table: Table) -> str:
    if score.stat is None:
        return f"– {escape(score.missing)}"
    text = score_text(score, table.options.digits)
    number, _, rest = text.partition(" ")
    sign = "**" if score.best else "*" if score.second else ""
    return f"{sign}{number}{sign} {rest}{f' {MARK}' if score.tied else ''}"


def _search(table: Table) -> str:
    heads, lines = search_texts(table)
    digits = table.options.digits
    whole = []
    for choice, texts in zip(table.choices, lines, strict=True):
        validation = "–" if choice.validation is None else percent(choice.validation, digits)
        test = "–" if choice.test is None else mean_text(choice.test, digits)
        whole.append([*(escape(text) for text in texts), validation, test, gap_text(choice, digits)])
    return grid([*heads, "validation", "test", "gap"], whole, texts=range(len(heads)))


def _differences(table: Table) -> str:
    heads = ["method", *(escape(column_text(cell, table, "→")) for cell in table.cells)]
    digits = table.options.digits
    lines = []
    for one in table.differences:
        cells = zip(one.stats, one.missing, strict=True)
        texts = (f"– {escape(why)}" if stat is None else difference_text(stat, digits) for stat, why in cells)
        lines.append([escape(one.shown), *texts])
    return grid(heads, lines)


def sheet(one: Sheet) -> str:
    """Return a further table."""
    lines = [[escape(text) for text in line] for line in one.lines]
    return grid([escape(head) for head in one.heads], lines, texts=one.texts)


def grid(heads: Sequence[str], lines: Iterable[Sequence[str]], texts: Container[int] = (0,)) -> str:
    """Return a table of cells that are Markdown already; the columns `texts` are text, the others numbers."""
    rule = ["---" if i in texts else "---:" for i in range(len(heads))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *lines))


def escape(text: str) -> str:
    """Return the text so that Markdown shows it as it is: no markup, no HTML, no line or column break, no block."""
    flat = LINE_BREAKS.sub(" ", text).strip()
    return BLOCK.sub(r"\1\\", SPECIAL.sub(r"\\\1", flat.replace("&", "&amp;").replace("<", "&lt;")))
