"""The tables in GitHub's Markdown."""

import re
from collections.abc import Container, Iterable, Iterator, Sequence

from reports.head_to_head import Table
from reports.scores import Score
from reports.wording import (
    caption,
    column_text,
    difference_text,
    gaps,
    line_name,
    mean_text,
    percent,
    search_texts,
)

SPECIAL = re.compile(r"([\\`*_\[\]|~#$])")
LINE_BREAKS = re.compile(r"\s+")


def render(table: Table) -> str:
    """Return the whole of table.md."""
    parts = [f"# {escape(table.name)}", main_table(table), *notes(table)]
    if table.choices:
        parts += ["## Search", _search(table)]
    if table.differences:
        baseline = escape(table.baseline)
        parts += [f"## Difference from {baseline}", DIFFERENCE_NOTE.format(baseline=baseline), _differences(table)]
    return "\n\n".join(parts) + "\n"


DIFFERENCE_NOTE = (
    "In points, seed by seed over the seeds that both have: mean ± sample standard deviation of the differences "
    "(number of seeds). Trials with the same seed as {baseline} share initial weights and batch order."
)


def note(table: Table, limit: int) -> str:
    """Return the main table and its notes in at most `limit` characters; rows that do not fit are counted."""
    text = "\n\n".join([main_table(table), *notes(table)])
    if len(text) <= limit:
        return text
    ending = "\n\n… cut here; the whole table is in table.md."
    kept = text[: limit - len(ending)].rpartition("\n")[0]
    return kept + ending


def main_table(table: Table) -> str:
    """Return rows against cells."""
    heads = ["method", *(escape(column_text(cell, table, "→")) for cell in table.cells)]
    lines = [
        [escape(line_name(table, i)), *(_score(score, table) for score in line.scores)]
        for i, line in enumerate(table.lines)
    ]
    return grid(heads, lines)


def notes(table: Table) -> Iterator[str]:
    """Yield the caption and the list of what is missing from printed means."""
    yield " ".join(escape(sentence) for sentence in caption(table))
    lacking = list(gaps(table))
    if lacking:
        yield "Not in the means: " + "; ".join(escape(gap) for gap in lacking) + "."


def _score(score: Score, table: Table) -> str:
    if score.stat is None:
        return f"– {escape(score.missing)}"
    text = mean_text(score.stat, table.options.digits)
    number, _, rest = text.partition(" ")
    return f"**{number}** {rest}" if score.best else text


def _search(table: Table) -> str:
    heads, lines = search_texts(table)
    digits = table.options.digits
    whole = []
    for choice, texts in zip(table.choices, lines, strict=True):
        validation = "–" if choice.validation is None else percent(choice.validation, digits)
        test = "–" if choice.test is None else mean_text(choice.test, digits)
        whole.append([*(escape(text) for text in texts), validation, test])
    return grid([*heads, "validation", "test"], whole, texts=range(len(heads)))


def _differences(table: Table) -> str:
    heads = ["method", *(escape(column_text(cell, table, "→")) for cell in table.cells)]
    digits = table.options.digits
    lines = [
        [escape(d.shown), *("–" if stat is None else difference_text(stat, digits) for stat in d.stats)]
        for d in table.differences
    ]
    return grid(heads, lines)


def grid(heads: Sequence[str], lines: Iterable[Sequence[str]], texts: Container[int] = (0,)) -> str:
    """Return a table of cells that are Markdown already; the columns `texts` are text, the others numbers."""
    rule = ["---" if i in texts else "---:" for i in range(len(heads))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *lines))


def escape(text: str) -> str:
    """Return the text so that Markdown shows it as it is: no markup, no HTML, no line or column break."""
    flat = LINE_BREAKS.sub(" ", text).strip()
    return SPECIAL.sub(r"\\\1", flat.replace("&", "&amp;").replace("<", "&lt;"))
