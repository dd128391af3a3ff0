"""The tables in LaTeX: booktabs, a document that pdflatex compiles alone, from which a table can be copied."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from reports import differences
from reports.head_to_head import Table
from reports.sheets import Sheet
from reports.spread import Stat
from reports.wording import column_text, gap_text, percent, search_sentence, search_texts

if TYPE_CHECKING:
    from reports.latex_grid import Notes

PACKAGES = "booktabs and graphicx"

HEAD = r"""% Compiles alone: pdflatex {file}. To use a table in a paper, copy it from \begin{table} to \end{table};
% it needs {packages}.
\documentclass[twocolumn]{article}
\usepackage[utf8]{inputenc}
\usepackage[margin=0.75in]{geometry}
\usepackage{booktabs}
\usepackage{graphicx}
\setlength{\belowcaptionskip}{6pt}
\begin{document}
"""
END = "\\end{document}\n"

MOST_PAIRS = 6
"""Beside one another."""
MOST_LINES = 45
"""Of one tabular, so that it fits on a page."""
TWO_LINES_FROM = 9
"""Characters of a head."""
MOST_CHARACTERS = 52
"""Of a line that fits into one column of two."""

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
    "[": "{[}",  # at the beginning of a row it would open an argument of the \\ or \midrule before it
    "*": "{*}",  # likewise of \\*
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
    "†": r"$\dagger$",
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


def render(table: Table, sheets: Sequence[Sheet] = (), tables: Sequence[Table] = ()) -> str:
    """Return the whole of table.tex (see `fragments`)."""
    return head("table.tex") + "\n".join(fragments(table, sheets, tables).values()) + END


def fragments(table: Table, sheets: Sequence[Sheet] = (), tables: Sequence[Table] = ()) -> dict[str, str]:
    r"""Return each table by the name of its file: nothing but table environments, for \input.

    Args:
        sheets: further tables.
        tables: further tables of rows against cells, each with one measure: top-5.
    """
    from reports import latex_grid

    found = {}
    if table.options.wants("head_to_head"):
        found["head_to_head"] = latex_grid.render(table, main_label(table))
    for other in tables:
        found["top5"] = latex_grid.render(other, f"{main_label(table)}-top5")
    if table.choices and table.options.wants("search"):
        found["search"] = _search(table)
    if table.differences and table.options.wants("head_to_head"):
        found["difference"] = _differences(table)
    return found | {one.name: sheet(one, table) for one in sheets}


def fragment_file(text: str) -> str:
    r"""Return the content of a file for \input."""
    return f"% For \\input in a paper; needs \\usepackage{{booktabs}} and \\usepackage{{graphicx}}.\n{text}"


def main_label(table: Table) -> str:
    """Return the label of the main table; others put their name behind it."""
    return table.options.label or f"tab:{label(table.name)}"


def head(file: str) -> str:
    """Return what stands before the tables of a document with this name."""
    return HEAD.replace("{file}", file).replace("{packages}", PACKAGES)


def _search(table: Table) -> str:
    heads, lines = search_texts(table)
    digits = table.options.digits
    whole = []
    for choice, texts in zip(table.choices, lines, strict=True):
        validation = "--" if choice.validation is None else percent(choice.validation, digits)
        test = "--" if choice.test is None else _stat(choice.test, digits)
        gap = "--" if choice.gap is None else f"${gap_text(choice, digits)}$"
        whole.append([*(escape(text) for text in texts), validation, test, gap])
    heads = [*(head.capitalize() for head in heads), "Validation", "Test", "Gap"]
    columns = "l" * (len(heads) - 3) + "rrr"
    name = f"{main_label(table)}-search"
    return booktabs(heads, whole, [False] * len(whole), search_sentence(table), name, columns)


def _differences(table: Table) -> str:
    """Return the differences from the baseline; many pairs in parts below one another."""
    from reports.latex_grid import Notes

    places = range(len(table.cells))
    parts = [places[start : start + MOST_PAIRS] for start in places[::MOST_PAIRS]]
    text = (
        f"Difference from {table.baseline} in points, seed by seed: mean ± sample standard deviation of the "
        "differences (number of seeds)."
    )
    text = " ".join([text, *differences.notes([stat for one in table.differences for stat in one.stats])])
    notes = Notes()
    tabulars = [one for part in parts for one in _difference_tabulars(table, part, notes)]
    name, wide = f"{main_label(table)}-difference", len(table.cells) > MOST_PAIRS // 3
    return float_of(tabulars, text, name, below=notes.lines(), wide=wide)


def _difference_tabulars(table: Table, part: Sequence[int], notes: "Notes") -> list[str]:
    digits = table.options.digits
    heads = ["Method", *(_pair_head(table, place) for place in part)]
    body = []
    for one in table.differences:
        both = ((one.stats[place], one.missing[place]) for place in part)
        cells = (notes.reason(why) if stat is None else _stat(stat, digits, sign=True) for stat, why in both)
        body.append(" & ".join([escape(one.shown), *cells]) + r" \\")
    start = [" & ".join(heads) + r" \\", r"\midrule"]
    return [tabular("l" + "r" * len(part), [*start, *(body[i] for i in rows)]) for rows in chunks(len(body))]


def _pair_head(table: Table, place: int) -> str:
    """Return what stands over a column, the student below the teacher."""
    teacher, arrow, student = column_text(table.cells[place], table, "→").partition(" → ")
    return rf"\shortstack[r]{{{escape(teacher)}\\{escape((arrow + student).strip())}}}" if arrow else escape(teacher)


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
    body, wide = [], False
    for line, rule in zip(lines, rules, strict=True):
        body.append(" & ".join(line) + r" \\")
        wide = wide or sum(len(_plain(cell)) + 2 for cell in line) > MOST_CHARACTERS
        if rule:
            body.append("\\midrule")
    tabulars = [
        tabular(columns, [" & ".join(heads) + r" \\", r"\midrule", *(body[i] for i in part)])
        for part in chunks(len(body))
    ]
    return float_of(tabulars, text, name, wide=wide)


def _plain(latex: str) -> str:
    """Return roughly what of a cell is printed."""
    return re.sub(r"\\[A-Za-z]+\*?|[{}$\\]", "", latex)


def tabular(spec: str, body: Iterable[str]) -> str:
    """Return the lines between two rules."""
    return "\n".join(
        [
            f"\\begin{{tabular}}{{{spec}}}",
            "  \\toprule",
            *(f"  {line}" for line in body),
            "  \\bottomrule",
            "\\end{tabular}",
        ]
    )


def chunks(count: int) -> list[range]:
    """Return the places of lines in parts that fit on a page; one, if empty, where there are none."""
    return [range(start, min(start + MOST_LINES, count)) for start in range(0, max(count, 1), MOST_LINES)]


def float_of(tabulars: Sequence[str], text: str, name: str, *, below: Sequence[str] = (), wide: bool = False) -> str:
    """Return the tables as floats, as many on a page as fit; the caption stands on the first.

    Args:
        text: the caption, in plain text.
        name: its label.
        below: notes, in plain text.
        wide: over both columns of a page.
    """
    pages: list[list[str]] = []
    for one in tabulars:
        used = sum(other.count("\n") for other in pages[-1]) if pages else MOST_LINES
        if pages and used + one.count("\n") <= MOST_LINES + 6:
            pages[-1].append(one)
        else:
            pages.append([one])
    kind = "table*" if wide else "table"
    floats = []
    for number_of, page in enumerate(pages):
        fitted = [
            f"\\resizebox{{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}}{{!}}{{%\n{one}}}" for one in page
        ]
        first, last = number_of == 0, number_of == len(pages) - 1
        floats += [
            f"\\begin{{{kind}}}[tbp]",
            "\\centering",
            *(
                [f"\\caption{{{escape(text)}}}", f"\\label{{{name}}}"]
                if first
                else ["\\emph{(continued)}\\par\\smallskip"]
            ),
            "\\footnotesize",
            "\n\\par\\medskip\n".join(fitted),
            *([f"\n\\par\\smallskip\\raggedright\\scriptsize {escape(' '.join(below))}"] if below and last else []),
            f"\\end{{{kind}}}",
            "",
        ]
    return "\n".join(floats)


def sheet(one: Sheet, table: Table) -> str:
    """Return a further table."""
    spec = "".join("l" if i in one.texts else "r" for i in range(len(one.heads)))
    heads = [_head(head, "l" if i in one.texts else "r") for i, head in enumerate(one.heads)]
    lines = [[escape(t) if i in one.texts else number(t) for i, t in enumerate(line)] for line in one.lines]
    text = " ".join([f"{one.title}.", *one.notes])
    return booktabs(heads, lines, [False] * len(lines), text, f"{main_label(table)}-{label(one.name)}", spec)


def _head(text: str, side: str) -> str:
    """Return what stands over a column, in two lines where that makes it narrower; single letters stay small."""
    first, _, rest = text.partition(" ")
    first = first.capitalize() if first.isalpha() and len(first) > 1 and first.islower() else first
    if rest and len(text) > TWO_LINES_FROM:
        return rf"\shortstack[{side}]{{{escape(first)}\\{escape(rest)}}}"
    return escape(f"{first} {rest}".strip())


def number(text: str) -> str:
    """Return a number as it is printed, with a minus where it has one; words as they are."""
    return re.sub(r"(?<![\w.])-(?=\d)", "$-$", escape(text)).replace(r"\textendash{}", "--")


def _stat(stat: Stat, digits: int, *, bold: bool = False, sign: bool = False) -> str:
    mean = percent(stat.mean, digits)
    if sign and float(mean) > 0:
        mean = f"+{mean}"
    mean = f"\\mathbf{{{mean}}}" if bold else mean
    spread = "" if stat.std is None else f" \\pm {percent(stat.std, digits)}"
    return f"${mean}{spread}$ {{\\scriptsize ({stat.count})}}"


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
    return f"{SPECIAL['[']}U+{ord(c):04X}]"


def label(name: str) -> str:
    """Return the name as it can stand in a label: letters, digits, point and hyphen."""
    return "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "-" for c in name)
