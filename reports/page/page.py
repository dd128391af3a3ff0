"""Makes one HTML file of tables, figures, a template, a style and a script; nothing else may run in it."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from reports.board.board import Board
from reports.figures import Figure
from reports.formats import csv, latex, markdown, text
from reports.page.data import STATES, data
from reports.page.svg import inline
from reports.results.results import Results
from reports.tables.table import Cell, Interval, Missing, Number, Table, Text, Trials

SCRIPT = '"use strict";\n(() => {{\n{}\n}})();\n'
"""Names of its own, which are none of the browser's."""
POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; object-src 'none'"
)
"""Content security policy: what is not this style and this script, by their digests, is refused by the browser;
pictures are those within a figure, such as the scale of a map."""


def render(results: Results, board: Board, tables: Sequence[Table], figures: Sequence[tuple[Figure, str]] = ()) -> str:
    """Return the whole of index.html. The same results give the same text.

    Args:
        figures: each with its SVG, as its file has it.

    Raises:
        StoreUnavailableError: curves and details of runs are read from the store, which does not answer any more.
    """
    results = replace(results, trials=results.trials.reset_index(drop=True))  # lines are named by their places
    named, pairs = dict(_anchors(tables)), len(board.cells)
    over = [one.cell.title if one.cell and pairs > 1 else one.name for one, _ in figures]
    pictures = [
        (_markup(inline(svg, one.name, title)), title, one.caption)
        for (one, svg), title in zip(figures, over, strict=True)
    ]
    read = data(results, board) | {"copies": {anchor: copies(table) for anchor, table in named.items()}}
    style, script = _asset("page.css"), SCRIPT.format(_asset("panel.js") + "\n" + _asset("page.js"))
    return _template().render(
        policy=POLICY.format(script=_digest(script), style=_digest(style)),
        name=board.name,
        counts=_counts(results),
        style=_markup(style),
        script=_markup(script),
        read=read,
        data=_markup(embedded(read)),
        tables=named,
        figures=pictures,
    )


def _anchors(tables: Sequence[Table]) -> Iterator[tuple[str, Table]]:
    """Yield each table with the name by which addresses know it: its own, with a number where another has it."""
    seen: Counter[str] = Counter()
    for table in tables:
        seen[table.name] += 1
        yield table.name if seen[table.name] == 1 else f"{table.name}-{seen[table.name]}", table


def copies(table: Table) -> dict[str, str]:
    """Return what can be copied of a table: the texts that its files have."""
    return {"LaTeX": latex.fragment(table), "CSV": csv.render(table), "Markdown": markdown.render(table) + "\n"}


def _counts(results: Results) -> str:
    """Return how many trials stand in each state; one that serves several rows counts once."""
    counts = Counter(results.trials.drop_duplicates("trial_key")["state"])
    order = [*STATES, *sorted(counts.keys() - STATES.keys())]
    told = (f"{counts[state]:,} {STATES.get(state, state.lower())}" for state in order if counts[state])
    total = counts.total()
    return f"{total:,} trial{'s' * (total != 1)}: {', '.join(told) or 'none'}."


# --- what the template asks for ---------------------------------------------------------------------------------------


def notes(table: Table) -> Iterator[str]:
    """Yield the paragraphs below a table: what the numbers are, what marks mean, and what else is to be known."""
    yield f"{table.caption} {table.explained(markdown.WORDS)}".strip()
    yield from table.notes


def value(cell: Cell) -> dict[str, str]:
    """Return the number that a cell is sorted by, and how many decimals it is shown with."""
    if isinstance(cell, Number):
        return {"data-v": f"{cell.value:.6g}", "data-d": str(cell.digits)}
    return {"data-v": f"{cell.low:.6g}"} if isinstance(cell, Interval) else {}


def behind(cell: Cell) -> dict[str, str]:
    """Return what the panel of a cell is made from: trials, and what is known of its number."""
    told = {"trials": ranges(getattr(cell, "trials", ())), "setting": getattr(cell, "setting", "")}
    if isinstance(cell, Number | Text) and cell.inside:
        told["inside"] = str(cell.inside)
    if isinstance(cell, Number):
        told |= {"lacking": cell.lacking, "remarks": "\n".join(cell.remarks)}
    return {f"data-{name}": words for name, words in told.items() if words}


def ranges(trials: Trials) -> str:
    """Return places in their order, those that follow one another as one range: `0-4 7`."""
    runs: list[list[int]] = []
    for place in trials:
        if runs and place == runs[-1][1] + 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def embedded(payload: Mapping[str, Any]) -> str:
    """Return the data as JSON that cannot end the element that it stands in: no `<`, `>` or `&` occurs in it."""
    found = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        found = found.replace(character, f"\\u{ord(character):04x}")
    return found


def _markup(html: str) -> Markup:
    """Return what is HTML already: every name in it was escaped where it was made."""
    return Markup(html)  # noqa: S704


def _digest(code: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= {"notes": notes, "value": value, "behind": behind, "plain": text.content}
    environment.tests |= {kind.__name__: _is(kind) for kind in (Number, Missing, Text)}
    return environment.from_string(_asset("template.html"))


def _is(kind: type[Cell]) -> Any:
    return lambda cell: isinstance(cell, kind)


def _asset(name: str) -> str:
    return (files("reports.page") / name).read_text(encoding="utf-8")
