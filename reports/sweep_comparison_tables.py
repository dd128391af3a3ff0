"""Two sweeps side by side as Markdown, LaTeX, CSV and plain text."""

import csv
import io
import textwrap
from collections import Counter
from collections.abc import Iterator

from reports import latex, markdown
from reports.console import GAP, cut
from reports.csv_table import guarded, number_text
from reports.sweep_comparison import CellChanges, Change, SweepComparison
from reports.wording import mean_text, percent
from trainers.counting import counted

HEADS = ("row", "difference", "p", "verdict")
COLUMNS = (
    "cell",
    "dataset",
    "teacher",
    "student",
    "row",
    "n",
    "mean",
    "std",
    "other_n",
    "other_mean",
    "other_std",
    "difference",
    "test",
    "pairs",
    "p",
    "p_adjusted",
    "verdict",
    "why",
)
"""Contract of compare.csv. Percent and points with at most 4 decimals; p values with 6."""
NONE = "–"
HEAD_WIDTH = 24


def as_markdown(comparison: SweepComparison) -> str:
    """Return the whole of compare.md."""
    parts = [f"# {markdown.escape(comparison.ours)} against {markdown.escape(comparison.theirs)}"]
    parts += [markdown.escape(" ".join([summary(comparison), *caption(comparison)]))]
    for of in comparison.cells:
        lines = [[markdown.escape(text) for text in _texts(change, comparison)] for change in of.changes]
        lines = [[f"**{text}**" if i == 5 and text == "moved" else text for i, text in enumerate(ln)] for ln in lines]
        heads = [markdown.escape(head) for head in _heads(comparison)]
        parts += [f"## {markdown.escape(of.cell.id)}", markdown.grid(heads, lines, texts=(0, len(heads) - 1))]
    return "\n\n".join(parts) + "\n"


def as_latex(comparison: SweepComparison) -> str:
    """Return the whole of compare.tex."""
    tables = (_latex_table(comparison, of, number) for number, of in enumerate(comparison.cells, start=1))
    return latex.head("compare.tex") + "\n".join(tables) + latex.END


def _latex_table(comparison: SweepComparison, of: CellChanges, number: int) -> str:
    texts = [_texts(change, comparison) for change in of.changes]
    lines = [[_latex_item(text) for text in line] for line in texts]
    heads = [latex.escape(head.capitalize() if head in HEADS and head != "p" else head) for head in _heads(comparison)]
    text = " ".join([f"{of.cell.id}: {comparison.ours} against {comparison.theirs}.", *caption(comparison)])
    label = f"tab:{latex.label(comparison.ours)}-compare-{number}"
    return latex.booktabs(heads, lines, [False] * len(lines), text, label, "l" + "r" * (len(heads) - 2) + "l")


def _latex_item(text: str) -> str:
    return f"${text}$" if text[:1] in ("+", "-") and text[1:2].isdecimal() else latex.escape(text)


def as_csv(comparison: SweepComparison) -> str:
    """Return the whole of compare.csv: a line for each row of each cell of either."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for of in comparison.cells:
        writer.writerows(_csv_line(of, change) for change in of.changes)
    return text.getvalue()


def _csv_line(of: CellChanges, change: Change) -> list[str]:
    cell, numbers = of.cell, []
    for stat in (change.ours, change.theirs):
        found = ["0", "", ""] if stat is None else [str(stat.n), number_text(stat.mean), number_text(stat.std)]
        numbers += found
    ps = ["" if p is None else f"{p:.6f}" for p in (change.p, change.adjusted)]
    names = [cell.id, cell.dataset, cell.teacher, cell.student, change.row]
    tested = [number_text(change.difference), change.test, str(change.pairs), *ps, change.verdict]
    return [*(guarded(name) for name in names), *numbers, *tested, guarded(change.why)]


def as_text(comparison: SweepComparison, width: int = 80) -> str:
    """Return the tables as plain text."""
    parts = [f"{comparison.ours} against {comparison.theirs}"]
    for of in comparison.cells:
        lines = [
            [cut(head, HEAD_WIDTH) for head in _heads(comparison)],
            *(_texts(change, comparison) for change in of.changes),
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        rule = "-" * (sum(widths) + len(GAP) * (len(widths) - 1))
        shown = [_aligned(line, widths) for line in lines]
        parts.append("\n".join([of.cell.id, shown[0], rule, *shown[1:]]))
    parts += [textwrap.fill(text, width) for text in (summary(comparison), " ".join(caption(comparison)))]
    return "\n\n".join(parts)


def _aligned(texts: list[str], widths: list[int]) -> str:
    last = len(texts) - 1
    cells = [
        text.ljust(w) if i in (0, last) else text.rjust(w)
        for i, (text, w) in enumerate(zip(texts, widths, strict=True))
    ]
    return GAP.join(cells).rstrip()


def _heads(comparison: SweepComparison) -> tuple[str, ...]:
    return HEADS[0], comparison.ours, comparison.theirs, *HEADS[1:]


def _texts(change: Change, comparison: SweepComparison) -> list[str]:
    digits = comparison.digits
    numbers = [NONE if stat is None else mean_text(stat, digits) for stat in (change.ours, change.theirs)]
    return [change.shown, *numbers, _difference(change, digits), _p(change), _verdict(change, comparison)]


def _difference(change: Change, digits: int) -> str:
    if change.difference is None:
        return NONE
    text = percent(change.difference, digits)
    return f"+{text}" if float(text) > 0 else text


def _p(change: Change) -> str:
    if change.adjusted is None:
        return NONE
    mark = "" if change.test == "paired t" else f" ({change.test})"
    return ("<0.001" if change.adjusted < 0.001 else f"{change.adjusted:.3f}") + mark


def _verdict(change: Change, comparison: SweepComparison) -> str:
    names = {"only ours": f"only in {comparison.ours}", "only theirs": f"only in {comparison.theirs}"}
    text = names.get(change.verdict, change.verdict)
    if change.verdict == "the same":
        return f"{text} {change.why}".strip()
    return f"{text}: {change.why}" if change.why and change.why != "not in it" else text


def summary(comparison: SweepComparison) -> str:
    """Return how many numbers moved, in a sentence."""
    counts: Counter[str] = Counter(change.verdict for change in comparison.changes)
    names = {"only ours": f"only in {comparison.ours}", "only theirs": f"only in {comparison.theirs}"}
    order = ("moved", "within noise", "the same", "too few seeds", "only ours", "only theirs", "no number")
    told = [f"{counts[verdict]} {names.get(verdict, verdict)}" for verdict in order if counts[verdict]]
    return f"Of {counted(len(comparison.changes), 'number')}: {', '.join(told) or 'none'}."


def caption(comparison: SweepComparison) -> Iterator[str]:
    """Yield the sentences that a reader needs to trust the tables."""
    yield (
        f"Difference: {comparison.ours} less {comparison.theirs}, in points on the test images after the last epoch; "
        "mean ± sample standard deviation (number of seeds)."
    )
    tests = {change.test for change in comparison.changes if change.p is not None}
    if tests:
        others = {"Welch": "Welch's where fewer than two are common", "sign flip": "a sign flip where all moved alike"}
        told = "".join(f", or {text}" for test, text in others.items() if test in tests)
        yield (
            f"p: two-sided t test, paired over the seeds that both have{told}; raised by Holm's method for all of them "
            f"together. Moved: at most {comparison.level:g}."
        )
    if any(change.verdict == "too few seeds" for change in comparison.changes):
        yield "Too few seeds: fewer than two on a side, so nothing is known of the noise."
