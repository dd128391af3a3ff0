r"""Tables in LaTeX: booktabs, as floats for \input in a paper, or as a document that pdflatex compiles alone.

A number with a spread takes two columns, right- and left-aligned, so that points and ± stand under one another.
"""

from collections.abc import Iterator, Sequence

from reports.formats.footnotes import Footnotes
from reports.formats.latex_escape import escape
from reports.formats.parts import Part, heights, parts, spans
from reports.tables.table import DIFFERS, LOWER, Cell, Column, Interval, Missing, Number, Row, Table, Text, Tick

PACKAGES = "booktabs, graphicx and amssymb"
HEAD = r"""% Compiles alone: pdflatex {file}. To use a table in a paper, copy it from \begin{table} to \end{table};
% it needs {packages}.
\documentclass[twocolumn]{article}
\usepackage[utf8]{inputenc}
\usepackage[margin=0.75in]{geometry}
\usepackage{amssymb}
\usepackage{booktabs}
\usepackage{graphicx}
\setlength{\belowcaptionskip}{6pt}
\begin{document}
"""
END = "\\end{document}\n"
FRAGMENT = "% For \\input in a paper; needs \\usepackage{{booktabs}} and \\usepackage{{graphicx}}{more}.\n"

MOST_PAIRS = 6
"""Beside one another; more stand below."""
MOST_LINES = 45
"""Of one tabular, so that it fits on a page."""
TWO_LINES_FROM = 9
"""Characters of a head."""
MOST_CHARACTERS = 52
"""Of a line that fits into one column of two."""
SHORT_REASON = 12
"""Characters of a reason that stand in a cell; longer ones stand below."""

SIGNS = {"+": "+", "-": "$-$", "": ""}
MARKS = {"best": r"\textbf{%s}", "second": r"\underline{%s}", "": "%s"}
WORDS = {"best": "Bold", "second": "Underlined", LOWER: LOWER, DIFFERS: DIFFERS}
CLAIMS = {LOWER: r"\dagger", DIFFERS: "*"}
TICKS = {True: r"$\checkmark$", False: "", None: "--"}


def document(file: str, tables: Sequence[Table]) -> str:
    """Return a file of this name with all tables, which compiles alone."""
    head = HEAD.replace("{file}", file).replace("{packages}", PACKAGES)
    return head + "\n".join(render(table) for table in tables) + END


def fragment(*tables: Table) -> str:
    r"""Return a file with nothing but these tables, for \input."""
    text = "\n".join(render(table) for table in tables)
    return FRAGMENT.format(more=r", and \usepackage{amssymb}" if "checkmark" in text else "") + text


def render(table: Table) -> str:
    """Return the table as one float, or several where it is long; the caption stands on the first, notes below the
    last."""
    footnotes = Footnotes()
    found = parts(table, MOST_PAIRS)
    tabulars = [tabular for part in found for tabular in _Grid(table, part, footnotes).tabulars()]
    legend = (f"{WORDS[mark]}: {text}" for mark, text in table.legend)
    caption = " ".join([table.caption or f"{table.title}.", *legend])
    wide = len(found) > 1 or any(_characters(table, part) > MOST_CHARACTERS for part in found)
    below = " ".join([*table.notes, *footnotes.lines()])
    return "\n".join(_floats(tabulars, caption, table.label, below, "table*" if wide else "table"))


def _characters(table: Table, part: Part) -> int:
    """Return roughly how many characters wide a part is."""
    return sum(2 + max((_length(row.cells[i]) for row in table.rows), default=0) for i in part.places)


def _length(cell: Cell) -> int:
    if isinstance(cell, Number):
        return len(f"{cell.before}{cell.sign}{cell.figure}{cell.spread}{cell.after}") + 3 * bool(cell.spread)
    if isinstance(cell, Interval):
        return 4 + sum(1 + len(end.figure) for end in cell.ends)
    if isinstance(cell, Missing):
        return min(len(cell.why), SHORT_REASON)
    return 1 if isinstance(cell, Tick) else len(cell.text)


