"""What stands behind a hyperparameter in a sweep file: a value, a grid of rows, or a dimension that is searched."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from search_spaces.files import schema
from search_spaces.files.closed import Closed
from search_spaces.files.structure import check
from search_spaces.files.yaml_lines import Path, Tree
from trainers.methods import Hyperparameter
from trainers.texts.nearest import nearest
from trainers.texts.words import shown
from trainers.trials.trial import Value

SHAPES: dict[str, type[Closed]] = {
    "grid": schema.Grid,
    "choice": schema.Choice,
    "low": schema.Range,
    "high": schema.Range,
    "log": schema.Range,
    "search": schema.DefaultSearch,
}
"""Which kind of setting a key belongs to."""
SHAPE_RULE = "must be a value, {grid: […]}, {low: …, high: …}, {choice: […]} or {search: default}"


STEPS = ("step", "steps", "q", "num", "count", "n")
"""By which other tools space the values of a range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One searched hyperparameter: numbers from `low` to `high`, or one of `choices`; never both."""

    name: str
    type: type[Value]
    """bool, int, float, str or tuple, as the method declares it."""
    low: int | float | None = None
    """Smallest value; included."""
    high: int | float | None = None
    """Largest value; included."""
    log: bool = False
    """Whether a doubling counts the same everywhere."""
    choices: tuple[Value, ...] | None = None

    @property
    def ends(self) -> tuple[Value, ...]:
        """The choices, or both ends of the range."""
        return self.choices or tuple(end for end in (self.low, self.high) if end is not None)

    @property
    def starts(self) -> tuple[Value, ...]:
        """The choices; of a range, for which its low end stands, that alone."""
        return self.choices or self.ends[:1]

    def value_of(self, proposed: Value) -> Value:
        """Return the value that a proposal means: a list is proposed by its text."""
        if self.type is tuple and isinstance(proposed, str):
            return next(value for value in self.choices or () if value_text(value) == proposed)
        return proposed

    def to_json(self) -> dict[str, Any]:
        """Return the dimension as plain JSON values, without what it has not."""
        if self.choices is not None:
            choices = [list(choice) if isinstance(choice, tuple) else choice for choice in self.choices]
            return {"name": self.name, "type": self.type.__name__, "choices": choices}
        return {"name": self.name, "type": self.type.__name__, "low": self.low, "high": self.high, "log": self.log}


@dataclass(frozen=True, slots=True)
class Grid:
    """Values that are a row each."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """One value."""

    name: str
    value: Value


Setting = Fixed | Grid | Dimension
ValueProblems = Callable[[object], Iterable[str]]
"""Says what is wrong with a value of one hyperparameter."""


def parse(
    tree: Tree, path: Path, given: Any, hyperparameter: Hyperparameter, problems_of: ValueProblems
) -> Setting | None:
    """Return what the file sets at `path`; None, and problems in the tree, where that breaks a rule."""
    before = len(tree.problems)
    reading = _Reading(tree, path, hyperparameter, problems_of)
    setting = reading.mapping(given) if isinstance(given, dict) else reading.fixed(given)
    return setting if len(tree.problems) == before else None


@dataclass(frozen=True, slots=True)
class _Reading:
    tree: Tree
    path: Path
    field: Hyperparameter
    problems_of: ValueProblems

    @property
    def name(self) -> str:
        return self.field.name

    def fixed(self, given: Any) -> Setting | None:
        if isinstance(given, list) and self.field.item is None:
            self.add(
                (), f"takes one value; a list is written {{grid: {_listed(given)}}} (rows) or {{choice: …}} (search)"
            )
        elif given is None:
            self.add((), "needs a value, got nothing")
        elif self.sound((), given):
            return Fixed(self.name, self.field.coerced(given))
        return None

    def mapping(self, given: dict[str, Any]) -> Setting | None:
        shapes = [SHAPES[near] for key in given if (near := nearest(key, SHAPES))]
        if not shapes:
            self.add((), f"{SHAPE_RULE}, got {_keys(given)}")
            return None
        shape = shapes[0]
        if shape is schema.Range:
            given = self.without_steps(given)
        model, found = check(self.tree, self.path, given, TypeAdapter(shape), known=tuple(shape.model_fields))
        if found:
            return None
        if isinstance(model, schema.Range):
            return self.range(model)
        if shape is schema.DefaultSearch:
            return self.default_search()
        key = "grid" if shape is schema.Grid else "choice"
        values = self.listed(key, given[key])
        if key == "grid":
            return Grid(self.name, values)
        return Dimension(name=self.name, type=self.field.type, choices=values)

    def without_steps(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return a range without the keys by which other tools space its values; each is a problem."""
        for key in [key for key in given if key in STEPS]:
            self.add((key,), f"a range has no {key}; list the values: {{choice: {_spaced(given, key)}}}")
        return {key: value for key, value in given.items() if key not in STEPS}

    def default_search(self) -> Setting | None:
        """Return the search that the method names, with its high end brought below the number of classes."""
        space: Any = self.field.range.search if self.field.range is not None else None  # Log, Linear or Choice
        choices = self.field.choices or ((True, False) if self.field.type is bool else None)
        if choices is not None:
            return Dimension(name=self.name, type=self.field.type, choices=tuple(choices))
        if space is None:
            self.add(("search",), f"{self.name} has no default search; give {{low: …, high: …}} or {{choice: […]}}")
            return None
        if not hasattr(space, "low"):
            return Dimension(name=self.name, type=self.field.type, choices=tuple(map(self.field.coerced, space.values)))
        low, high = self.field.coerced(space.low), self.field.coerced(space.high)
        assert isinstance(low, int | float)
        assert isinstance(high, int | float)
        while isinstance(high, int) and high > low and list(self.problems_of(high)):
            high -= 1
        return Dimension(name=self.name, type=self.field.type, low=low, high=high, log=type(space).__name__ == "Log")

    def listed(self, key: str, given: Any) -> tuple[Value, ...]:
        if not isinstance(given, list) or not given:
            self.add((key,), f"must be a list of at least one value, got {shown(given)}")
            return ()
        values: list[Value] = []
        for i, item in enumerate(given):
            if not self.sound((key, i), item):
                continue
            value = self.field.coerced(item)
            if value in values:
                self.add((key, i), f"must be distinct values, got {shown(item)} twice")
            values.append(value)
        return tuple(values)

    def range(self, given: schema.Range) -> Setting | None:
        if self.field.type not in (int, float):
            word = {bool: "on or off", tuple: "a list"}.get(self.field.type, "a word")
            self.add((), f"takes {word}, not a range; use {{choice: […]}}")
            return None
        ends = [self.sound((key,), getattr(given, key)) for key in ("low", "high")]
        if not all(ends):
            return None
        low, high = (self.field.coerced(end) for end in (given.low, given.high))
        assert isinstance(low, int | float)
        assert isinstance(high, int | float)
        if low >= high:
            self.add(("low",), f"must be below high, got low {shown(given.low)} and high {shown(given.high)}")
        if given.log and low <= 0:
            end = shown(given.low)
            way_out = f"for values with {end} among them give {{choice: [{end}, …]}}"
            self.add(("low",), f"must be above 0 where log is on, got {end}; {way_out}")
        return Dimension(name=self.name, type=self.field.type, low=low, high=high, log=given.log)

    def sound(self, inner: Path, value: Any) -> bool:
        """Whether the value keeps the method's rules; what it breaks is added."""
        if isinstance(value, float) and not math.isfinite(value):
            messages = [f"must be a finite number, got {shown(value)}"]
        else:
            messages = list(self.problems_of(value))
        for text in messages:
            self.add(inner, text)
        return not messages

    def add(self, inner: Path, message: str) -> None:
        self.tree.add((*self.path, *inner), message)


def _spaced(given: dict[str, Any], key: str) -> str:
    """Return the first values of a range that was to be spaced, as a list, where it says which they are."""
    low, step = given.get("low"), given.get(key)
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (low, step))
    if key != "step" or not numbers or not math.isfinite(low) or not math.isfinite(step):  # type: ignore[arg-type]
        return "[…]"
    return f"[{low}, {low + step:g}, {low + 2 * step:g}, …]"  # type: ignore[operator]


def _listed(values: list[Any]) -> str:
    return "[" + ", ".join(shown(value).strip("'") for value in values[:4]) + ("…]" if len(values) > 4 else "]")


def _keys(given: dict[str, Any]) -> str:
    return "the keys " + ", ".join(given) if given else "an empty mapping"


def value_text(value: Value) -> str:
    """Return the value as a label shows it: `5` for 5.0, `true` for True, `[1,4]` for a list."""
    if isinstance(value, tuple):
        return f"[{','.join(map(value_text, value))}]"
    if isinstance(value, bool):
        return shown(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
