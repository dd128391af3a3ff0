"""Hyperparameters of a method: a pydantic model, whose fields say once what they are, may be, and are searched over.

The checks of sweep files, the listing of methods, the pages of docs/ and the default searches take it from there. What
pydantic has no word for stands beside its own in `Annotated`: where a number is searched by default, and that it must
lie below the number of classes.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import typing
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, ErrorDetails

from trainers.texts.findings import told
from trainers.texts.nearest import one_of
from trainers.texts.words import shown
from trainers.trials.trial import Value

CE_WEIGHT = "ce_weight"
CLASSES: Literal["classes"] = "classes"
"""In place of a number: that of the data set's classes."""
LIMITS = ("gt", "ge", "lt", "le")
ITEMS: dict[Any, str] = {int: "a whole number", float: "a number"}

Model = type[BaseModel]


@dataclass(frozen=True, slots=True)
class Log:
    """Searched from `low` to `high` so that a doubling counts the same everywhere."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Linear:
    """Searched evenly from `low` to `high`."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Choice:
    """Searched among these values."""

    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The values that a number, or each of a list, may take, and where to search it by default."""

    gt: float | None = None
    ge: float | None = None
    lt: float | Literal["classes"] | None = None
    le: float | None = None
    search: Log | Linear | Choice | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Have pydantic hold the limits but that of the classes, which no model knows."""
        if typing.get_origin(source) is tuple:
            item: Any = typing.get_args(source)[0]
            limited: Any = Annotated[item, self._limits(item)]
            return handler(tuple[limited, ...])
        return handler(Annotated[source, self._limits(source)])

    def _limits(self, kind: Any) -> Any:
        """Return the limits in pydantic's words: of numbers alone, and of whole ones whole."""
        rounded = {"gt": math.floor, "ge": math.ceil, "lt": math.ceil, "le": math.floor}
        given = {name: getattr(self, name) for name in rounded if kind in (int, float)}
        limits: dict[str, Any] = {
            name: limit for name, limit in given.items() if limit not in (None, CLASSES) and math.isfinite(limit)
        }
        if kind is int:
            limits = {name: rounded[name](limit) for name, limit in limits.items()}
        return Field(**limits)


BELOW_CLASSES = Range(lt=CLASSES)
Factor = Annotated[float, Field(ge=0)]
Rank = Annotated[int, Field(ge=1), BELOW_CLASSES]
Temperature = Annotated[float, Field(ge=0.001, le=100), Log(1, 8)]


class Hyperparameters(BaseModel):
    """What can be set of a method; the defaults are the paper's."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        protected_namespaces=(),
        defer_build=True,  # a run asks few of the methods
    )


class Labelled(Hyperparameters):
    """Of what is trained with the labels, too."""

    ce_weight: Factor = 1.0
    """Factor of the cross-entropy with the labels."""


class Distilled(Labelled):
    """Of a method that adds a term to the cross-entropy."""

    weight: Factor = 1.0
    """Factor of the method's term beside the cross-entropy."""
    warmup_epochs: Factor = 0.0
    """Epochs over which the method's term ramps up to its weight."""


class DistilledLogits(Distilled):
    """Of a method whose term compares logits."""

    standardize: bool = False
    """Standardize the logits of teacher and student first."""


