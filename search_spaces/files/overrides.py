"""`--set key=value`: values that replace those of the file."""

from collections.abc import Sequence
from typing import Any

from search_spaces.files.errors import Problem
from search_spaces.files.yaml_lines import Path, Tree, YamlError, dotted, read_tree
from trainers.texts.words import shown


def apply(tree: Tree, overrides: Sequence[str]) -> None:
    """Put the values of `key=value` texts into the tree; what is wrong with them joins its problems.

    A key is a dotted path; an entry whose name has dots is found as it is. Values are YAML. A recipe named by one word
    becomes the base that single settings of it change.
    """
    for override in overrides:
        try:
            _apply(tree, override)
        except (ValueError, YamlError) as error:
            key = override.partition("=")[0].strip()
            tree.problems.append(Problem(None, key, str(error), "--set"))


def _apply(tree: Tree, override: str) -> None:
    key, equals, text = override.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts):
        raise ValueError(f"must be key=value with a dotted key, got {shown(override)}")
    given = read_tree(text)
    if given.problems:
        raise ValueError(given.problems[0].message)
    holder, path = _holder(tree, parts)
    holder[path[-1]] = given.values
    for inside in [old for old in tree.lines if old[: len(path)] == path]:
        del tree.lines[inside]
    tree.lines[path] = None


def _holder(tree: Tree, parts: list[str]) -> tuple[Any, Path]:
    """Return the mapping or list that holds the value, made where it is missing, and the value's path."""
    here = tree.values
    path: Path = ()
    while True:
        name, parts = _step(here, parts, path)
        path = (*path, name)
        if not parts:
            return here, path
        here = _inside(tree, here, path)


def _step(here: Any, parts: list[str], path: Path) -> tuple[str | int, list[str]]:
    """Return the key (or position) that the first parts name in `here`, and the parts that are left."""
    if isinstance(here, list):
        if not parts[0].isdecimal() or int(parts[0]) >= len(here):
            raise ValueError(f"{dotted(path)} has the items 0 to {len(here) - 1}, got {parts[0]!r}")
        return int(parts[0]), parts[1:]
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in here:
            return ".".join(parts[:length]), parts[length:]
    if len(path) == 2 and path[0] == "methods" and parts[0] in _combined(here):
        return ".".join(parts[:2]), parts[2:]  # `gdkd.k` of a combination is one key
    return parts[0], parts[1:]


def _combined(entry: Any) -> Sequence[str]:
    """Return the names of the methods that an entry combines."""
    names = entry.get("method") if isinstance(entry, dict) else None
    return names if isinstance(names, list) else ()


def _inside(tree: Tree, holder: Any, path: Path) -> Any:
    """Return the mapping or list at `path`; nothing becomes an empty mapping, a recipe's name its base."""
    value = holder.get(path[-1]) if isinstance(holder, dict) else holder[path[-1]]
    if isinstance(value, dict | list):
        return value
    if value is not None and not (path[-1] == "recipe" and isinstance(value, str)):
        raise ValueError(f"{dotted(path)} is {shown(value)}, which holds no keys")
    holder[path[-1]] = {} if value is None else {"base": value}
    tree.lines.setdefault(path, None)
    return holder[path[-1]]
