"""Makes one HTML file of tables, figures, a template, a style and a script; nothing else may run in it."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from reports.board.board import Board
from reports.formats import html
from reports.page import curves, trials
from reports.page.svg import inline
from reports.results.results import Results
from reports.tables.table import Table
from reports.tables.wording import pair_text

SCRIPTS = ("dom.js", "data.js", "tables.js", "runs.js", "sections.js")
"""In the order in which they are put together to one."""

SCRIPT = '"use strict";\n(() => {{\n{}\n}})();\n'
"""Names of its own, which are none of the browser's."""

POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; object-src 'none'"
)
"""Content security policy: what is not this style and this script, by their digests, is refused by the browser;
pictures are those within a figure, such as the scale of a map."""

STATES = {
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "DIVERGED": "diverged",
    "FAIL": "failed",
    "INTERRUPTED": "interrupted",
    "RUNNING": "running",
    "WAITING": "not started",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure of the page."""

    stem: str
    title: str
    caption: str
    svg: str
    """As its file has it."""


def render(results: Results, board: Board, tables: Sequence[Table], figures: Sequence[Drawn] = ()) -> str:
    """Return the whole of index.html. The same results give the same text.

    Raises:
        StoreUnavailableError: curves and details of runs are read from the store, which does not answer any more.
    """
    style, script = _asset("page.css"), SCRIPT.format("\n".join(_asset(name) for name in SCRIPTS))
    results = replace(results, trials=results.trials.reset_index(drop=True))  # lines are named by their places
    return _template().render(
        policy=POLICY.format(script=_digest(script), style=_digest(style)),
        name=board.name,
        states=_states(results),
        style=_markup(style),
        script=_markup(script),
        data=_markup(embedded(data(results, board))),
        tables=tables,
        grid=lambda table: _markup(html.grid(table)),
        notes=lambda table: _markup(html.notes(table)),
        figures=figures,
        picture=lambda drawn: _markup(inline(drawn.svg, drawn.stem, drawn.title or drawn.stem)),
    )


def data(results: Results, board: Board) -> dict[str, Any]:
    """Return what the page's script needs beside the tables."""
    drawn, left_out = curves.of_trials(results)
    return {
        "digits": board.options.digits,
        "cells": {
            cell.id: {"pair": pair_text(cell, board), "short": board.measure(cell).short} for cell in board.cells
        },
        "trials": trials.columns(results, board),
        "curves": drawn,
        "curvesNote": left_out,
        "states": STATES,
    }


def _states(results: Results) -> str:
    """Return how many trials stand in each state; one that serves several rows counts once."""
    counts = Counter(results.trials.drop_duplicates("trial_key")["state"])
    order = [*STATES, *sorted(counts.keys() - STATES.keys())]
    told = (f"{counts[state]:,} {STATES.get(state, state.lower())}" for state in order if counts[state])
    total = counts.total()
    return f"{total:,} trial{'s' * (total != 1)}: {', '.join(told) or 'none'}."


def embedded(payload: Mapping[str, Any]) -> str:
    """Return the data as JSON that cannot end the element that it stands in: no `<`, `>` or `&` occurs in it."""
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _markup(text: str) -> Markup:
    """Return what is HTML already: every name in it was escaped where it was made."""
    return Markup(text)  # noqa: S704


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_asset("template.html"))


def _asset(name: str) -> str:
    return (files("reports.page") / "assets" / name).read_text(encoding="utf-8")