SHARED = tuple(DistilledLogits.model_fields)
"""Hyperparameters that a built method applies around the pure loss."""


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One hyperparameter as a person or a search space sees it."""

    name: str
    type: type[Value]
    default: Value
    range: Range | None
    choices: tuple[Value, ...] | None
    doc: str
    model: Model
    """Whose field it is."""
    item: Any = None
    """Type of the items where the type is tuple: the value is a list in a sweep file."""

    @property
    def is_rank(self) -> bool:
        """It, or each item of it, must lie below the number of classes."""
        return self.range is not None and self.range.lt == CLASSES

    def wrong(self, value: object, classes: int | None) -> list[str]:
        """Return what is wrong with a value: its type, or the rules of its range.

        Args:
            classes: of the data set; None leaves out the rule that depends on it.
        """
        own = self.name.rpartition(".")[2]  # in a combination its method's name stands before it
        given: Any = tuple(value) if isinstance(value, list) else value
        if self.choices is not None and type(given) is not self.type:  # pydantic takes True for the choice 1
            return [one_of([*map(str, self.choices)], given)]
        try:
            self.model.model_validate({own: given})
        except ValidationError as error:
            found = [one for one in error.errors(include_url=False) if one["loc"][:1] == (own,)]
            if found:
                return [self._told(one) for one in found]
        if classes is None or not self.is_rank:
            return []
        too_high = [rank for rank in (given if isinstance(given, tuple) else (given,)) if rank >= classes]
        return [f"{self._each}must be less than the number of classes ({classes}), got {shown(n)}" for n in too_high]

    @property
    def _each(self) -> str:
        return "" if self.item is None else "each item "

    def _told(self, finding: ErrorDetails) -> str:
        if finding["type"] == "tuple_type":
            return f"must be a list, each item {ITEMS[self.item]}, got {shown(finding['input'])}"
        return (self._each if len(finding["loc"]) > 1 else "") + told(finding)

    def fitted(self, classes: int) -> Value | None:
        """Return the default as it is taken on so few classes, where it cannot be on them and there is a way.

        A rank that must lie below the number of classes becomes classes − 1; in a list of ranks those that are too high
        become that one, which stands there once.
        """
        if not self.is_rank:
            return None
        given: tuple[Any, ...] = self.default if isinstance(self.default, tuple) else (self.default,)
        ranks: tuple[int, ...] = tuple(dict.fromkeys(min(rank, classes - 1) for rank in given))
        value: Value = ranks if self.item is not None else ranks[0]
        return None if ranks == given or self.wrong(value, classes) else value

    def coerced(self, value: Any) -> Value:
        """Return a sound value as the type has it: 8 is 8.0 where numbers are floats, a list is a tuple."""
        if self.item is not None:
            return tuple(float(one) + 0.0 for one in value) if self.item is float else tuple(value)
        sound: Value = float(value) + 0.0 if self.type is float else value  # + 0.0: -0.0 is the same value as 0.0
        return sound


@functools.cache
def describe(hyperparameters: type[Any]) -> tuple[Hyperparameter, ...]:
    """Return the fields of a model of hyperparameters: the method's own, then those that all have."""
    model = model_of(hyperparameters)
    last = SHARED if issubclass(model, Labelled) else ()
    return tuple(_describe_one(model, name) for name in sorted(model.model_fields, key=lambda name: name in last))


def _describe_one(model: Model, name: str) -> Hyperparameter:
    field = model.model_fields[name]
    plain, metadata = field.annotation, [*field.metadata]
    item = None
    if typing.get_origin(plain) is tuple:
        item, *inner = typing.get_args(_annotated(typing.get_args(plain)[0]))
        metadata += inner
    choices = typing.get_args(plain) if typing.get_origin(plain) is Literal else None
    return Hyperparameter(
        name=name,
        type=type(choices[0]) if choices else tuple if item is not None else plain,  # type: ignore[arg-type]
        default=field.default,
        range=_range(metadata),
        choices=choices,
        doc=_doc(model, name),
        model=model,
        item=item,
    )


def _annotated(hint: Any) -> Any:
    return hint if typing.get_origin(hint) is Annotated else Annotated[hint, Field()]


def _range(metadata: Sequence[Any]) -> Range | None:
    """Return limits and search as they stand in `Annotated`, in pydantic's words and ours."""
    flat = [*_flat(metadata)]
    limits = {name: limit for one in flat for name in LIMITS if (limit := getattr(one, name, None)) is not None}
    searches = [getattr(one, "search", one) for one in flat if isinstance(one, Range | Log | Linear | Choice)]
    search = next(filter(None, searches), None)
    return Range(**limits, search=search) if limits or search else None


def _flat(metadata: Sequence[Any]) -> Iterator[Any]:
    for one in metadata:
        yield from one.metadata if isinstance(one, FieldInfo) else [one]


def _doc(model: Model, name: str) -> str:
    """Return what is said of a field where it was last said: a class may change a default alone."""
    bases = [base for base in model.__mro__ if issubclass(base, BaseModel)]
    fields = [base.model_fields[name] for base in bases if name in base.model_fields]
    return " ".join(next((field.description for field in fields if field.description), "").split())


def model_of(hyperparameters: type[Any]) -> Model:
    """Return the model of hyperparameters; plug-ins may have a frozen dataclass instead."""
    if issubclass(hyperparameters, BaseModel):
        return hyperparameters
    hints = typing.get_type_hints(hyperparameters, include_extras=True)
    docs = _docs(hyperparameters)
    fields: dict[str, Any] = {
        field.name: (
            hints[field.name],
            Field(... if field.default is dataclasses.MISSING else field.default, description=docs.get(field.name)),
        )
        for field in dataclasses.fields(hyperparameters)
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a field may be named as something of pydantic's is
        return create_model(hyperparameters.__name__, __base__=Hyperparameters, **fields)


def _docs(hyperparameters: type[Any]) -> dict[str, str]:
    """Return the string under each field of a dataclass, by pydantic; none where there is no source to look at."""
    hyperparameters.__pydantic_config__ = ConfigDict(use_attribute_docstrings=True)
    try:
        described = TypeAdapter(hyperparameters).json_schema()
    except PydanticUserError:  # a type that pydantic does not know, told by who looks plug-ins over
        return {}
    return {name: part.get("description", "") for name, part in described.get("properties", {}).items()}
