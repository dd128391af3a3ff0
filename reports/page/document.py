"""Makes one HTML file of a template, a style, a script and data; nothing else may run or be fetched in it."""

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

SCRIPTS = ("dom.js", "data.js", "tables.js", "charts.js", "runs.js", "sections.js")
"""In the order in which they are put together to one."""

SCRIPT = '"use strict";\n(() => {{\n{}\n}})();\n'
"""Names of its own, which are none of the browser's."""

POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; "
    "base-uri 'none'; form-action 'none'; object-src 'none'"
)
"""Content security policy: what is not this style and this script, by their digests, is refused by the browser."""


def render(title: str, payload: Mapping[str, Any]) -> str:
    """Return the page; `payload` is what its script shows."""
    style, script = _asset("page.css"), SCRIPT.format("\n".join(_asset(name) for name in SCRIPTS))
    parts = {
        "policy": html.escape(POLICY.format(script=_digest(script), style=_digest(style)), quote=True),
        "title": html.escape(title),
        "style": style,
        "data": embedded(payload),
        "script": script,
    }
    before, *rest = _asset("page.html").split("{{")
    filled = [before]
    for piece in rest:  # each part once, so that nothing inside a part is taken for a place to fill
        name, _, after = piece.partition("}}")
        filled += [parts[name], after]
    return "".join(filled)


def embedded(payload: Mapping[str, Any]) -> str:
    """Return the data as JSON that cannot end the element that it stands in: no `<`, `>` or `&` occurs in it."""
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (files("reports.page") / "assets" / name).read_text(encoding="utf-8")
