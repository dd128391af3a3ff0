"""Writes into the pages what they take from the code: options, keys, recipes, methods, columns. `make docs` runs it.

What stands between `<!-- generated: NAME -->` and `<!-- end -->` in a page is made here; all else is written by hand.
The tutorial is made into a notebook, too.
"""

import argparse
import importlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"
"""Made of the page of the same name."""
WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "on or off"}
BOUNDS = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "above {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "below {}"),
    ("maxLength", "at most {} characters"),
)
"""How bounds of a JSON schema are said."""
COLUMN_TYPES = {"str": "text", "Int64": "whole number", "float64": "number"}
AROUND = ("ce_weight", "weight", "warmup_epochs")
"""Hyperparameters of every method with a teacher."""
BLOCK = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_blocks(page: str) -> str:
    """Return the text of a page with its generated blocks made anew."""
    return BLOCK.sub(lambda found: f"{found[1]}{_block(*found[2].split())}\n{found[3]}", page)


def _block(kind: str, *of: str) -> str:
    return KINDS[kind](*of)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [
        heads,
        ["---"] * len(heads),
        *([" ".join(cell.split()).replace("|", r"\|") for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return what reads the arguments of each command."""
    from orchestrator.command_line import command_line

    return dict(_below(command_line()))


def _below(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield a parser, or those of its commands."""
    found = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    if not found:
        yield name, parser
    for word, inner in (pair for one in found for pair in one.choices.items()):
        yield from _below(inner, f"{name} {word}".strip())


def command(*words: str) -> str:
    """Return what a command does, how it is called, and its options; `--home` and `--help` are those of all."""
    name = " ".join(words)
    parser = commands()[name]
    actions = [
        one
        for one in parser._actions
        if one.help != argparse.SUPPRESS and not {"--help", "--home"} & {*one.option_strings}
    ]
    usage = " ".join(["python run_sweep.py", name, *(_usage(one) for one in actions)])
    rows = [
        (f"`{one.option_strings[0] if one.option_strings else one.metavar}`", (one.help or "").replace("%%", "%"))
        for one in actions
    ]
    listed = "\n\n" + table(("argument", "what it is"), rows) if rows else ""
    return f"    {usage}\n\n{parser.description}{listed}"


def _usage(action: argparse.Action) -> str:
    if not action.option_strings:
        return {"+": "{}...", "*": "[{}]...", "?": "[{}]"}.get(str(action.nargs), "{}").format(action.metavar)
    value = "" if action.nargs == 0 else action.metavar or "|".join(action.choices or ())
    more = "..." if isinstance(action, argparse._AppendAction) else ""
    return f"[{' '.join(filter(None, (action.option_strings[0], str(value))))}]{more}"


def methods() -> str:
    """Return the registry, with the factors around each term."""
    from trainers.methods import ALL, value_text

    rows = []
    for one in ALL:
        defaults = {name: value_text(value) for name, value in one.defaults().items()}
        around = [defaults.get(name, "") for name in AROUND]
        rows.append((f"`{one.name}`", one.kind, one.summary, *around, one.source))
    return table(("method", "kind", "what it compares", "ce_weight", "weight", "warm-up", "source"), rows)


def hyperparameters() -> str:
    """Return every method's own hyperparameters."""
    from trainers.methods import ALL, allowed_text, search_text, value_text

    rows = [
        (
            f"`{one.name}`",
            f"`{field.name}`",
            value_text(field.default),
            allowed_text(field),
            search_text(field),
            field.doc,
        )
        for one in ALL
        for field in one.fields()
        if field.name not in (*AROUND, "standardize")
    ]
    return table(("method", "hyperparameter", "default", "allowed", "searched", "meaning"), rows)


def keys(model: str, prefix: str = "") -> str:
    """Return the keys of a mapping in a sweep file: a model by its name, below a dotted key."""
    from search_spaces.files.structure import HOLDERS

    (holder,) = {one for one in HOLDERS.values() if one.__name__ == model}
    described = holder.model_json_schema()
    rows = [
        (f"`{prefix}{name}`", _type(part), _default(part, name in described.get("required", ())), part["description"])
        for name, part in described["properties"].items()
    ]
    return table(("key", "type", "default", "meaning"), rows)


def recipe() -> str:
    """Return the keys of a recipe."""
    from search_spaces.files import schema
    from trainers.trials.recipe import Recipe

    parts = schema.RecipeModel.model_json_schema()["properties"] | Recipe.model_json_schema()["properties"]
    del parts["precision"]
    said = [name for name, _ in BOUNDS]  # by the meanings
    kinds = [_type({key: of for key, of in part.items() if key not in said}) for part in parts.values()]
    rows = [(f"`recipe.{name}`", kind, parts[name]["description"]) for name, kind in zip(parts, kinds, strict=True)]
    return table(("key", "type", "meaning"), rows)


def recipes() -> str:
    """Return what the named recipes say."""
    from search_spaces import recipes
    from search_spaces.files.schema import OVERRIDABLE
    from trainers.methods import value_text

    named = [recipes.get(name) for name in recipes.names()]
    rows = [(f"`{name}`", *(value_text(getattr(one, name)) for one in named)) for name in OVERRIDABLE]
    return table(("field", *(f"`{name}`" for name in recipes.names())), rows)


def datasets() -> str:
    """Return the data sets, with the views of an image that they number."""
    from trainers import data

    rows = []
    for name in data.names():
        entry = data.get(name)
        info = entry.published or (entry.describe(None) if name == "digits100" else None)
        rows.append((f"`{name}`", entry.summary, str(info.views) if info else "", f"`{info.recipe}`" if info else ""))
    return table(("data set", "what it is; files below `root`", "views", "recipe"), rows)


def contract(module: str, name: str, *heads: str) -> str:
    """Return a mapping of names to what they are, or to a type and what they are."""
    found = getattr(importlib.import_module(module), name)
    rows: list[tuple[str, ...]] = [
        (f"`{key}`", of) if isinstance(of, str) else (f"`{key}`", COLUMN_TYPES[of[0]], of[1])
        for key, of in found.items()
    ]
    return table(heads, rows)


def terms() -> str:
    """Return the named parts of methods' terms in the log."""
    from trainers.methods import ALL

    rows = [(f"`{one.name}`", f"`{part}`", meaning) for one in ALL for part, meaning in one.logs.items()]
    return table(("method", "metric", "what it is"), rows)


def _type(part: dict[str, Any], plural: str = "") -> str:
    """Return in words what a JSON schema takes."""
    if "anyOf" in part:
        kinds = [_type(one) for one in part["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in part:
        return str(part["const"])
    if "enum" in part:
        return f"one of {', '.join(part['enum'])}"
    if part.get("type") == "array":
        inner = part.get("items") or part["prefixItems"][0]
        return f"list of {_type(inner, 's').removeprefix('one of ')}"
    bounds = [text.format(part[name]) for name, text in BOUNDS if name in part]
    return ", ".join([WORDS.get(str(part.get("type")), "mapping") + plural, *bounds])


def _default(part: dict[str, Any], needed: bool) -> str:
    from trainers.methods import value_text

    value = part.get("default")
    if needed:
        return "needed"
    return "" if value is None or isinstance(value, dict | list) else f"`{value_text(value)}`"


def left() -> str:
    """Return the rules of a sweep file that its JSON schema does not hold."""
    from search_spaces.json_schema import LEFT_TO_PLAN

    return "\n".join(f"- {one}" for one in LEFT_TO_PLAN)


def findings(kind: str, *of: str) -> str:
    """Return a table of what sweeps found, from the numbers in docs/findings/."""
    from docs.findings import tables

    return str(getattr(tables, kind)(*of))


KINDS: dict[str, Callable[..., str]] = {
    made.__name__: made
    for made in (command, contract, datasets, findings, hyperparameters, keys, left, methods, recipe, recipes, terms)
}


CELL = re.compile(r"(?:<!-- ([\w.]+) -->\n)?```(python|sh|yaml|latex)\n(.*?)```\n", re.DOTALL)
"""A block that becomes a cell of the notebook, with the file that it is in the comment above."""


def notebook(page: str) -> str:
    """Return a page as a notebook (nbformat 4.5): blocks of Python and commands are cells that run, and blocks with a
    file's name above write it."""
    cells, end = [], 0
    for found in CELL.finditer(page):
        file, language, text = found.groups()
        cells.append(_cell("markdown", page[end : found.start()]))
        if language == "sh":
            text = re.sub(r"^", "!", text.rstrip("\n"), flags=re.MULTILINE)
        cells.append(_cell("code", f"%%writefile {file}\n{text}" if file else text))
        end = found.end()
    cells.append(_cell("markdown", page[end:]))
    numbered = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {"cells": numbered, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, text: str) -> dict[str, Any]:
    ran: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, **ran, "source": text.strip("\n").splitlines(keepends=True)}


def main() -> None:
    """Write every page whose generated blocks have changed, the notebook, and the JSON schema of sweep files."""
    from search_spaces.json_schema import FILE, schema_text
    from trainers.methods import ALL

    FILE.write_text(schema_text(ALL), encoding="utf-8")
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        if (made := with_blocks(text)) != text:
            path.write_text(made, encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}")
    NOTEBOOK.write_text(notebook(NOTEBOOK.with_suffix(".md").read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
