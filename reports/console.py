"""The head-to-head table as plain text, for the end of a run."""

import textwrap
from collections.abc import Iterator, Sequence

from reports.head_to_head import Table
from reports.resolved import Cell
from reports.scores import Score
from reports.wording import caption, gaps, line_name, mean_text, measure_label, percent, setting_text, spent_text

GAP = "  "
NAME_WIDTH = 32
BEST = "*"


def render(table: Table, width: int = 80) -> str:
    """Return the table in blocks of as many cells as fit into `width` columns, then notes and searches."""
    names = [cut(line_name(table, i), NAME_WIDTH) for i in range(len(table.lines))]
    blocks = [_block(table, names, columns) for columns in _fitting(table, names, width)]
    measured = " and ".join(measure.short for measure in table.measures)
    parts = [f"{table.name}: test {measured}", *blocks, *_notes(table, width)]
    if table.choices:
        parts.append("\n".join(_searches(table, width)))
    return "\n\n".join(parts)


def _fitting(table: Table, names: Sequence[str], width: int) -> Iterator[list[int]]:
    """Yield the cells of each block: as many as fit, at least one."""
    left = max(len(name) for name in names)
    block: list[int] = []
    used = left
    for column in range(len(table.cells)):
        needed = len(GAP) + max(len(text) for text in _column(table, column))
        if block and used + needed > width:
            yield block
            block, used = [], left
        block.append(column)
        used += needed
    if block:
        yield block


def _block(table: Table, names: Sequence[str], columns: Sequence[int]) -> str:
    heads = len(_head(table.cells[0], table))
    texts = [["", *([""] * (heads - 1)), *names], *(_column(table, column) for column in columns)]
    widths = [max(len(text) for text in column) for column in texts]
    lines = []
    for i in range(len(texts[0])):
        first, *others = (column[i] for column in texts)
        cells = (text.rjust(w) for text, w in zip(others, widths[1:], strict=True))
        lines.append(GAP.join([first.ljust(widths[0]), *cells]).rstrip())
    lines.insert(heads, "-" * (sum(widths) + len(GAP) * len(columns)))
    return "\n".join(lines)


def _column(table: Table, column: int) -> list[str]:
    scores = (line.scores[column] for line in table.lines)
    return [*_head(table.cells[column], table), *(_score(score, table.options.digits) for score in scores)]


def _head(cell: Cell, table: Table) -> list[str]:
    """Return the lines over a column; a mark's width is left free at the right."""
    lines = [cell.teacher, f"-> {cell.student}"]
    label = measure_label(cell, table)
    lines = [*([cell.dataset] if table.several_datasets else []), *lines, *([label] if label else [])]
    return [f"{text} " for text in lines]


def _score(score: Score, digits: int) -> str:
    if score.stat is None:
        return f"{score.missing} "
    return mean_text(score.stat, digits) + (BEST if score.best else " ")


def _notes(table: Table, width: int) -> Iterator[str]:
    sentences = [text.replace("in bold", f"marked {BEST}") for text in caption(table)]
    yield textwrap.fill(" ".join(sentences), width)
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
