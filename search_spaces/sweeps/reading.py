"""Read a sweep file: text, `--set`, schema, rules; all problems at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces.checks.facts import Facts, facts_from_json
from search_spaces.files import overrides as set_values
from search_spaces.files.entries import Entry, read_entries
from search_spaces.files.errors import Problem, SweepFileError
from search_spaces.files.schema import SweepModel
from search_spaces.files.yaml_lines import Tree, YamlError, read_text, read_tree
from trainers.files.paths import expanded
from trainers.texts.words import is_url, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFile:
    """A sweep file without a problem, and the facts that it rests on."""

    path: Path
    source: str
    """The text as given, without `--set`."""
    overrides: tuple[str, ...]
    """The `--set` values, in order."""
    given: Mapping[str, Any]
    """The values of the file with those of `--set` in place."""
    model: SweepModel
    entries: tuple[Entry, ...]
    """What stands under `methods:`, read once."""
    facts: Facts
    assumed: tuple[str, ...] = ()
    """What was not found and taken as published; only of a file that is read to plan."""

    @property
    def name(self) -> str:
        """Of the sweep."""
        return self.model.name


def read(path: Path | str, overrides: Sequence[str] = (), *, planning: bool = False) -> SweepFile:
    """Return a sweep file that keeps every rule.

    Methods, data sets, networks and weights files are looked up here, so that all problems are told at once.

    Args:
        overrides: `key=value` with a dotted key, each replacing a value of the file.
        planning: data sets and published weights that are not here are taken as published; nothing is fetched.

    Raises:
        SweepFileError: the file or an override breaks rules; holds all problems.
    """
    if is_url(str(path)):
        raise SweepFileError(path, [Problem(None, "", "is a URL; give a file on this machine")])
    path = expanded(str(path))
    try:
        source = read_text(path)
    except YamlError as error:
        raise SweepFileError(path, [error.problem]) from None
    return check_source(path, source, overrides, planning=planning)


def check_source(path: Path, source: str, overrides: Sequence[str] = (), *, planning: bool = False) -> SweepFile:
    """Return the sweep file that has this text, as `read` does, whether or not it has been written.

    Raises:
        SweepFileError: as `read` does.
    """
    try:
        tree = read_tree(source)
    except YamlError as error:
        raise SweepFileError(path, [error.problem]) from None
    return _checked(path, source, tree, overrides, planning)


def _checked(path: Path, source: str, tree: Tree, overrides: Sequence[str], planning: bool) -> SweepFile:
    from search_spaces.checks.rules import check
    from search_spaces.files.draft import draft

    if tree.values is None or not isinstance(tree.values, dict):
        tree.add((), f"must be a mapping with keys such as name: and methods:, got {shown(tree.values)}")
        raise SweepFileError(path, tree.problems)
    set_values.apply(tree, overrides)
    drafted = draft(tree, path.parent, planning=planning)
    facts = check(drafted)
    if facts is None:
        raise SweepFileError(path, tree.problems)
    return SweepFile(
        path=path,
        source=source,
        overrides=tuple(overrides),
        given=tree.values,
        model=drafted.model(),
        entries=tuple(drafted.entries),
        facts=facts,
        assumed=tuple(drafted.assumed),
    )


def accepted_file(resolved: Mapping[str, Any], source: str = "", folder: Path = Path()) -> SweepFile:
    """Return the file that a resolved sweep was made of.

    Args:
        source: its text, if it is at hand.
        folder: in which it lay.

    Raises:
        SweepFileError: a method refuses its settings (its rules are no longer those that the file was read by).
    """
    tree, model, facts = (
        Tree(resolved["given"], {(): 1}),
        model_of(resolved["given"]),
        facts_from_json(resolved["facts"]),
    )
    entries = read_entries(tree, model.methods, lambda: [info.classes for info in facts.datasets.values()])
    path = folder / resolved["file"]
    if tree.problems:
        raise SweepFileError(path, tree.problems)
    return SweepFile(
        path=path,
        source=source,
        overrides=tuple(resolved["overrides"]),
        given=resolved["given"],
        model=model,
        entries=tuple(entries),
        facts=facts,
    )


def model_of(given: Mapping[str, Any]) -> SweepModel:
    """Return the model of values that were checked; a key with nothing behind it counts as not given."""
    return SweepModel.model_validate({key: value for key, value in given.items() if value is not None})
