"""Entries: a method with its settings, checked against the method, and the rows they become."""

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search_spaces.files.dimensions import Dimension, Fixed, Grid, Setting, ValueProblems, parse, value_text
from search_spaces.files.schema import EntryModel, MethodName
from search_spaces.files.yaml_lines import Path, Tree
from trainers import methods
from trainers.methods import METHODS, Hyperparameter, Method, PluginError, no_rules, try_out
from trainers.texts.nearest import hint
from trainers.trials.trial import Value

MAX_ROWS = 10_000
ClassCounts = Callable[[], list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An entry with its grid values fixed: a line of the table in every cell."""

    entry: str
    label: str
    """Name of the entry, and ` k=5` for every grid value: `gdkd (by k) k=5`."""
    method: str
    group: str
    """Kind of the method; tables put rows of one kind together."""
    inference: str
    """What the method adds to the student's cost at inference; empty: nothing."""
    hyperparameters: Mapping[str, Value]
    """What the sweep file fixes, grid values included; the method's defaults are not here."""
    grid: tuple[str, ...]
    """Hyperparameters that the entry's rows differ in."""
    dimensions: tuple[Dimension, ...]
    """Hyperparameters that are searched; none in a fixed row."""

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        return {
            "entry": self.entry,
            "label": self.label,
            "method": self.method,
            "group": self.group,
            "inference": self.inference,
            "hyperparameters": {n: list(v) if isinstance(v, tuple) else v for n, v in self.hyperparameters.items()},
            "grid": list(self.grid),
            "dimensions": [dimension.to_json() for dimension in self.dimensions],
        }


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A sound line under `methods:`."""

    name: str
    method: Method
    settings: tuple[Setting, ...]

    @property
    def searched(self) -> tuple[Dimension, ...]:
        """The dimensions, in the order of the file."""
        return tuple(setting for setting in self.settings if isinstance(setting, Dimension))

    @property
    def row_count(self) -> int:
        """How many rows it has."""
        return math.prod(len(setting.values) for setting in self.settings if isinstance(setting, Grid))

    def sees_strong(self) -> bool:
        """Return whether it compares a strong view of each image, too, in one of its rows or proposals."""
        return any(
            self.method.sees_strong({**row.hyperparameters, **proposed})
            for row in self._rows
            for proposed in ({}, *({one.name: end} for one in self.searched for end in one.ends))
        )

    def rows(self) -> Sequence[Row]:
        """Return a row for every combination of grid values; the first grid of the file changes slowest."""
        return self._rows

    @functools.cached_property
    def _rows(self) -> tuple[Row, ...]:
        grids = [setting for setting in self.settings if isinstance(setting, Grid)]
        fixed = {setting.name: setting.value for setting in self.settings if isinstance(setting, Fixed)}
        rows = []
        for values in itertools.product(*(grid.values for grid in grids)):
            chosen = dict(zip((grid.name for grid in grids), values, strict=True))
            row = Row(
                entry=self.name,
                label=" ".join([self.name, *(f"{name}={value_text(value)}" for name, value in chosen.items())]),
                method=self.method.name,
                group=self.method.kind,
                inference=self.method.inference,
                hyperparameters={**fixed, **chosen},
                grid=tuple(chosen),
                dimensions=self.searched,
            )
            rows.append(row)
        return tuple(rows)


def read_entries(tree: Tree, models: Mapping[str, EntryModel], class_counts: ClassCounts) -> list[Entry]:
    """Return the sound entries; what is wrong with the others joins the tree's problems.

    Args:
        class_counts: returns those of the sweep's data sets; asked only where a rule depends on them. A value must
            suit each.
    """
    entries = []
    for name, model in models.items():
        path: Path = ("methods", name)
        method = _method(tree, path, model.method)
        entry = method and _read_entry(tree, path, method, model.settings, class_counts)
        entries += [entry] if entry else []
    return entries


def _method(tree: Tree, path: Path, given: MethodName | None) -> Method | None:
    """Return the entry's method or combination; one that does not exist is a problem."""
    listed = {(*path, "method", i): name for i, name in enumerate(given)} if isinstance(given, tuple) else {}
    places = listed or {path if given is None else (*path, "method"): str(path[-1]) if given is None else str(given)}
    wrong = {place: name for place, name in places.items() if name not in methods.names()}
    for place, name in wrong.items():
        tree.add(place, methods.unknown_method(name))
    if wrong:
        return None
    if len(places) == 1:
        return methods.get(*places.values())
    try:
        return methods.combine([methods.get(name) for name in places.values()])
    except ValueError as error:
        tree.add((*path, "method"), str(error))
        return None


def _read_entry(
    tree: Tree, path: Path, method: Method, given: Mapping[str, Any], class_counts: ClassCounts
) -> Entry | None:
    before = len(tree.problems)
    fields = {field.name: field for field in method.fields()}
    settings: list[Setting | None] = []
    for name, value in given.items():
        where = (*path, name)
        if name not in fields:
            tree.add(where, _unknown_hyperparameter(method.name, name, list(fields)))
            continue
        check = _value_check(method, fields[name], class_counts)
        settings.append(parse(tree, where, value, fields[name], check))
    if len(tree.problems) > before:
        return None
    entry = Entry(name=str(path[-1]), method=method, settings=tuple(s for s in settings if s is not None))
    if entry.row_count > MAX_ROWS:
        tree.add(path, f"its grids make more than {MAX_ROWS} rows")
        return None
    try:
        for name, message in _together(entry, class_counts):
            tree.add((*path, name) if name in given else path, message)
    except PluginError as error:
        tree.add(path, str(error))
    return entry if len(tree.problems) == before else None


def _together(entry: Entry, class_counts: ClassCounts) -> Iterable[tuple[str, str]]:
    """Return (hyperparameter, message) for all that is wrong with values of the entry together, in any of its rows and
    with any choices of its searches; ranges stand for their low ends."""
    found: dict[tuple[str, str], None] = {}
    lawless = all(part.rules is no_rules for part in entry.method.methods)  # no values can contradict one another
    if lawless and not _ranks(entry):
        return found
    counts: list[int] | list[None] = class_counts() or [None]
    for count in counts:
        fitted = entry.method.fitted(count)
        if lawless and not any(_unfit(entry, count)):
            continue
        for chosen in chosen_values(entry):
            whole = entry.method.whole(chosen, count)
            told = entry.method.rules(whole, count)
            found |= {(p.name, p.message + _by_fit(p.name, fitted, chosen, count)): None for p in told}
            if not told and count is not None:
                dead = entry.method.dead(whole, count)
                found |= {(name, rule): None for name, rule in _unfit(entry, count) if name not in dead}
    return found


def try_plugins(tree: Tree, entries: Sequence[Entry], class_counts: ClassCounts, *, in_parts: bool) -> list[Entry]:
    """Return the entries without those of plug-ins whose loss on logits fails, which join the tree's problems.

    Asked of files only: what was accepted before can be looked at whatever has become of its plug-ins.

    Args:
        in_parts: each rank of a training has a part of the batch.
    """
    sound = []
    for entry in entries:
        try:
            _try_out(entry, class_counts, in_parts=in_parts)
        except PluginError as error:
            tree.add(("methods", entry.name), str(error))
        else:
            sound.append(entry)
    return sound


def _try_out(entry: Entry, class_counts: ClassCounts, *, in_parts: bool) -> None:
    """Compute the loss of an entry of a plug-in's once, with the settings of its first row.

    Raises:
        PluginError: that fails.
    """
    if all(part.name in METHODS for part in entry.method.methods):
        return
    for count in class_counts():
        try_out(entry.method, entry.method.whole(next(chosen_values(entry)), count), count, in_parts=in_parts)


def _ranks(entry: Entry) -> list[Hyperparameter]:
    """Return the hyperparameters that stand at their defaults, which must lie below the number of classes."""
    given = {setting.name for setting in entry.settings}
    return [f for f in entry.method.fields() if f.is_rank and f.name not in given]


def _unfit(entry: Entry, count: int | None) -> Iterator[tuple[str, str]]:
    """Yield (hyperparameter, message) for each default that cannot be on so few classes, and has no way to fit."""
    fitted = entry.method.fitted(count)
    for field in _ranks(entry):
        if field.name not in fitted:
            for message in entry.method.value_problems(field.name, field.default, count):
                yield field.name, f"its default {message}"


def _by_fit(name: str, fitted: Mapping[str, Value], chosen: Mapping[str, Value], count: int | None) -> str:
    """Return what was made of defaults for so few classes, where a rule is broken that may come from it."""
    part = name.rpartition(".")[0]
    made = [f"{n} is {value_text(v)}" for n, v in fitted.items() if n.rpartition(".")[0] == part and n not in chosen]
    return f" (on {count} classes {', '.join(made)})" if made else ""


def chosen_values(entry: Entry, *, high: bool = False) -> Iterator[dict[str, Value]]:
    """Yield what the file says in each row with each choice of its searches; ranges stand for their low ends.

    Args:
        high: and for their high ends, too.
    """
    fixed = {s.name: s.value for s in entry.settings if isinstance(s, Fixed)}
    several: dict[str, tuple[Value, ...]] = {s.name: s.values for s in entry.settings if isinstance(s, Grid)}
    several |= {d.name: d.ends if high else d.starts for d in entry.searched}
    for values in itertools.islice(itertools.product(*several.values()), MAX_ROWS):
        yield {**fixed, **dict(zip(several, values, strict=True))}


def _value_check(method: Method, field: Hyperparameter, class_counts: ClassCounts) -> ValueProblems:
    """Return what says of one value what is wrong with it: for every class count where that depends on them."""

    def problems(value: object) -> Iterable[str]:
        broken = method.value_problems(field.name, value, None)
        if broken or not field.is_rank:
            return broken
        found = [method.value_problems(field.name, value, count) for count in class_counts()]
        return dict.fromkeys(message for messages in found for message in messages)

    return problems


def _unknown_hyperparameter(method: str, name: str, known: list[str]) -> str:
    if not known:
        return f"unknown key; {method} has no hyperparameters"
    of_parts = [one for one in known if one.rpartition(".")[2] == name]
    near = f"; did you mean {of_parts[0]!r}?" if of_parts else hint(name, [*known, "method"])
    return f"unknown hyperparameter of {method}" + (near or f" (known: {', '.join(known)})")