class _Grid:
    """The columns of a part as tabulars."""

    def __init__(self, table: Table, part: Part, footnotes: Footnotes) -> None:
        self._table = table
        self._places = part.places
        self._columns = [table.columns[i] for i in part.places]
        self._double = [self._is_double(i) for i in part.places]
        self._footnotes = footnotes

    def _is_double(self, place: int) -> bool:
        """Return whether a column has numbers with something behind them, which take two of LaTeX's columns."""
        numbers = [row.cells[place] for row in self._table.rows if isinstance(row.cells[place], Number)]
        return any(isinstance(n, Number) and (n.spread or n.claims or n.count) for n in numbers)

    def tabulars(self) -> Iterator[str]:
        """Yield one, or several of as many rows as fit on a page."""
        spec = "".join(
            "r@{}l" if double else {"text": "l", "number": "r", "tick": "c"}[column.kind]
            for column, double in zip(self._columns, self._double, strict=True)
        )
        rows = list(self._table.headed())
        for start in range(0, max(len(rows), 1), MOST_LINES):
            body = [line for i, one in enumerate(rows[start : start + MOST_LINES]) for line in self._row(*one, i)]
            lines = [r"\toprule", *self._heads(), r"\midrule", *body, r"\bottomrule"]
            inside = "\n".join(f"  {line}" for line in lines)
            yield f"\\begin{{tabular}}{{{spec}}}\n{inside}\n\\end{{tabular}}"

    def _row(self, heading: str, row: Row, place: int) -> Iterator[str]:
        if place and (heading or row.rule):
            yield r"\midrule"
        if heading:
            width = len(self._places) + sum(self._double)
            yield rf"\multicolumn{{{width}}}{{l}}{{\textit{{{escape(heading)}}}}} \\"
        cells = (self._cell(row.cells[i], double) for i, double in zip(self._places, self._double, strict=True))
        yield " & ".join(cells) + r" \\"

    # --- heads -------------------------------------------------------------------------------------------------------

    def _heads(self) -> Iterator[str]:
        levels = max((len(column.groups) for column in self._columns), default=0)
        for level in range(levels):
            found = spans(self._columns, level)
            if any(text for text, _ in found):
                yield from self._spanning(found)
        height = max(heights(self._columns), *(len(self._lines(column)) for column in self._columns))
        stacked = [self._lines(column) for column in self._columns]
        for line in range(height):
            texts = [self._over(lines, line - (height - len(lines))) for lines in stacked]
            yield " & ".join(map(self._head, texts, self._columns, self._double)) + r" \\"

    def _lines(self, column: Column) -> tuple[str, ...]:
        """Return a head in lines: two where that makes it narrower."""
        if column.stacked:
            return column.stacked
        first, _, rest = column.head.partition(" ")
        first = first.capitalize() if first.isalpha() and len(first) > 1 and first.islower() else first
        return (first, rest) if rest and len(column.head) > TWO_LINES_FROM else (f"{first} {rest}".strip(),)

    def _over(self, lines: Sequence[str], line: int) -> str:
        return lines[line] if line >= 0 else ""

    def _head(self, text: str, column: Column, double: bool) -> str:
        text = escape(text, signs=column.sign)
        return rf"\multicolumn{{2}}{{c}}{{{text}}}" if double else text

    def _spanning(self, found: Sequence[tuple[str, int]]) -> Iterator[str]:
        """Yield a row of heads that stand over several columns, with a rule below each."""
        texts, rules, column, place = [], [], 1, 0
        for text, count in found:
            width = count + sum(self._double[place : place + count])
            texts.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(text)}}}" if text else " & ".join([""] * width))
            rules += [rf"\cmidrule(lr){{{column}-{column + width - 1}}}"] if text else []
            column, place = column + width, place + count
        yield " & ".join(texts) + r" \\"
        yield "".join(rules)

    # --- cells -------------------------------------------------------------------------------------------------------

    def _cell(self, cell: Cell, double: bool) -> str:
        marks = "".join(rf"\,{escape(mark)}" for mark in self._footnotes.of(cell))
        if isinstance(cell, Number):
            return self._number(cell, double) + marks
        text = self._content(cell) + marks
        return rf"\multicolumn{{2}}{{c}}{{{text}}}" if double else text

    def _number(self, cell: Number, double: bool) -> str:
        text = MARKS[cell.mark] % f"{escape(cell.before)}{SIGNS[cell.sign]}{cell.figure}"
        after = escape(f"x{cell.after}")[1:]
        if not double:
            return text + after
        spread = rf"\,$\pm$\,{cell.spread}" if cell.spread else ""
        usual = cell.count in ("", str(self._table.usual_n))
        count = "" if usual else rf"\,({escape(cell.count)})"
        claims = "".join(CLAIMS[claim] for claim in cell.claims)
        mark = f"$^{{{claims}}}$" if claims else ""
        return rf"{text} & {{\scriptsize {spread}{count}{after}}}{mark}"

    def _content(self, cell: Cell) -> str:
        if isinstance(cell, Interval):
            return "{{[}}{}, {}]".format(*tuple(SIGNS[end.sign] + end.figure for end in cell.ends))
        if isinstance(cell, Missing):
            return self._missing(cell.why)
        if isinstance(cell, Tick):
            return TICKS[cell.on]
        return MARKS["best" if cell.strong else ""] % escape(cell.text) if isinstance(cell, Text) else ""

    def _missing(self, why: str) -> str:
        if not why:
            return "--"
        if len(why) <= SHORT_REASON:
            return rf"\scriptsize {escape(why)}"
        return rf"\scriptsize --\,{escape(self._footnotes.letter(why))}"


def _floats(tabulars: Sequence[str], caption: str, label: str, below: str, kind: str) -> Iterator[str]:
    """Yield the lines of as many floats as it takes."""
    pages: list[list[str]] = []
    for one in tabulars:
        used = sum(other.count("\n") for other in pages[-1]) if pages else MOST_LINES
        if pages and used + one.count("\n") <= MOST_LINES + 6:
            pages[-1].append(one)
        else:
            pages.append([one])
    for number, page in enumerate(pages):
        yield f"\\begin{{{kind}}}[tbp]"
        yield "\\centering"
        yield from (
            (r"\emph{(continued)}\par\smallskip",)
            if number
            else (f"\\caption{{{escape(caption)}}}", f"\\label{{{label}}}")
        )
        yield "\\footnotesize"
        yield "\n\\par\\medskip\n".join(
            f"\\resizebox{{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}}{{!}}{{%\n{one}}}" for one in page
        )
        if below and number == len(pages) - 1:
            yield f"\n\\par\\smallskip\\raggedright\\scriptsize {escape(below)}"
        yield f"\\end{{{kind}}}"
        yield ""
