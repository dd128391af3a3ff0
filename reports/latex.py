"""The tables in LaTeX: booktabs, a document that pdflatex compiles alone, from which a table can be copied."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from reports.head_to_head import Table
from reports.scores import Score
from reports.spread import Stat
from reports.wording import (
    caption,
    column_text,
    gaps,
    line_name,
    measure_text,
    percent,
    search_texts,
)

HEAD = r"""% Compiles alone: pdflatex {file}. To use a table in a paper, copy it from \begin{table} to \end{table};
% it needs booktabs and graphicx.
\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage{booktabs}
\usepackage{graphicx}
\setlength{\belowcaptionskip}{6pt}
\begin{document}
"""
END = "\\end{document}\n"

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"$\mathdollar$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\`{}",
    "→": r"$\to$",
    "←": r"$\leftarrow$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≠": r"$\neq$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "…": r"\ldots{}",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "°": r"$^\circ$",
    "µ": r"$\mu$",
    "²": r"$^2$",
    "³": r"$^3$",
}

GREEK = "αalpha βbeta γgamma δdelta εepsilon ζzeta ηeta θtheta ιiota κkappa λlambda μmu νnu ξxi πpi ρrho σsigma τtau "
GREEK += "υupsilon φphi χchi ψpsi ωomega ΓGamma ΔDelta ΘTheta ΛLambda ΞXi ΠPi ΣSigma ΦPhi ΨPsi ΩOmega"
SPECIAL |= {word[0]: f"$\\{word[1:]}$" for word in GREEK.split()}

LIGATURES = re.compile(r"(?<=-)(?=-)|(?<=,)(?=,)")
"""Between two hyphens or commas, which LaTeX would join to a dash or a quotation mark."""

LAST_LATIN = 0x17F
"""Of Latin Extended-A, whose letters LaTeX's own fonts can put together, apart from those in `ABSENT`."""

ABSENT = frozenset("ªºÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ")


def render(table: Table) -> str:
    """Return the whole of table.tex."""
    parts = [_main(table)]
    if table.choices:
        parts.append(_search(table))
    if table.differences:
        parts.append(_differences(table))
    return head("table.tex") + "\n".join(parts) + END


def head(file: str) -> str:
    """Return what stands before the tables of a document with this name."""
    return HEAD.replace("{file}", file)


def _main(table: Table) -> str:
    heads = ["Method", *(escape(column_text(cell, table, "→")) for cell in table.cells)]
    lines, rules = [], []
    for i, line in enumerate(table.lines):
        lines.append([escape(line_name(table, i)), *(_score(score, table.options.digits) for score in line.scores)])
        rules.append(line.kind != "method" and i + 1 < len(table.lines) and table.lines[i + 1].kind == "method")
    sentences = list(caption(table))
    lacking = list(gaps(table))
    if lacking:
        sentences.append("Not in the means: " + "; ".join(lacking) + ".")
    return booktabs(heads, lines, rules, " ".join(sentences), f"tab:{label(table.name)}", "l" + "r" * len(table.cells))


def _search(table: Table) -> str:
    heads, lines = search_texts(table)
    digits = table.options.digits
    whole = []
    for choice, texts in zip(table.choices, lines, strict=True):
        validation = "--" if choice.validation is None else percent(choice.validation, digits)
        test = "--" if choice.test is None else _stat(choice.test, digits)
        whole.append([*(escape(text) for text in texts), validation, test])
    measured = measure_text(table)
    text = (
        f"The searches: what was tuned, trials spent, the setting chosen by validation {measured}, and its test "
        f"{measured} when trained anew on the whole training set."
    )
    heads = [*(head.capitalize() for head in heads), "Validation", "Test"]
    columns = "l" * (len(heads) - 2) + "rr"
    return booktabs(heads, whole, [False] * len(whole), text, f"tab:{label(table.name)}-search", columns)


def _differences(table: Table) -> str:
    heads = ["Method", *(escape(column_text(cell, table, "→")) for cell in table.cells)]
    lines = [
        [escape(d.shown), *("--" if stat is None else _stat(stat, table.options.digits, sign=True) for stat in d.stats)]
        for d in table.differences
    ]
    text = (
        f"Difference from {table.baseline} in points, seed by seed: mean ± sample standard deviation of the "
        "differences (number of seeds)."
    )
    name = f"tab:{label(table.name)}-difference"
    return booktabs(heads, lines, [False] * len(lines), text, name, "l" + "r" * len(table.cells))


def booktabs(
    heads: Sequence[str], lines: Iterable[Sequence[str]], rules: Sequence[bool], text: str, name: str, columns: str
) -> str:
    """Return a table.

    Args:
        heads, lines: LaTeX already.
        rules: after which lines there is one.
        text: the caption, in plain text.
        name: its label.
        columns: their alignment.
    """
    body = []
    for line, rule in zip(lines, rules, strict=True):
        body.append(f"  {' & '.join(line)} \\\\")
        if rule:
            body.append("  \\midrule")
    return "\n".join(
        [
            "\\begin{table}[htbp]",
            "\\centering",
            f"\\caption{{{escape(text)}}}",
            f"\\label{{{name}}}",
            "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
            f"\\begin{{tabular}}{{{columns}}}",
            "  \\toprule",
            f"  {' & '.join(heads)} \\\\",
            "  \\midrule",
            *body,
            "  \\bottomrule",
            "\\end{tabular}}",
            "\\end{table}",
            "",
        ]
    )


def _score(score: Score, digits: int) -> str:
    if score.stat is None:
        return f"{{\\footnotesize {escape(score.missing)}}}"
    return _stat(score.stat, digits, bold=score.best)


def _stat(stat: Stat, digits: int, *, bold: bool = False, sign: bool = False) -> str:
    mean = percent(stat.mean, digits)
    if sign and float(mean) > 0:
        mean = f"+{mean}"
    mean = f"\\mathbf{{{mean}}}" if bold else mean
    spread = "" if stat.std is None else f" \\pm {percent(stat.std, digits)}"
    return f"${mean}{spread}$ {{\\scriptsize ({stat.n})}}"


def escape(text: str) -> str:
    """Return the text so that pdflatex prints it as it is.

    A character that no font of pdflatex has is printed as its number, such as [U+4E2D]: a name in another script
    must not stop the document.
    """
    flat = unicodedata.normalize("NFC", " ".join(text.split()))
    return LIGATURES.sub("{}", "".join(_character(c) for c in flat))


def _character(c: str) -> str:
    known = SPECIAL.get(c)
    if known is not None:
        return known
    if c.isascii():
        return c if c.isprintable() else ""
    if ord(c) <= LAST_LATIN and c not in ABSENT and unicodedata.category(c).startswith("L"):
        return c
    return f"[U+{ord(c):04X}]"


def label(name: str) -> str:
    """Return the name as it can stand in a label: letters, digits, point and hyphen."""
    return "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "-" for c in name)
