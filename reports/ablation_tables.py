"""The ablations as Markdown, LaTeX (a document, and fragments for \\input), CSV and plain text."""

import csv
import io
from collections.abc import Iterator

from reports import latex, markdown
from reports.ablation import Ablation, Ablations, Level
from reports.ablation_text import GAIN, Gain, Item, Mark, Sheet, sheets
from reports.csv_table import guarded, number_text
from reports.resolved import Cell
from reports.scores import Score
from reports.spread import Stat
from reports.wording import difference_text, mean_text, percent

COLUMNS = (
    "ablation",
    "kind",
    "cell",
    "dataset",
    "teacher",
    "student",
    "entry",
    "row",
    "method",
    "factors",
    "base",
    "n",
    "mean",
    "std",
    "seeds",
    "gain",
    "gain_std",
    "gain_n",
    "missing",
)
"""Contract of ablations.csv. Percent and points with at most 4 decimals; `factors` as `k=5` or `w0=on; w1=off`; names
as in the sweep file."""

NEEDS = "% Needs booktabs, graphicx and amssymb: \\input this file where the table is to stand.\n"
WORDS = {True: "on", False: "off", None: "without effect"}


def as_markdown(ablations: Ablations) -> str:
    """Return the whole of ablations.md."""
    parts = [f"# {markdown.escape(ablations.table.name)}: ablations"]
    for ablation in ablations.items:
        for sheet in sheets(ablation, ablations.table):
            lines = [[_markdown_item(item, ablations.table.options.digits) for item in line] for line in sheet.lines]
            heads = [markdown.escape(head) for head in sheet.heads]
            parts += [f"## {markdown.escape(sheet.title)}", markdown.grid(heads, lines, texts=sheet.texts)]
            parts.append(markdown.escape(sheet.caption))
    return "\n\n".join(parts) + "\n"


def _markdown_item(item: Item, digits: int) -> str:
    if isinstance(item, Score) and item.stat is not None and item.best:
        number, _, rest = mean_text(item.stat, digits).partition(" ")
        return f"**{number}** {rest}"
    return markdown.escape(_text(item, digits))


def _text(item: Item, digits: int) -> str:
    if isinstance(item, Score):
        return f"– {item.missing}" if item.stat is None else mean_text(item.stat, digits)
    if isinstance(item, Gain):
        return difference_text(item.stat, digits)
    if isinstance(item, Mark):
        return {True: "✓", False: "", None: "–"}[item.on]
    return item


def as_latex(ablations: Ablations) -> str:
    """Return the whole of ablations.tex, which compiles alone."""
    head = latex.head("ablations.tex").replace(
        "\\usepackage{booktabs}", "\\usepackage{amssymb}\n\\usepackage{booktabs}"
    )
    head = head.replace("% it needs booktabs and graphicx.", "% it needs booktabs, graphicx and amssymb.")
    return head + "\n".join(text for _, text in _latex_tables(ablations)) + latex.END


def fragments(ablations: Ablations) -> Iterator[tuple[str, str]]:
    """Yield each ablation as (name, LaTeX to be taken in by \\input)."""
    for ablation, text in _latex_tables(ablations):
        yield ablation.name, NEEDS + text


def _latex_tables(ablations: Ablations) -> Iterator[tuple[Ablation, str]]:
    table = ablations.table
    for number, ablation in enumerate(ablations.items, start=1):
        label = ablation.label or f"tab:{latex.label(table.name)}-ablation-{number}"
        found = list(sheets(ablation, table))
        names = [label if i == 0 else f"{label}-{i + 1}" for i in range(len(found))]
        texts = [_latex_sheet(sheet, name, table.options.digits) for sheet, name in zip(found, names, strict=True)]
        yield ablation, "\n".join(texts)


def _latex_sheet(sheet: Sheet, label: str, digits: int) -> str:
    heads = ["$\\Delta$" if head == GAIN else "Row" if head == "row" else latex.escape(head) for head in sheet.heads]
    lines = [[_latex_item(item, digits) for item in line] for line in sheet.lines]
    marks = [any(isinstance(line[i], Mark) for line in sheet.lines) for i in range(len(heads))]
    columns = "".join("c" if marks[i] else "l" if i in sheet.texts else "r" for i in range(len(heads)))
    text = sheet.caption.replace("✓", "a tick")
    return latex.booktabs(heads, lines, sheet.rules, text, label, columns)


def _latex_item(item: Item, digits: int) -> str:
    if isinstance(item, Score):
        if item.stat is None:
            return f"{{\\footnotesize {latex.escape(item.missing)}}}"
        return _latex_stat(item.stat, digits, bold=item.best)
    if isinstance(item, Gain):
        return _latex_stat(item.stat, digits, sign=True)
    if isinstance(item, Mark):
        return {True: "$\\checkmark$", False: "", None: "--"}[item.on]
    return "--" if item == "–" else latex.escape(item)


def _latex_stat(stat: Stat, digits: int, *, bold: bool = False, sign: bool = False) -> str:
    mean = percent(stat.mean, digits)
    mean = f"+{mean}" if sign and float(mean) > 0 else mean
    mean = f"\\mathbf{{{mean}}}" if bold else mean
    spread = "" if stat.std is None else f" \\pm {percent(stat.std, digits)}"
    return f"${mean}{spread}$ {{\\scriptsize ({stat.count})}}"


def as_csv(ablations: Ablations) -> str:
    """Return the whole of ablations.csv: a line for each row of each ablation in each cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for ablation in ablations.items:
        for column, cell in enumerate(ablations.table.cells):
            writer.writerows(_csv_line(ablation, level, cell, column) for level in ablation.levels)
    return text.getvalue()


def _csv_line(ablation: Ablation, level: Level, cell: Cell, column: int) -> list[str]:
    score, gain, stat = level.scores[column], level.gains[column], level.scores[column].stat
    pairs = zip(ablation.factors, level.factors, strict=False)
    factors = "; ".join(f"{n}={factor if isinstance(factor, str) else WORDS[factor]}" for n, factor in pairs)
    names = [ablation.name, ablation.kind, cell.id, cell.dataset, cell.teacher, cell.student]
    names += [level.row.entry, level.row.label, level.row.method, factors]
    numbers = ["0", "", "", ""]
    if stat is not None:
        seeds = " ".join(map(str, stat.seeds))
        numbers = [str(stat.n), number_text(stat.mean), number_text(stat.std), seeds]
    gains = ["", "", "0"] if gain is None else [number_text(gain.mean), number_text(gain.std), str(gain.n)]
    base = "yes" if level.is_base else "no"
    return [*(guarded(name) for name in names), base, *numbers, *gains, guarded(score.missing)]
