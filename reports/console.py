"""The head-to-head table as plain text, for the end of a run."""

import textwrap
from collections.abc import Iterator, Sequence

from reports.columns import columns
from reports.head_to_head import Table
from reports.resolved import Cell
from reports.scores import Score
from reports.wording import (
    MARK,
    caption,
    gaps,
    line_name,
    mean_text,
    measure_label,
    percent,
    score_text,
    setting_text,
    spent_text,
)

GAP = "  "
NAME_WIDTH = 32
BEST, SECOND = "*", "'"


def render(table: Table, width: int = 80) -> str:
    """Return the table in blocks of as many cells as fit into `width` columns, then notes and searches."""
    names = [cut(line_name(table, i), NAME_WIDTH) for i in range(len(table.lines))]
    blocks = [_block(table, names, columns) for columns in _fitting(table, names, width)]
    measured = " and ".join(measure.short for measure in table.measures)
    parts = [f"{table.name}: test {measured}", *blocks, *_notes(table, width)]
    if table.choices:
        parts.append("\n".join(_searches(table, width)))
    return "\n\n".join(parts)


def _fitting(table: Table, names: Sequence[str], width: int) -> Iterator[list[list[str]]]:
    """Yield the columns of each block: as many as fit, at least one."""
    left = max(len(name) for name in names)
    block: list[list[str]] = []
    used = left
    for column in _columns(table):
        needed = len(GAP) + max(len(text) for text in column)
        if block and used + needed > width:
            yield block
            block, used = [], left
        block.append(column)
        used += needed
    if block:
        yield block


def _block(table: Table, names: Sequence[str], columns: Sequence[Sequence[str]]) -> str:
    heads = len(_head(table.cells[0], table))
    texts = [["", *([""] * (heads - 1)), *names], *columns]
    widths = [max(len(text) for text in column) for column in texts]
    lines = []
    for i in range(len(texts[0])):
        first, *others = (column[i] for column in texts)
        cells = (text.rjust(w) for text, w in zip(others, widths[1:], strict=True))
        lines.append(GAP.join([first.ljust(widths[0]), *cells]).rstrip())
    lines.insert(heads, "-" * (sum(widths) + len(GAP) * len(columns)))
    return "\n".join(lines)


def _columns(table: Table) -> Iterator[list[str]]:
    """Yield all columns, those with scores first; heads are on top."""
    tied = any(score.tied for line in table.lines for score in line.scores)
    for place, cell in enumerate(table.cells):
        scores = [line.scores[place] for line in table.lines]
        marks = [_mark(score, tied=tied) for score in scores]
        texts = (_score(score, table.options.digits) + mark for score, mark in zip(scores, marks, strict=True))
        yield [*(text + " " * len(marks[0]) for text in _head(cell, table)), *texts]
    room = len(_head(table.cells[0], table)) if table.cells else 0
    for column in columns(table):
        heads = textwrap.wrap(column.head, max(len(column.head) // 2, max(map(len, column.head.split()))))[:room]
        yield [*[""] * (room - len(heads)), *heads, *column.texts]


def _head(cell: Cell, table: Table) -> list[str]:
    """Return the lines over a column."""
    label = measure_label(cell, table)
    dataset = [cell.dataset] if table.several_datasets else []
    return [*dataset, cell.teacher, f"-> {cell.student}", *([label] if label else [])]


def _mark(score: Score, *, tied: bool) -> str:
    """Return what stands behind a number: as wide for every one.

    Args:
        tied: whether any number of the table has the mark of not being below the best.
    """
    place = BEST if score.best else SECOND if score.second else " "
    return place + (MARK if score.tied else " ") * tied


def _score(score: Score, digits: int) -> str:
    return score.missing if score.stat is None else score_text(score, digits)


def _notes(table: Table, width: int) -> Iterator[str]:
    yield textwrap.fill(" ".join(caption(table, best=f"marked {BEST}", second=f"marked {SECOND}")), width)
    lacking = list(gaps(table))
    if lacking:
        yield textwrap.fill(f"Not in the means: {'; '.join(lacking)}.", width)


def _searches(table: Table, width: int) -> Iterator[str]:
    yield "Searches:"
    for c in table.choices:
        where = f" [{c.cell.id}]" if len(table.cells) > 1 else ""
        rank = f" rank {c.rank}" if c.rank > 1 else ""
        setting = "no setting yet" if c.setting is None else setting_text(c.setting, 4)
        scores = [] if c.validation is None else [f"validation {percent(c.validation, table.options.digits)}"]
        scores += [] if c.test is None else [f"test {mean_text(c.test, table.options.digits)}"]
        text = f"{c.shown}{where}{rank}: {setting}; {', '.join([*scores, f'trials {spent_text(c)}'])}"
        yield textwrap.fill(text, width, initial_indent="  ", subsequent_indent="    ")


def cut(text: str, width: int) -> str:
    """Return the text in `width` characters; the middle goes, for rows of one entry differ at the end."""
    flat = " ".join(text.split())
    tail = width // 3
    return flat if len(flat) <= width else f"{flat[: width - tail - 1]}…{flat[-tail:]}"
