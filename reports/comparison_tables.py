"""Our numbers beside published figures as Markdown, CSV, LaTeX and plain text."""

import csv
import io
import textwrap
from collections.abc import Iterator, Sequence
from itertools import pairwise

from reports import latex, markdown
from reports.comparison import Beside, CellComparison, Comparison
from reports.comparison_text import (
    NONE,
    Marks,
    caption,
    digits,
    gain_text,
    groups,
    heading,
    letters,
    name_text,
    numbers,
    ours_text,
    published_text,
    signed,
    spread_text,
    verdicts,
)
from reports.console import GAP, cut
from reports.csv_table import guarded, number_text

HEADS = ("method", "ours", "published", "difference", "our gain", "their gain", "usual spread", "comparable")
COLUMNS = (
    "cell",
    "dataset",
    "teacher",
    "student",
    "row",
    "method",
    "measure",
    "n",
    "ours",
    "std",
    "published",
    "source",
    "difference",
    "gain",
    "published_gain",
    "published_kd",
    "usual_spread",
    "within",
    "comparable",
    "why",
    "missing",
)
"""Contract of against.csv. Numbers in percent or points with at most 4 decimals; empty where there is none."""
NARROWEST_NAME = 12


def as_markdown(comparison: Comparison) -> str:
    """Return the whole of against.md."""
    parts = [f"# {markdown.escape(comparison.table.name)} beside published figures", *caption(comparison)]
    heads = [*HEADS[:3], "source", *HEADS[3:]]
    for of in comparison.cells:
        parts.append(f"## {markdown.escape(heading(of, comparison, '→'))}")
        lines = [_markdown_line(*found, comparison) for found in groups(of.lines)]
        parts.append(markdown.grid(heads, lines, texts=(0, heads.index("source"), len(heads) - 1)))
    return "\n\n".join(parts) + "\n"


def _markdown_line(beside: Beside, first: bool, comparison: Comparison) -> list[str]:
    name, ours, published, *numbers_of = _texts(beside, first, digits(comparison))
    source = "" if beside.figure is None else beside.figure.source
    whether, why = verdicts(beside)
    verdict = ": ".join(text for text in ("" if whether == NONE else whether, "; ".join(why)) if text) or NONE
    return [markdown.escape(text) for text in (name, ours, published, source, *numbers_of, verdict)]


def _texts(beside: Beside, first: bool, places: int) -> list[str]:
    """Return the cells of a line up to the usual spread."""
    return [
        name_text(beside) if first else "",
        ours_text(beside, places) if first else "",
        published_text(beside),
        signed(beside.difference, places),
        gain_text(beside, places) if first else "",
        signed(beside.published_gain, places),
        spread_text(beside),
    ]


def as_csv(comparison: Comparison) -> str:
    """Return the whole of against.csv: a line for each row and published figure of each cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for of in comparison.cells:
        writer.writerows(_csv_line(of, beside) for beside in of.lines)
    return text.getvalue()


def _csv_line(of: CellComparison, beside: Beside) -> list[str]:
    cell, figure, stat = of.cell, beside.figure, beside.stat
    whether = {True: "yes", False: "no", None: ""}
    names = [cell.id, cell.dataset, cell.teacher, cell.student, beside.row, beside.method]
    ours = ["0", "", ""] if stat is None else [str(stat.n), number_text(stat.mean), number_text(stat.std)]
    published = ["", ""] if figure is None else [number_text(figure.value), guarded(figure.source)]
    gain = None if beside.gain is None else beside.gain.mean
    kd = None if beside.kd is None else beside.kd.value
    why = "; ".join(verdicts(beside)[1])
    return [
        *(guarded(name) for name in names),
        of.measure.final.removeprefix("final_"),
        *ours,
        *published,
        number_text(beside.difference),
        *(number_text(value) for value in (gain, beside.published_gain, kd, beside.spread)),
        whether[beside.within],
        whether[beside.comparable],
        guarded(why),
        guarded(beside.missing),
    ]


def as_latex(comparison: Comparison) -> str:
    """Return the whole of against.tex."""
    return latex.head("against.tex") + "\n".join(_latex_tables(comparison)) + latex.END


def _latex_tables(comparison: Comparison) -> Iterator[str]:
    for number, of in enumerate(comparison.cells, start=1):
        lines, below = _marked(of, of.ours, digits(comparison))
        text = " ".join([f"{heading(of, comparison, '→')}.", *caption(comparison), *below])
        name = f"tab:{latex.label(comparison.table.name)}-against-{number}"
        cells = [[_latex_cell(text) for text in line] for line in lines]
        kinds = [beside.kind for beside in of.ours]
        rules = [kind != "method" and after == "method" for kind, after in pairwise([*kinds, kinds[-1]])]
        yield latex.booktabs([h.capitalize() for h in HEADS], cells, rules, text, name, "l" + "r" * (len(HEADS) - 1))


def _latex_cell(text: str) -> str:
    return f"${text}$" if text[:1] in ("+", "-") else latex.escape(text)


def as_text(comparison: Comparison, width: int = 80) -> str:
    """Return the tables as plain text of at most `width` columns where they can."""
    parts = [f"{comparison.table.name} beside published figures"]
    for of in comparison.cells:
        lines, below = _marked(of, of.lines, digits(comparison))
        notes = [textwrap.fill(text, width, subsequent_indent="    ") for text in below]
        parts.append("\n".join([heading(of, comparison), *_block([list(HEADS), *lines], width), *notes]))
    return "\n\n".join([*parts, textwrap.fill(" ".join(caption(comparison)), width)])


def _block(lines: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    columns = list(zip(*lines, strict=True))
    widths = [max(map(len, column)) for column in columns]
    others = sum(widths[1:]) + len(GAP) * (len(widths) - 1)
    widths[0] = min(widths[0], max(NARROWEST_NAME, width - others))
    for number, (name, *texts) in enumerate(lines):
        cells = (text.rjust(w) for text, w in zip(texts, widths[1:], strict=True))
        yield GAP.join([cut(name, widths[0]).ljust(widths[0]), *cells]).rstrip()
        if not number:
            yield "-" * (sum(widths) + len(GAP) * (len(widths) - 1))


def _marked(of: CellComparison, besides: Sequence[Beside], places: int) -> tuple[list[list[str]], list[str]]:
    """Return our rows of a cell with marks for sources and reasons, and what stands below.

    Args:
        besides: what is told: published methods that were not run here are in one sentence.
    """
    sources, whys = Marks(numbers()), Marks(letters())
    lines = []
    for beside, first in groups(of.ours):
        name, ours, published, *numbers_of = _texts(beside, first, places)
        if beside.figure is not None:
            published += f" {sources.of(beside.figure.source)}"
        elif beside.withheld:
            published = NONE
        whether, why = verdicts(beside)
        marks = " ".join(whys.of(text) for text in why)
        verdict = f"{'no' if beside.reasons else whether} {marks}".removeprefix(f"{NONE} ").strip()
        lines.append([name, ours, published, *numbers_of, verdict])
    not_run = [
        f"{name_text(beside)} {published_text(beside)} {sources.of(beside.figure.source)}"
        for beside in besides
        if beside.kind == "published" and beside.figure is not None
    ]
    below = [*sources.lines(), *whys.lines(), *([f"Published, not run here: {', '.join(not_run)}"] if not_run else [])]
    return lines, [f"{text}." for text in below]
