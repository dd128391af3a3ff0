"""The schema applied to a file: every problem in house words, and every part that is sound in itself.

Parts that are sound are kept though others are not, so that all problems of a file can be told at once.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast

import pydantic
from pydantic import BaseModel, TypeAdapter
from pydantic_core import ErrorDetails

from search_spaces.files import schema
from search_spaces.files.names import Pair, as_list, parse_pair
from search_spaces.files.report_keys import AblationModel, ReportModel
from search_spaces.files.schema import SweepModel
from search_spaces.files.seeds import UntilSettled
from search_spaces.files.yaml_lines import Path, Tree
from trainers.texts.findings import told
from trainers.texts.nearest import nearest, unknown_key
from trainers.texts.words import shown

BY_ITEM = ("datasets", "networks", "teachers", "methods")
"""Sections whose items stand or fall alone."""

HOLDERS: dict[Path, type[BaseModel]] = {
    (): SweepModel,
    ("datasets", "*"): schema.DataSetModel,
    ("networks", "*"): schema.NetworkModel,
    ("teachers", "*"): schema.TeacherModel,
    ("teachers", "*", "recipe"): schema.RecipeModel,
    ("recipe",): schema.RecipeModel,
    ("search",): schema.SearchModel,
    ("seeds",): UntilSettled,
    ("resources",): schema.ResourcesModel,
    ("report",): ReportModel,
    ("report", "ablations", "*"): AblationModel,
    ("ablations", "*"): AblationModel,  # of a report file
}
"""Whose keys are known at a path; `*` stands for any name or position."""


def read_sections(tree: Tree) -> tuple[dict[str, Any], set[str | None]]:
    """Return the sections that are sound, with defaults for those not given, and the keys that misspelt ones were most
    likely meant to be; problems join the tree's.

    In sections of `BY_ITEM` and in `pairs` (a mapping from the pair's path to the pair) only the sound items stay.
    A key with nothing behind it counts as not given.
    """
    given = {key: value for key, value in tree.values.items() if value is not None}
    strange = [key for key in tree.values if key not in SweepModel.model_fields]
    for key in strange:
        tree.add((key,), _unknown_section(key))
    meant: set[str | None] = {nearest(key, _known(())) for key in strange}
    sections: dict[str, Any] = {}
    for name, field in SweepModel.model_fields.items():
        if name not in given:
            if field.is_required() and name not in meant:
                tree.add((name,), "is missing")
            sections |= {} if field.is_required() else {name: field.default}
        elif name == "pairs":
            sections[name] = _pairs(tree, given[name])
        else:
            kind: Any = Annotated[field.annotation, pydantic.Field(), *field.metadata]
            adapter: TypeAdapter[Any] = TypeAdapter(kind)
            sections |= _section(tree, name, given[name], adapter)
    return sections, meant


def _section(tree: Tree, name: str, value: Any, adapter: TypeAdapter[Any]) -> dict[str, Any]:
    model, found = check(tree, (name,), value, adapter)
    if found:
        for details in found:
            if details["type"] == "extra_forbidden":  # taken out, so that it hides no other mistake
                value = _without(value, details["loc"])
        model, found = _validated(value, adapter)
    if found and name in BY_ITEM and isinstance(value, dict):
        bad = {details["loc"][0] for details in found if details["loc"]}
        value = {key: item for key, item in value.items() if key not in bad}
        model, found = _validated(value, adapter) if value else (None, found)
    return {} if found else {name: model}


def _validated(value: Any, adapter: TypeAdapter[Any]) -> tuple[Any, list[ErrorDetails]]:
    """Return what the schema makes of a value, and what is wrong with it."""
    try:
        return adapter.validate_python(value), []
    except pydantic.ValidationError as error:
        return None, error.errors(include_url=False)


def _without(value: Any, path: Path) -> Any:
    """Return the value without what stands at a path in it."""
    first, rest = path[0], path[1:]
    if isinstance(value, dict):
        if not rest:
            return {key: one for key, one in value.items() if key != first}
        return {key: _without(one, rest) if key == first else one for key, one in value.items()}
    if isinstance(value, list) and rest:
        return [_without(one, rest) if place == first else one for place, one in enumerate(value)]
    return value


def check(
    tree: Tree, path: Path, value: Any, adapter: TypeAdapter[Any], known: Sequence[str] = ()
) -> tuple[Any, list[ErrorDetails]]:
    """Return what the schema makes of the value at `path`, and what is wrong with it, which joins the tree's problems.

    Args:
        known: the keys of the mapping at `path`, where the path alone does not say them.
    """
    model, found = _validated(value, adapter)
    meant = {_meant((*path, *details["loc"]), known) for details in found if details["type"] == "extra_forbidden"}
    for details in found:
        if details["type"] != "missing" or (*path, *details["loc"]) not in meant:
            _add(tree, path, details, known)
    return model, found


def _meant(path: Path, known: Sequence[str]) -> Path:
    """Return the path that a misspelt key was most likely meant to have; it is then not missing."""
    return (*path[:-1], nearest(str(path[-1]), _known(path[:-1], known)) or "")


def _add(tree: Tree, path: Path, details: ErrorDetails, known: Sequence[str]) -> None:
    where = (*path, *(part for part in details["loc"] if part != "[key]"))
    if details["type"] not in ("missing", "extra_forbidden"):
        where = tree.known(where)  # a pair or seed that stands alone has no place in a list
    if details["type"] == "extra_forbidden":
        tree.add(where, _unknown(where, known))
    elif details["type"] == "string_pattern_mismatch":
        tree.add(where, f"{schema.NAME_RULE}, got {shown(details['input'])}")
    else:
        tree.add(where, told(details))


def _unknown(path: Path, known: Sequence[str]) -> str:
    if path[-1] == "precision":
        return "unknown key; precision is a key of the sweep"
    return unknown_key(str(path[-1]), _known(path[:-1], known))


def _unknown_section(key: str) -> str:
    """Return the message for an unknown key at the top; it may be a key that belongs further in."""
    inner = {name: f"{path[0]}.{name}" for path in reversed(list(HOLDERS)) if len(path) == 1 for name in _known(path)}
    near = None if nearest(key, _known(())) else nearest(key, inner)
    return f"unknown key; did you mean '{inner[near]}'?" if near else unknown_key(key, _known(()))


def _known(path: Path, given: Sequence[str] = ()) -> Sequence[str]:
    """Return the keys that a mapping at `path` may have; those given where the path does not say them."""
    masked = tuple("*" if type(part) is int or (i == 1 and path[0] in BY_ITEM) else part for i, part in enumerate(path))
    return given if given and (not path or masked not in HOLDERS) else tuple(HOLDERS[masked].model_fields)


def _pairs(tree: Tree, value: Any) -> Mapping[Path, Pair]:
    items = cast("list[Any]", as_list(value))
    if not isinstance(items, list) or not items:
        tree.add(("pairs",), f"must be 'teacher -> student', or a list of such, got {shown(value)}")
        return {}
    pairs: dict[Path, Pair] = {}
    path: Path
    for i, item in enumerate(items):
        path = ("pairs", i) if isinstance(value, list) else ("pairs",)
        try:
            pair = parse_pair(item)
        except ValueError as error:
            tree.add(path, str(error))
            continue
        if pair in pairs.values():
            tree.add(path, f"the pair '{pair.teacher} -> {pair.student}' is given twice")
        pairs[path] = pair
    return pairs
