"""Tables in HTML, for a notebook and for the page, whose script sorts and filters them and opens what is behind a cell.

A cell that can be sorted by a number has it in `data-v`; a button in it has the trials behind it, as `0-4 7`, and what
else is known of its number.
"""

from collections.abc import Iterator, Sequence
from html import escape

from reports.tables.table import DIFFERS, LOWER, Cell, Column, Interval, Missing, Number, Row, Table, Text, Tick, Trials

TAGS = {"best": "strong", "second": "em"}
WORDS = {"best": "Bold", "second": "Italics", LOWER: LOWER, DIFFERS: DIFFERS}
TICKS = {True: "✓", False: "", None: "–"}


def render(table: Table) -> str:
    """Return the table with its notes below."""
    return f'<div class="table" data-name="{escape(table.name)}">{grid(table)}{notes(table)}</div>'


def grid(table: Table) -> str:
    """Return the table alone; rows that do not compete have a body of their own."""
    heads = "".join(map(_head, table.columns))
    top = "".join(_row(row, table.columns) for row in table.rows if row.apart)
    return (
        f"<table><caption><span>{escape(table.title)}</span></caption><thead><tr>{heads}</tr></thead>"
        f'<tbody class="pinned">{top}</tbody><tbody>{"".join(_body(table))}</tbody></table>'
    )


def notes(table: Table) -> str:
    """Return what stands below: what the numbers are, and what marks mean."""
    legend = (f"{WORDS[mark]}: {text}" for mark, text in table.legend)
    texts = [" ".join([*([table.caption] if table.caption else []), *legend]), *table.notes]
    return "".join(f'<p class="note">{escape(text)}</p>' for text in texts if text)


def _head(column: Column) -> str:
    kind = column.groups[-1] if column.groups else ""
    small = f" <small>{escape(kind)}</small>" if kind else ""
    wide = " pair wide" if column.groups else " wide" if column.sums else ""
    return f'<th scope="col" class="{column.kind}{wide}"><span>{escape(column.head)}</span>{small}</th>'


def _body(table: Table) -> Iterator[str]:
    for heading, row in table.headed():
        if heading:
            width = len(table.columns)
            yield f'<tr class="heading"><th scope="rowgroup" colspan="{width}">{escape(heading)}</th></tr>'
        if not row.apart:
            yield _row(row, table.columns)


def _row(row: Row, columns: Sequence[Column]) -> str:
    (first, *others), (_, *kinds) = row.cells, columns
    cells = "".join(
        f'<td class="{column.kind}"{_sorted(cell)}>{_content(cell)}</td>'
        for cell, column in zip(others, kinds, strict=True)
    )
    return f'<tr><th scope="row">{_content(first)}</th>{cells}</tr>'


def _sorted(cell: Cell) -> str:
    value = cell.value if isinstance(cell, Number) else cell.low if isinstance(cell, Interval) else None
    return "" if value is None else f' data-v="{value:.6g}"'


def _content(cell: Cell) -> str:
    trials = getattr(cell, "trials", ())
    return (
        f'<button type="button" class="cell" aria-haspopup="dialog"{_behind(cell)}>{_shown(cell)}</button>'
        if (trials)
        else _shown(cell)
    )


def _behind(cell: Cell) -> str:
    told = {"trials": ranges(getattr(cell, "trials", ())), "setting": getattr(cell, "setting", "")}
    if isinstance(cell, Number | Text) and cell.inside:
        told["inside"] = str(cell.inside)
    if isinstance(cell, Number):
        told |= {"lacking": cell.lacking, "remarks": "\n".join(cell.remarks)}
    return "".join(f' data-{name}="{escape(text)}"' for name, text in told.items() if text)


def ranges(trials: Trials) -> str:
    """Return places in their order, those that follow one another as one range: `0-4 7`."""
    runs: list[list[int]] = []
    for place in trials:
        if runs and place == runs[-1][1] + 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _shown(cell: Cell) -> str:
    if isinstance(cell, Number):
        return _number(cell)
    if isinstance(cell, Interval):
        return escape("[{}, {}]".format(*(end.sign + end.figure for end in cell.ends)))
    if isinstance(cell, Missing):
        return f'<span class="why">– {escape(cell.why)}</span>' if cell.why else "–"
    if isinstance(cell, Tick):
        return TICKS[cell.on]
    text = escape(cell.text)
    return (f"<strong>{text}</strong>" if cell.strong else text) + _notes(cell)


def _number(cell: Number) -> str:
    text = f"{escape(cell.before)}{cell.sign}{cell.figure}"
    tag = TAGS.get(cell.mark)
    text = f"<{tag}>{text}</{tag}>" if tag else text
    spread = f" ± {cell.spread}" if cell.spread else ""
    count = f" ({escape(cell.count)})" if cell.count else ""
    mark = f"<sup>{''.join(cell.claims)}</sup>" if cell.claims else ""
    return f"{text}{spread}{count}{escape(cell.after)}{mark}{_notes(cell)}"


def _notes(cell: Number | Text) -> str:
    return f'<small class="muted"> {escape("; ".join(cell.notes))}</small>' if cell.notes else ""
