"""Entries: a method with its settings, checked against the method, and the rows they become."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from search_spaces.dimensions import Dimension, Fixed, Grid, Setting, parse, value_text
from search_spaces.errors import nearest, unknown
from search_spaces.schema import EntryModel
from search_spaces.yaml_lines import Path, Tree
from trainers.trial import Value

if TYPE_CHECKING:
    from trainers.methods import Hyperparameter, Method

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
            "hyperparameters": dict(self.hyperparameters),
            "grid": list(self.grid),
            "dimensions": [dimension.to_json() for dimension in self.dimensions],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A sound line under `methods:`."""

    name: str
    method: "Method"
    settings: tuple[Setting, ...]

    @property
    def searched(self) -> tuple[Dimension, ...]:
        """The dimensions, in the order of the file."""
        return tuple(setting for setting in self.settings if isinstance(setting, Dimension))

    def rows(self) -> Iterator[Row]:
        """Yield a row for every combination of grid values; the first grid of the file changes slowest."""
        grids = [setting for setting in self.settings if isinstance(setting, Grid)]
        fixed = {setting.name: setting.value for setting in self.settings if isinstance(setting, Fixed)}
        for values in itertools.product(*(grid.values for grid in grids)):
            chosen = dict(zip((grid.name for grid in grids), values, strict=True))
            yield Row(
                entry=self.name,
                label=" ".join([self.name, *(f"{name}={value_text(value)}" for name, value in chosen.items())]),
                method=self.method.name,
                group=self.method.kind,
                hyperparameters={**fixed, **chosen},
                grid=tuple(chosen),
                dimensions=self.searched,
            )


def read_entries(tree: Tree, models: Mapping[str, EntryModel], class_counts: ClassCounts) -> list[Entry]:
    """Return the sound entries; what is wrong with the others joins the tree's problems.

    Args:
        class_counts: returns those of the sweep's data sets; asked only where a rule depends on them. A value must
            suit each.
    """
    from trainers import methods  # imports torch

    entries = []
    for name, model in models.items():
        path: Path = ("methods", name)
        method_name = name if model.method is None else model.method
        if method_name not in methods.names():
            place: Path = path if model.method is None else (*path, "method")
            tree.add(place, unknown("method", method_name, methods.names(), "methods"))
            continue
        entry = _read_entry(tree, path, methods.get(method_name), model.settings, class_counts)
        entries += [entry] if entry else []
    return entries


def _read_entry(
    tree: Tree, path: Path, method: "Method", given: Mapping[str, Any], class_counts: ClassCounts
) -> Entry | None:
    before = len(tree.problems)
    fields = {field.name: field for field in method.fields()}
    settings: list[Setting | None] = []
    for name, value in given.items():
        where = (*path, name)
        if name not in fields:
            tree.add(where, _unknown_hyperparameter(method.name, name, list(fields)))
            continue
        check = _ValueCheck(method, fields[name], class_counts)
        settings.append(parse(tree, where, value, fields[name], check))
    if len(tree.problems) > before:
        return None
    entry = Entry(name=str(path[-1]), method=method, settings=tuple(s for s in settings if s is not None))
    if math.prod(len(s.values) for s in entry.settings if isinstance(s, Grid)) > MAX_ROWS:
        tree.add(path, f"its grids make more than {MAX_ROWS} rows")
        return None
    return entry


@dataclass(frozen=True, slots=True)
class _ValueCheck:
    """What a method says of one value; for every class count where its rules depend on that."""

    method: "Method"
    field: "Hyperparameter"
    class_counts: ClassCounts

    def __call__(self, value: object) -> Iterable[str]:
        broken = self.method.value_problems(self.field.name, value, None)
        if broken or self.field.range is None or self.field.range.lt != "classes":
            return broken
        found = [self.method.value_problems(self.field.name, value, count) for count in self.class_counts()]
        return dict.fromkeys(message for messages in found for message in messages)


def _unknown_hyperparameter(method: str, name: str, known: list[str]) -> str:
    if not known:
        return f"unknown key; {method} has no hyperparameters"
    near = nearest(name, [*known, "method"])
    hint = f"; did you mean {near!r}?" if near else f" (known: {', '.join(known)})"
    return f"unknown hyperparameter of {method}{hint}"
