"""Tables in LaTeX: booktabs, as floats for \\input in a paper, or as a document that pdflatex compiles alone.

A table fits as it is pasted, in two columns and in one: where it takes two layouts the width of the text chooses.
"""

import functools
from collections.abc import Iterator, Sequence

from reports.formats.footnotes import Footnotes
from reports.formats.latex_escape import escape
from reports.formats.latex_layout import COLUMN, Layout, layouts
from reports.formats.latex_tabular import Tabular
from reports.tables.table import DIFFERS, LOWER, Table

PACKAGES = ("amssymb", "array", "booktabs", "color", "threeparttable")
HEAD = r"""% Compiles alone: pdflatex {file}. To use a table in a paper, copy it, or \input its file in tables/;
% it needs {packages}.
\documentclass[twocolumn]{article}
\usepackage[utf8]{inputenc}
\usepackage[margin=0.68in]{geometry}
\usepackage{amssymb,array,booktabs,color}
\IfFileExists{threeparttable.sty}{\usepackage{threeparttable}}{% what of it is used here
  \newenvironment{threeparttable}{\begin{minipage}{\linewidth}\centering}{\end{minipage}}
  \newenvironment{tablenotes}[1][]{\par\smallskip\raggedright\def\item{\par}}{\par}}
\begin{document}
"""
END = "\\end{document}\n"
NEEDS = {"amssymb": r"\checkmark", "color": r"\color[", "array": ">{"}
MOST_FLOATS = 8
"""Of one table, before LaTeX has to put them on pages: it keeps 18 at most."""
WORDS = {"best": "Bold", "second": "Underlined", LOWER: LOWER, DIFFERS: DIFFERS}


def document(file: str, tables: Sequence[Table]) -> str:
    """Return a file of this name with all tables, which compiles alone."""
    head = HEAD.replace("{file}", file).replace("{packages}", ", ".join(PACKAGES))
    return head + "\\clearpage\n".join(render(table) for table in tables) + END


def fragment(*tables: Table) -> str:
    r"""Return a file with nothing but these tables, for \input."""
    text = "\n".join(render(table) for table in tables)
    needed = [name for name in PACKAGES if NEEDS.get(name, "") in text]
    return f"% For \\input in a paper; needs \\usepackage{{{','.join(needed)}}}.\n{text}"


@functools.lru_cache(maxsize=64)
def render(table: Table) -> str:
    """Return the table as one float, or several where it is long: the caption above the first, notes below the last."""
    wide, narrow = layouts(table)
    if wide is narrow:
        return _floats(wide)
    return f"\\ifdim\\textwidth<{wide.least:.1f}em\n{_floats(narrow)}\\else\n{_floats(wide)}\\fi\n"


def _floats(layout: Layout) -> str:
    table, footnotes = layout.table, Footnotes()
    tabulars = list(Tabular(layout, footnotes).tabulars())
    notes = [text for text in (table.explained(WORDS), *table.notes, *footnotes.lines()) if text]
    kind = "table*" if layout.width > COLUMN else "table"
    lines: list[str] = []
    for number, tabular in enumerate(tabulars):
        own = notes if number == len(tabulars) - 1 else []
        caption = table.caption or f"{table.title}."
        above = [f"\\caption{{{escape(caption)}}}", f"\\label{{{table.label}}}"]
        lines += [r"\clearpage"] if number and number % MOST_FLOATS == 0 else []
        lines += _float(kind, [r"\emph{(continued)}\par\smallskip"] if number else above, layout, tabular, own)
    return "\n".join(lines)


def _float(kind: str, above: Sequence[str], layout: Layout, tabular: str, notes: Sequence[str]) -> Iterator[str]:
    yield f"\\begin{{{kind}}}[tbp]"
    yield "\\centering"
    yield "\\begin{threeparttable}"
    yield from above
    yield f"\\{layout.size.name}\\setlength{{\\tabcolsep}}{{{layout.size.space:g}pt}}"
    yield r"\setlength{\abovetopsep}{4pt}"
    yield tabular
    if notes:
        yield "\\begin{tablenotes}[flushleft]\\scriptsize"
        yield from (f"\\item {escape(note)}" for note in notes)
        yield "\\end{tablenotes}"
    yield "\\end{threeparttable}"
    yield f"\\end{{{kind}}}"
    yield ""
