"""The head-to-head table in LaTeX, as papers have it: pairs over columns, kinds of methods over rows.

A number takes two columns, right- and left-aligned, so that points and ± stand under one another.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from reports.columns import Column, columns
from reports.head_to_head import Table
from reports.latex import MOST_CHARACTERS, chunks, escape, float_of, number, tabular
from reports.layout import Block, blocks, headings
from reports.scores import Score
from reports.wording import caption, collapsed_text, gaps, line_name, measure_label, percent

MOST_COLUMNS = 6
"""Pairs beside one another; more stand below."""
SHORT_REASON = 12
"""Characters of a reason that stand in a cell; longer ones stand below."""


@dataclass(slots=True)
class Notes:
    """What stands outside the cells: the usual n, and reasons that are too long, each with a letter."""

    usual_n: int | None = None
    letters: dict[str, str] = field(default_factory=dict)

    def of(self, text: str) -> str:
        return self.letters.setdefault(text, chr(ord("a") + len(self.letters) % 26) * (1 + len(self.letters) // 26))

    def reason(self, text: str) -> str:
        """Return what stands in a cell without a number."""
        short = len(text) <= SHORT_REASON
        return rf"\scriptsize {escape(text)}" if short else rf"\scriptsize --\textsuperscript{{{self.of(text)}}}"

    def lines(self) -> list[str]:
        """Return what the letters mean."""
        return [f"{letter}: {text}." for text, letter in self.letters.items()]


@dataclass(frozen=True, slots=True)
class Part:
    """Columns of one tabular."""

    blocks: tuple[Block, ...]
    behind: tuple[Column, ...]

    @property
    def columns(self) -> tuple[int, ...]:
        return tuple(column for block in self.blocks for column in block.columns)


def render(table: Table, name: str, text: str = "") -> str:
    """Return the table as one float, or several where it is long.

    Args:
        name: of its label.
        text: stands at the beginning of its caption.
    """
    notes = Notes(usual_n=_usual_n(table))
    tabulars = [_tabular(table, part, rows, notes) for part in _parts(table) for rows in chunks(len(table.lines))]
    below = notes.lines()
    lacking = list(gaps(table))
    below += ["Not in the means: " + "; ".join(lacking) + "."] if lacking else []
    sentences = " ".join([*([text] if text else []), *caption(table, usual_n=notes.usual_n)])
    wide = len(tabulars) > 1 or any(_characters(table, part) > MOST_CHARACTERS for part in _parts(table))
    return float_of(tabulars, sentences, name, below=below, wide=wide)


def _characters(table: Table, part: Part) -> int:
    """Return roughly how many characters wide a part is."""
    names = max(len(line_name(table, i)) for i in range(len(table.lines)))
    return names + (8 + 2 * table.options.digits) * len(part.columns) + 8 * len(part.behind)


def _parts(table: Table) -> list[Part]:
    """Return the columns in parts that fit beside one another."""
    found = [
        Block(block.dataset, block.heading, block.columns[start : start + MOST_COLUMNS])
        for block in blocks(table.cells)
        for start in range(0, len(block.columns), MOST_COLUMNS)
    ]
    groups: list[list[Block]] = []
    for block in found:
        fits = groups and sum(len(b.columns) for b in groups[-1]) + len(block.columns) <= MOST_COLUMNS
        if fits:
            groups[-1].append(block)
        else:
            groups.append([block])
    if len(groups) <= 1:
        return [Part(tuple(group), tuple(columns(table))) for group in groups]
    return [Part(tuple(group), tuple(_behind(table, group, groups[i + 1 :]))) for i, group in enumerate(groups)]


def _behind(table: Table, group: Sequence[Block], later: Sequence[Sequence[Block]]) -> Iterator[Column]:
    """Yield what sums up the data sets that end in this part."""
    going_on = {block.dataset for blocks_of in later for block in blocks_of}
    ended = [dataset for dataset in dict.fromkeys(b.dataset for b in group) if dataset not in going_on]
    whole = [column for column, cell in enumerate(table.cells) if cell.dataset in ended]
    if whole:
        yield from columns(table, whole)


def _tabular(table: Table, part: Part, rows: range, notes: Notes) -> str:
    spec = "l" + "r@{}l" * len(part.columns) + "r" * len(part.behind)
    body, width = [], 1 + 2 * len(part.columns) + len(part.behind)
    found = headings(table)
    for i in rows:
        heading, line = found[i]
        if i and line.kind == "method" and (heading or table.lines[i - 1].kind != "method") and i != rows[0]:
            body.append(r"\midrule")
        if heading:
            body.append(rf"\multicolumn{{{width}}}{{l}}{{\textit{{{escape(heading)}}}}} \\")
        scores = [_score(line.scores[column], table.options.digits, notes) for column in part.columns]
        behind = [number(column.texts[i]) for column in part.behind]
        body.append(" & ".join([escape(line_name(table, i)), *scores, *behind]) + r" \\")
    return tabular(spec, [*_heads(table, part), r"\midrule", *body])


def _heads(table: Table, part: Part) -> Iterator[str]:
    cells = [table.cells[column] for column in part.columns]
    if table.several_datasets:
        yield from _spanning([(block.dataset, len(block.columns)) for block in part.blocks], part)
    if any(block.heading for block in part.blocks):
        yield from _spanning([(block.heading, len(block.columns)) for block in part.blocks], part)
    rows = [["Teacher", *(cell.teacher for cell in cells)], ["Student", *(cell.student for cell in cells)]]
    labels = [measure_label(cell, table) for cell in cells]
    rows += [["", *labels]] if any(labels) else []
    heads = [_two_lines(column.head, len(rows)) for column in part.behind]
    for i, (first, *texts) in enumerate(rows):
        behind = [escape(head[i]) for head in heads]
        yield " & ".join([first, *(rf"\multicolumn{{2}}{{c}}{{{escape(t)}}}" for t in texts), *behind]) + r" \\"


def _two_lines(text: str, room: int) -> list[str]:
    """Return a head in as many lines as there is room for, the last two filled: `Mean` over `rank`."""
    first, _, rest = (text[:1].upper() + text[1:]).partition(" ")
    return [*[""] * (room - 2), first, rest] if rest else [*[""] * (room - 1), first]


def _spanning(named: Sequence[tuple[str, int]], part: Part) -> Iterator[str]:
    """Yield a row of heads that stand over several columns, with a rule below each; equal neighbours are one."""
    merged: list[tuple[str, int]] = []
    for text, count in named:
        if merged and merged[-1][0] == text:
            merged[-1] = (text, merged[-1][1] + count)
        else:
            merged.append((text, count))
    texts = [rf"\multicolumn{{{2 * count}}}{{c}}{{{escape(text)}}}" for text, count in merged]
    yield " & ".join(["", *texts, *[""] * len(part.behind)]) + r" \\"
    rules, start = [], 2
    for _, count in merged:
        rules.append(rf"\cmidrule(lr){{{start}-{start + 2 * count - 1}}}")
        start += 2 * count
    yield "".join(rules)


def _score(score: Score, digits: int, notes: Notes) -> str:
    stat = score.stat
    if stat is None:
        return rf"\multicolumn{{2}}{{c}}{{{notes.reason(score.missing)}}}"
    mean = percent(stat.mean, digits)
    mean = rf"\textbf{{{mean}}}" if score.best else rf"\underline{{{mean}}}" if score.second else mean
    spread = "" if stat.std is None else rf"\,$\pm$\,{percent(stat.std, digits)}"
    count = "" if stat.n == notes.usual_n else rf"\,({stat.n})"
    count += escape(collapsed_text(score))
    mark = r"$^{\dagger}$" if score.tied else ""
    return rf"{mean} & {{\scriptsize {spread}{count}}}{mark}"


def _usual_n(table: Table) -> int | None:
    """Return the number of seeds that most means have, which stands in the caption; None without any spread."""
    stats = (score.stat for line in table.lines if line.kind != "teacher" for score in line.scores)
    sizes = Counter(stat.n for stat in stats if stat is not None)
    usual = min(sizes, key=lambda n: (-sizes[n], n), default=1)
    return usual if usual > 1 else None
