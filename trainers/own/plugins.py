"""Networks and data sets of installed packages: entry points that name factories. None is loaded before it is used."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from trainers.own.code import OwnCodeError, code_of
from trainers.own.reference import parse
from trainers.texts.words import line_of

NETWORKS, DATASETS = "kdsweep.networks", "kdsweep.datasets"
"""Entry-point groups."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A plug-in that cannot be used."""

    names: tuple[str, ...]
    """What a sweep file may call it: its name in the entry-point group, and that of its record."""
    value: str
    """`package.module:attribute`."""
    why: str

    def __str__(self) -> str:
        return f"the plug-in {self.value} cannot be used: {self.why}"


def offered(group: str) -> dict[str, EntryPoint]:
    """Return what installed packages offer, by name; of two of one name the first."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=group):
        found.setdefault(line_of(entry.name), entry)
    return found


def broken_plugins(
    group: str, ours: Collection[str], lacks: Callable[[Any], str] = lambda factory: ""
) -> Iterator[Broken]:
    """Load what installed packages offer, and yield what cannot be used.

    Args:
        ours: names that no plug-in may take.
        lacks: says what a factory lacks.
    """
    for entry in entry_points(group=group):
        name, value = line_of(entry.name), line_of(entry.value)
        why = f"it is named {name!r}, as one of ours is" if name in ours else taken_twice(group, name)
        why = why or why_not(entry, lacks)
        if why:
            yield Broken((name,), value, why)


def taken_twice(group: str, name: str) -> str:
    """Return that several packages offer something of this name; empty where at most one does."""
    values = [line_of(entry.value) for entry in entry_points(group=group) if line_of(entry.name) == name]
    return f"several are named {name!r}: {', '.join(values)}" if len(values) > 1 else ""


def why_not(entry: EntryPoint, lacks: Callable[[Any], str] = lambda factory: "") -> str:
    """Return why a plug-in cannot be used; empty where it can."""
    reference = parse(entry.value)
    if reference is None or reference.is_file:
        return f"it must be module:name, got {line_of(repr(entry.value))}"
    try:
        return lacks(code_of(reference, Path()).load())
    except OwnCodeError as error:
        return str(error)
