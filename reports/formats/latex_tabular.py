r"""The tabular of a table in LaTeX: heads, rows and cells, parts under one another.

A number with a spread takes two columns, right- and left-aligned, so that points and ± stand under one another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reports.formats.footnotes import Footnotes
from reports.formats.latex_escape import character, escape
from reports.formats.latex_layout import LEAST_TEXT, SHORT_REASON, Layout, content_width, em, head_lines
from reports.formats.parts import heights, spans
from reports.formats.text import content
from reports.tables.table import DIFFERS, LOWER, Cell, Interval, Missing, Number, Row, Text, Tick

SIGNS = {"+": "+", "-": "$-$", "": ""}
MARKS = {"best": r"\textbf{%s}", "second": r"\underline{%s}", "": "%s"}
CLAIMS = {LOWER: r"\dagger", DIFFERS: "*"}
TICKS = {True: r"$\checkmark$", False: "", None: "--"}
SHADE = r"\noalign{{\color[gray]{0.9}\hrule height %d\normalbaselineskip}\kern-%d\normalbaselineskip}"
"""Behind a row of so many lines: a rule is as wide as the table, colours of cells would cover what stands beside."""

Line = tuple[str, int]
"""What is printed, and in how many lines it stands."""


class Tabular:
    """A table in one layout."""

    def __init__(self, layout: Layout, footnotes: Footnotes) -> None:
        self._layout = layout
        self._table = layout.table
        self._columns = self._table.columns
        self._footnotes = footnotes
        self._doubles = layout.doubles
        self._under = [row for row in self._table.rows if row.under is not None]
        self._lifted = len(layout.parts[0].places) > 1 and self._columns[0].stacked != () and bool(self._under)

    def tabulars(self) -> Iterator[str]:
        """Yield one, or several of as many lines as fit on a page."""
        blocks = [block for slots in self._layout.slots for block in self._blocks(slots)]
        page: list[str] = []
        used = 0
        for block in blocks:
            lines = sum(height for _, height in block) + 1  # for the space around its rules
            if page and used + lines > self._layout.most_lines:
                yield self._whole(page)
                page, used = [], 0
            page += [*([r"\midrule"] if page else []), *(text for text, _ in block)]
            used += lines
        yield self._whole(page)

    def _whole(self, lines: Sequence[str]) -> str:
        layout, spec = self._layout, "".join(map(self._spec, range(len(self._doubles))))
        shares = {
            slot: f"{LEAST_TEXT:g}em+(\\linewidth-{layout.fixed:.1f}em)*{int(1000 * s)}/1000"
            for slot, s in layout.shares.items()
        }
        narrow = "".join(rf"\def{_room(slot)}{{\dimexpr{room}\relax}}" for slot, room in shares.items())
        wide = "".join(rf"\def{_room(slot)}{{{layout.widths[slot]:.1f}em}}" for slot in shares)
        rooms = f"\\ifdim\\linewidth<{layout.whole:.1f}em{narrow}\\else{wide}\\fi\n" if shares else ""
        inside = "\n".join(f"  {line}" for line in [r"\toprule", *lines, r"\bottomrule"])
        if not self._layout.spread:
            return rooms + f"\\begin{{tabular}}{{@{{}}{spec}@{{}}}}\n{inside}\n\\end{{tabular}}"
        fill = r"@{\extracolsep{\fill}}"
        return f"\\begin{{tabular*}}{{\\linewidth}}{{{fill}{spec}@{{}}}}\n{inside}\n\\end{{tabular*}}"

    def _spec(self, slot: int) -> str:
        """Return how a slot is aligned; a number below a wider head stands in the middle of it."""
        text = self._layout.is_text(slot)
        cap = self._layout.texts[slot]
        if slot in self._layout.shares:
            return rf">{{\raggedright\arraybackslash}}p{{{_room(slot)}}}"
        if cap is not None:
            return rf">{{\raggedright\hangindent=0.8em\arraybackslash}}p{{{cap:g}em}}"
        if self._doubles[slot]:
            places = [of[slot] for of in self._layout.slots]
            content = max(content_width(self._table, i, self._layout.size) for i in places if i is not None)
            beside = (self._layout.widths[slot] - content) / 2
            between = r"@{\extracolsep{0pt}}" if self._layout.spread else "@{}"
            after = rf"@{{\extracolsep{{\fill}}\hspace{{{2 * self._layout.size.space:g}pt}}}}" * self._layout.spread
            after *= slot < len(self._doubles) - 1
            return (rf">{{\hspace{{{beside:.1f}em}}}}" if beside >= 0.1 else "") + f"r{between}l{after}"
        kinds = {self._columns[i].kind for i in (of[slot] for of in self._layout.slots) if i is not None}
        return "l" if text else "c" if kinds == {"tick"} else "r"

    # --- rows --------------------------------------------------------------------------------------------------------

    def _blocks(self, slots: Sequence[int | None]) -> Iterator[list[Line]]:
        """Yield heads and rows of a part, in blocks of as many lines as fit on a page, each with its heads."""
        heads = [*self._heads(slots), (r"\midrule", 0)]
        height = sum(lines for _, lines in heads)
        block, used = list(heads), height
        for heading, row in self._headed():
            if self._lifted and row.under is not None:
                continue
            lines = list(self._row(heading, row, slots, first=len(block) == len(heads)))
            needed = sum(count for _, count in lines)
            if used + needed > self._layout.most_lines and len(block) > len(heads):
                yield block
                block, used = list(heads), height
                lines = list(self._row(heading or self._over(row), row, slots, first=True))
            block += lines
            used += needed
        yield block

    def _headed(self) -> Iterator[tuple[str, Row]]:
        """Yield each row with what is printed above it."""
        before = ""
        for heading, row in self._table.headed():
            over = self._over(row)
            yield heading or (over if over != before else ""), row
            before = over

    def _over(self, row: Row) -> str:
        """Return the text of the columns that stand as headings."""
        found = [(c.head, content(cell)) for cell, c in zip(row.cells, self._columns, strict=True) if c.over]
        return "; ".join(f"{head} {text}" if n else text for n, (head, text) in enumerate(found))

    def _row(self, heading: str, row: Row, slots: Sequence[int | None], *, first: bool) -> Iterator[Line]:
        if not first and (heading or row.rule):
            yield r"\midrule", 0
        if heading:
            width = len(slots) + sum(self._doubles)
            yield rf"\multicolumn{{{width}}}{{@{{}}l}}{{\textit{{{escape(heading)}}}}} \\", 1
        lines = self._layout.lines_of(row.cells, slots)
        yield (SHADE % (lines, lines) if row.shaded else "") + self._cells(row, slots), lines

    def _cells(self, row: Row, slots: Sequence[int | None]) -> str:
        texts = (
            self._empty(slot) if place is None else self._cell(row.cells[place], slot)
            for slot, place in enumerate(slots)
        )
        return " & ".join(texts) + r" \\"

    def _lifted_row(self, row: Row, slots: Sequence[int | None], *, named: bool) -> str:
        """Return a row that stands among the heads, with its numbers in the middle and one teacher not counted."""
        texts = []
        for slot, place in enumerate(slots):
            cell = None if place is None or (not slot and not named) else row.cells[place]
            if isinstance(cell, Number) and self._doubles[slot]:
                own = replace(cell, count="") if cell.count == "1" and not row.under else cell
                texts.append(rf"\multicolumn{{2}}{{c}}{{{self._number(own, double=True).replace(' & ', '')}}}")
            else:
                texts.append(self._empty(slot) if cell is None else self._cell(cell, slot))
        return " & ".join(texts) + r" \\"

    def _empty(self, slot: int) -> str:
        return " & " if self._doubles[slot] else ""

    # --- heads -------------------------------------------------------------------------------------------------------

    def _heads(self, slots: Sequence[int | None]) -> Iterator[Line]:
        """Yield the heads; what belongs to a line of them, such as the teachers' accuracies, stands below that line."""
        columns = [None if place is None else self._columns[place] for place in slots]
        known = [column for column in columns if column is not None]
        for level in range(max(len(column.groups) for column in known)):
            found = spans([column or known[0] for column in columns], level)
            if any(text for text, _ in found):
                yield from self._spanning(found)
        height = heights(known)
        for line in range(height):
            texts, most = [], 1
            for slot, column in enumerate(columns):
                stacked = () if column is None else column.stacked or ("",) * (height - 1) + (column.head,)
                text, lines = self._head(stacked[line] if line < len(stacked) else "", slot, slots[slot])
                texts.append(text)
                most = max(most, lines)
            yield " & ".join(texts) + r" \\", most
            if self._lifted:
                rows = [row for row in self._under if row.under == line]
                yield from ((self._lifted_row(row, slots, named=len(rows) > 1), 1) for row in rows)

    def _head(self, text: str, slot: int, place: int | None) -> tuple[str, int]:
        """Return one line of a head, itself in as many lines as it takes."""
        if place is None or not text:
            return self._empty(slot), 1
        column = self._columns[place]
        if self._layout.room(slot) is not None:
            return escape(_capital(text), signs=column.sign), 1
        content = content_width(self._table, place, self._layout.size)
        lines = head_lines(text, column, content)
        plain = column.stacked or column.sign
        lines = [line if n or plain else _capital(line) for n, line in enumerate(lines)]
        align = "l" if column.kind == "text" else "c"
        found = _stack(lines, align, signs=column.sign)
        if max(map(em, lines)) > content:
            found = rf"\scriptsize {found}"
        if self._doubles[slot]:
            return rf"\multicolumn{{2}}{{c}}{{{found}}}", len(lines)
        return (rf"\multicolumn{{1}}{{{align}}}{{{found}}}" if len(lines) > 1 else found), len(lines)

    def _spanning(self, found: Sequence[tuple[str, int]]) -> Iterator[Line]:
        """Yield a row of heads that stand over several columns, with a rule below each."""
        texts, rules, column, place, most = [], [], 1, 0, 1
        for text, count in found:
            width = count + sum(self._doubles[place : place + count])
            lines = head_lines(text, self._columns[0], sum(self._layout.widths[place : place + count]))
            most = max(most, len(lines))
            texts.append(rf"\multicolumn{{{width}}}{{c}}{{{_stack(lines, 'c')}}}" if text else " & ".join([""] * width))
            rules += [rf"\cmidrule(lr){{{column}-{column + width - 1}}}"] if text else []
            column, place = column + width, place + count
        yield " & ".join(texts) + r" \\", most
        yield "".join(rules), 0

    # --- cells -------------------------------------------------------------------------------------------------------

    def _cell(self, cell: Cell, slot: int) -> str:
        marks = "".join(rf"\,{escape(mark)}" for mark in self._footnotes.of(cell))
        double = self._doubles[slot]
        if isinstance(cell, Number):
            return self._number(cell, double) + marks
        text = self._content(cell, self._layout.room(slot)) + marks
        return rf"\multicolumn{{2}}{{c}}{{{text}}}" if double and text else text + " & " * double

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
        small = spread + count + after
        return f"{text} & " + (rf"{{\scriptsize {small}}}" if small else "") + mark

    def _content(self, cell: Cell, room: float | None) -> str:
        if isinstance(cell, Interval):
            return "{{[}}{}, {}]".format(*tuple(SIGNS[end.sign] + end.figure for end in cell.ends))
        if isinstance(cell, Missing):
            return self._missing(cell.why)
        if isinstance(cell, Tick):
            return TICKS[cell.on]
        if not isinstance(cell, Text):
            return ""
        return MARKS["best" if cell.strong else ""] % (
            escape(cell.text) if room is None else breakable(cell.text, room)
        )

    def _missing(self, why: str) -> str:
        if not why:
            return "--"
        if len(why) <= SHORT_REASON:
            return rf"\scriptsize {escape(why)}"
        return rf"\scriptsize --\,{escape(self._footnotes.letter(why))}"


def _room(slot: int) -> str:
    """Return the macro that says how wide the words of a slot are."""
    return rf"\words{chr(ord('A') + slot)}"


def breakable(text: str, room: float) -> str:
    """Return the text so that a word which is wider than so many em may be broken anywhere."""
    words = text.split()
    return " ".join(
        escape(word, signs=after == "=") if em(word) < 0.8 * room else r"\allowbreak{}".join(map(character, word))
        for word, after in zip(words, [*words[1:], ""], strict=False)
    )


def _stack(lines: Sequence[str], align: str, *, signs: bool = False) -> str:
    """Return lines under one another."""
    printed = [escape(line, signs=signs) for line in lines]
    if len(printed) == 1:
        return printed[0]
    return rf"\begin{{tabular}}[b]{{@{{}}{align}@{{}}}}" + r"\\".join(printed) + r"\end{tabular}"


def _capital(text: str) -> str:
    first, _, rest = text.partition(" ")
    first = first.capitalize() if first.isalpha() and len(first) > 1 and first.islower() else first
    return f"{first} {rest}".strip()
