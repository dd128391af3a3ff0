"""Figures from papers and their code, each with its source, and under which conditions they were made.

`published/results.csv` has the figures, `published/conditions.yaml` what is known of how they came about. A figure that
is in no text that could be read is not there; none is made up.
"""

import csv
import functools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
STANDARDIZED = "+ls"
"""After the name of a method whose logits are standardized first."""
PREFIXES = ("timm:", "torchvision:")
SMALL_PREFIX = "cifar_"

Value = bool | int | float | str | list[int] | list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One published number."""

    dataset: str
    teacher: str
    """Plain name, as in a sweep file; empty for a network trained alone."""
    student: str
    method: str
    metric: str
    """top1 or val_miou: in percent, of the best epoch on the test images."""
    value: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What holds for the figures that it names; an empty list names all."""

    datasets: Sequence[str] = ()
    methods: Sequence[str] = ()
    teachers: Sequence[str] = ()
    students: Sequence[str] = ()
    source: str = ""
    """How the source begins."""
    reason: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)

    def holds(self, figure: Figure) -> bool:
        """Return whether the figure is one of those named."""
        listed = (self.datasets, self.methods, self.teachers, self.students)
        own = (figure.dataset, figure.method, figure.teacher, figure.student)
        named = all(not names or name in names for names, name in zip(listed, own, strict=True))
        return named and figure.source.startswith(self.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSetConditions:
    """How a data set's figures are made in the literature."""

    classes: int
    small_images: bool = False
    """Networks are those that the literature has for 32 x 32 images."""
    views: str
    """Name of the set of views of a training image."""
    warmup_epochs: float = 0.0
    """Of the methods that have a warm-up."""
    spread: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Value] = field(default_factory=dict)
    students: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    methods: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)


@functools.cache
def all_figures() -> tuple[Figure, ...]:
    """Return all figures in the order of the file."""
    with (FOLDER / "results.csv").open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file)
        names = Figure.__dataclass_fields__.keys() - {"value"}
        return tuple(Figure(**{name: line[name] for name in names}, value=float(line["value"])) for line in lines)


@functools.cache
def _by_pair() -> Mapping[tuple[str, str, str], tuple[Figure, ...]]:
    pairs: dict[tuple[str, str, str], list[Figure]] = defaultdict(list)
    for one in all_figures():
        pairs[one.dataset, one.teacher, one.student].append(one)
    return {pair: tuple(of) for pair, of in pairs.items()}


def figures(dataset: str, teacher: str, student: str, method: str | None = None) -> tuple[Figure, ...]:
    """Return the published figures for a pair, one a source; without a teacher, for a network alone (`ce`). Of a method
    by its name in the file (`dkd`, `dkd+ls` with standardized logits), or of all."""
    found = _by_pair().get((dataset, teacher, student), ())
    return tuple(one for one in found if method is None or one.method == method)


def published_method(method: str, *, standardized: bool) -> str:
    """Return what a method of ours is called in the file."""
    name = _conditions()["names"].get(method, method)
    return f"{name}{STANDARDIZED}" if standardized else str(name)


def published_network(dataset: str, name: str) -> str:
    """Return what a network of a sweep file is called in the file of figures.

    On small images a name with timm's or torchvision's prefix is another network than the literature's.
    """
    bare = name
    for prefix in PREFIXES:
        bare = bare.removeprefix(prefix)
    known = conditions(dataset)
    if known is None or not known.small_images or name == bare or bare.startswith(SMALL_PREFIX):
        return bare.removeprefix(SMALL_PREFIX)
    return name


def why_unknown(method: str) -> str:
    """Return what to say of a method whose own figures exist but are not known here; empty for others."""
    return str(_conditions()["unknown"].get(method.removesuffix(STANDARDIZED), ""))


def conditions(dataset: str) -> DataSetConditions | None:
    """Return how figures of a data set are made; None where there are none."""
    return _datasets().get(dataset)


def usual_spread(dataset: str, networks: tuple[str, ...]) -> float | None:
    """Return how far repetitions usually lie from a published figure, in points; None where that is not known."""
    known = conditions(dataset)
    if known is None or not known.spread:
        return None
    wide = tuple(known.spread.get("networks", ()))
    name = "wide" if any(network.startswith(wide) for network in networks) else "usual"
    return float(known.spread[name])


def recipe(figure: Figure) -> dict[str, Value]:
    """Return the recipe of the literature for a figure, by the names of our fields; empty where none is known."""
    known = conditions(figure.dataset)
    if known is None:
        return {}
    of_student, of_method = known.students.get(figure.student, {}), known.methods.get(figure.method, {})
    return {**plain_recipe(), **known.recipe, **of_student, **of_method}


def plain_recipe() -> Mapping[str, Value]:
    """Return the fields of a recipe that runs of earlier versions do not record, at the values that they had."""
    values: Mapping[str, Value] = _conditions()["plain"]
    return values


def differences(figure: Figure) -> tuple[str, ...]:
    """Return how a figure is known to have been made otherwise than the others of its data set."""
    return tuple(one.reason for one in _named("differences") if one.holds(figure))


def hyperparameters(figure: Figure) -> dict[str, Value]:
    """Return the hyperparameters of a figure that are not the defaults of its method."""
    values: dict[str, Value] = {}
    for one in _named("hyperparameters"):
        values |= one.values if one.holds(figure) else {}
    return values


def same_source(one: Figure, other: Figure) -> bool:
    """Return whether two figures are from one publication, whatever their sources say in brackets."""
    return bool(_publications(one) & _publications(other))


def _publications(figure: Figure) -> set[str]:
    return set(figure.source.partition(" (")[0].split(" / "))


@functools.cache
def _conditions() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load((FOLDER / "conditions.yaml").read_text(encoding="utf-8"))
    return loaded


@functools.cache
def _datasets() -> Mapping[str, DataSetConditions]:
    return {name: DataSetConditions(**values) for name, values in _conditions()["datasets"].items()}


@functools.cache
def _named(kind: str) -> tuple[Condition, ...]:
    return tuple(Condition(**one) for one in _conditions()[kind])
