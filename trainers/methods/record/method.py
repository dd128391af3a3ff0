"""What a distillation method is: a registry record, described hyperparameters, and the rules that they keep.

A method's hyperparameters are the fields of a frozen dataclass, annotated with their range:
`Annotated[float, Range(gt=0, search=Log(1, 8))]`. That one place serves validation, the command line, and the default
search.
"""

from __future__ import annotations

import ast
import difflib
import enum
import functools
import inspect
import math
import textwrap
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, replace
from dataclasses import field as dataclass_field
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from trainers.methods.record.few_classes import fitted
from trainers.methods.record.outputs import NetworkShape, Setting
from trainers.model_names import OF_TORCHVISION
from trainers.texts.words import shown

if TYPE_CHECKING:
    from torch import Tensor, nn

CE_WEIGHT = "ce_weight"
SHARED = (CE_WEIGHT, "weight", "warmup_epochs", "standardize")
"""Hyperparameters that a built method applies around the pure loss."""
TYPE_WORDS: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}

SOUND_VALUES = 100_000
"""So many values of a method are remembered as sound."""

Value = bool | int | float | str | tuple[int, ...] | tuple[float, ...]
Values = Mapping[str, Any]
"""Hyperparameters by name, of the types that the method declares."""
Term: TypeAlias = "Callable[..., tuple[Tensor, dict[str, Tensor]]]"
"""(hyperparameters, student, teacher, target) -> (method term, named parts for the log). Student and teacher are logits
[B, C] where the method needs logits, `Output`s where it needs features; all in float32 or float64."""
Module: TypeAlias = "Callable[[Values, Setting], nn.Module]"
"""(hyperparameters, setting) -> a module called as (student, teacher, target, epoch) -> (method term, named parts).
Student and teacher are `Output`s. Its parameters are trained with the student's, its buffers are in checkpoints."""


class Needs(enum.Enum):
    """What a method asks of the teacher."""

    NOTHING = "nothing"
    LOGITS = "logits"
    """The logits of both networks; they can come from the bank."""
    FEATURES = "features"
    """Feature maps and pooled vectors of both networks too; the teacher runs in every step."""


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
    """The values that a number may take, and where to search it by default."""

    gt: float | None = None
    ge: float | None = None
    lt: float | Literal["classes"] | None = None
    le: float | None = None
    search: Log | Linear | Choice | None = None

    def broken(self, value: float, classes: int | None) -> list[str]:
        """Return every rule that the value breaks, in words without the value."""
        below = classes if self.lt == "classes" else self.lt
        name = f"the number of classes ({classes})" if self.lt == "classes" else f"{below}"
        rules = (
            (self.gt is None or value > self.gt, f"must be greater than {self.gt}"),
            (self.ge is None or value >= self.ge, f"must be at least {self.ge}"),
            (below is None or value < float(below), f"must be less than {name}"),
            (self.le is None or value <= self.le, f"must be at most {self.le}"),
        )
        return [text for holds, text in rules if not holds]


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One hyperparameter as a person or a search space sees it."""

    name: str
    type: type[Value]
    default: Value
    range: Range | None
    choices: tuple[Value, ...] | None
    doc: str
    item: Any = None
    """Type of the items where the type is tuple: the value is a list in a sweep file."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A hyperparameter that breaks a rule."""

    name: str
    message: str
    """Rule and value."""


def no_rules(_values: Values, _classes: int | None) -> Sequence[Problem]:
    """Return no problem: any values of the method go together."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForPair:
    """Defaults that the authors tuned for a data set or a pair of networks, where they differ from the method's."""

    datasets: tuple[str, ...]
    """Names of the data sets."""
    pairs: tuple[tuple[str, str], ...] | None = None
    """timm's names of teacher and student; None: all."""
    values: Mapping[str, Value]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A registry entry."""

    name: str
    version: int
    """Raised by hand when the numbers of the method change on purpose; part of every trial key."""
    hyperparameters: type[Any]
    """A frozen dataclass; its defaults are the paper's."""
    loss: Callable[..., Tensor] | None = None
    """The pure loss; None where the method adds nothing to the cross-entropy, or cannot do without its module."""
    term: Term | None = None
    """The loss with the hyperparameters bound, and its parts; None where `module` or `parts` say it, or the loss alone
    will do."""
    module: Module | None = None
    """Makes what holds the trainable parts and memories of a method that has some."""
    needs: Needs
    summary: str
    source: str
    kind: str = "logit"
    title: str = ""
    """As a plug-in's paper prints its name; ours are in `trainers.titles`. Empty: the name."""
    dead: Callable[[Mapping[str, Value], int], Collection[str]] = lambda _values, _classes: ()
    """Names of the hyperparameters that change nothing at these values; they are set to their defaults in the key."""
    settle: Callable[[Values, int], Mapping[str, Value]] = lambda _values, _classes: {}
    """Values that mean the same as some of these, in the one form that stands in the key."""
    rules: Callable[[Values, int | None], Sequence[Problem]] = no_rules
    """What is wrong with the values together, each of them being right; classes None: rules without them."""
    fits: Callable[[Values, NetworkShape, NetworkShape], None] = lambda _values, _student, _teacher: None
    """Raises a ValueError that says why the method cannot compare the features of a student and a teacher."""
    by_pair: tuple[ForPair, ...] = ()
    """Later ones go before earlier ones."""
    logs: Mapping[str, str] = dataclass_field(default_factory=dict)
    """Named parts that the log gets every epoch, and what each is; none: the term, under the method's name."""
    factors: tuple[str, ...] = ()
    """Hyperparameters that weigh the parts of the term: where all are 0, or change nothing, the term is 0."""
    least_batch: int = 1
    """Images of a batch that the term compares with one another: of fewer it is constant."""
    standardizes: bool = False
    """The term applies `standardize` itself, to a part of what it does."""
    inference: str = ""
    """What a trained student costs more than a plain one; the tables say so. Empty: nothing."""
    parts: tuple[Method, ...] = ()
    """The methods of a combination, whose terms are added."""

    @property
    def teacher(self) -> bool:
        """A teacher is needed."""
        return self.needs is not Needs.NOTHING

    @property
    def labelled(self) -> bool:
        """The term depends on the images' classes, or may: one with parts of its own is not asked."""
        if self.parts:
            return any(part.labelled for part in self.parts)
        return self.teacher and (self.module is not None or self.loss is None or takes_labels(self.loss))

    @property
    def features(self) -> bool:
        """More than logits is compared."""
        return self.needs is Needs.FEATURES

    def fields(self) -> tuple[Hyperparameter, ...]:
        """Return the hyperparameters in their order; those of a combination's methods are named `method.name`."""
        return tuple(self._known.values())

    @functools.cached_property
    def _known(self) -> dict[str, Hyperparameter]:
        own = describe(self.hyperparameters)  # type: ignore[arg-type]  # a class is hashable
        of_parts = (
            replace(field, name=f"{part.name}.{field.name}")
            for part in self.parts
            for field in part.fields()
            if field.name != CE_WEIGHT
        )
        return {field.name: field for field in (*own, *of_parts)}

    @functools.cached_property
    def _sound(self) -> set[tuple[str, type, object, int | None]]:
        """Values that were found to keep their rules: those of a grid come again in thousands of rows."""
        return set()

    @functools.cached_property
    def _fitted(self) -> dict[int | None, dict[str, Value]]:
        """What `fitted` has returned, by the number of classes."""
        return {None: {}}

    @functools.cached_property
    def _usual(self) -> dict[int | None, dict[str, Value]]:
        """What `whole` returns where no value is given, by the number of classes: a grid asks thousands of times."""
        return {}

    def defaults(self, dataset: str = "", teacher: str = "", student: str = "") -> dict[str, Value]:
        """Return the defaults, those that the authors tuned for this data set and pair among them.

        Args:
            teacher, student: timm's names.
        """
        values = {name: field.default for name, field in self._known.items()}
        pair = (teacher.removeprefix(OF_TORCHVISION), student.removeprefix(OF_TORCHVISION))  # the same networks
        for tuned in self.by_pair:
            if dataset in tuned.datasets and (tuned.pairs is None or pair in tuned.pairs):
                values |= tuned.values
        for part in self.parts:
            of_part = part.defaults(dataset, teacher, student)
            values |= {f"{part.name}.{name}": value for name, value in of_part.items() if name != CE_WEIGHT}
        return values

    def problems(self, values: Mapping[str, object], classes: int | None) -> list[Problem]:
        """Return everything that is wrong with these values; unknown names come with the nearest right word.

        Args:
            classes: of the data set; None leaves out the rules that depend on it.
        """
        found = self._value_problems(values, classes)
        return found if found or self.rules is no_rules else list(self.rules(self.whole(values, classes), classes))

    def _value_problems(self, values: Mapping[str, object], classes: int | None) -> list[Problem]:
        return [
            Problem(name, message)
            for name, value in values.items()
            if (name, type(value), value if not isinstance(value, list | tuple | dict) else None, classes)
            not in self._sound
            for message in self.value_problems(name, value, classes)
        ]

    def fitted(self, classes: int | None) -> dict[str, Value]:
        """Return the defaults that cannot be on so few classes, as they are taken there: a rank becomes classes − 1."""
        if classes not in self._fitted:
            assert classes is not None
            self._fitted[classes] = fitted(self.fields(), classes)
        return dict(self._fitted[classes])

    def whole(self, values: Mapping[str, object], classes: int | None) -> dict[str, Value]:
        """Return these values, which keep the rules, and the defaults of the others, as the types have them."""
        if classes not in self._usual:
            self._usual[classes] = self.coerced({**self.defaults(), **self.fitted(classes)})
        return self._usual[classes] | self.coerced(values)

    def value_problems(self, name: str, value: object, classes: int | None) -> list[str]:
        """Return what is wrong with one value, in words."""
        field = self._known.get(name)
        if field is None:
            near = difflib.get_close_matches(name, self._known, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            names = ", ".join(self._known) or "none"
            return [f"'{self.name}' has no hyperparameter '{name}'{hint} (it has: {names})"]
        found = wrong_value(field, value, classes)
        if not found and isinstance(value, bool | int | float | str) and len(self._sound) < SOUND_VALUES:
            self._sound.add((name, type(value), value, classes))
        return found

    def canonical(self, values: Mapping[str, object], classes: int) -> dict[str, Value]:
        """Return all hyperparameters: given, fitted or default, coerced to their types, dead ones at their defaults.

        Raises:
            ValueError: lists every problem.
        """
        problems = self.problems(values, classes)
        if not problems:
            whole = self.whole(values, classes)
            dead = frozenset(self.dead(whole, classes))
            alive = {name: value for name, value in whole.items() if name not in dead}
            taken = {name: value for name, value in alive.items() if name not in values}
            problems = self._value_problems(taken, classes)  # a default may be too high for few classes
            if not problems and dead and self.rules is not no_rules:
                problems = list(self.rules(self.whole(alive, classes), classes))
        if problems:
            raise ValueError("; ".join(f"{self.name}.{problem.name}: {problem.message}" for problem in problems))
        if dead:
            defaults = self.defaults()
            whole |= {name: defaults[name] for name in dead}
        return whole | dict(self.settle(whole, classes))

    def silent(self, values: Values, classes: int) -> tuple[str, ...]:
        """Return the factors of 0 by which neither the cross-entropy nor any term counts; none: something is trained.

        Args:
            values: all hyperparameters, which keep the rules.
        """
        if not self.teacher or values[CE_WEIGHT] != 0:
            return ()
        found = [CE_WEIGHT]
        for part in self.parts or (self,):
            prefix = f"{part.name}." if self.parts else ""
            own = part._silent(of_part(part, values) if self.parts else values, classes)
            if not own:
                return ()
            found += [prefix + name for name in own]
        return tuple(found)

    def _silent(self, values: Values, classes: int) -> tuple[str, ...]:
        """Return the factors of 0 by which this method's own term is 0."""
        if values["weight"] == 0:
            return ("weight",)
        dead = frozenset(self.dead(values, classes))
        whole = {**values, **self.settle(values, classes)}
        alive = [name for name in self.factors if name not in dead and whole[name] != ()]
        counts = any(any(value) if isinstance(value, tuple) else value for value in (whole[name] for name in alive))
        return () if counts else tuple(alive)

    def coerced(self, values: Mapping[str, object]) -> dict[str, Value]:
        """Return these values, which keep the rules, as the types of the hyperparameters have them, in their order."""
        known = self._known
        return {name: _coerced(values[name], known[name]) for name in known if name in values}


def takes_labels(loss: Callable[..., Tensor]) -> bool:
    """Return whether a pure loss takes the images' classes besides the answers of student and teacher."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in kinds for one in inspect.signature(loss).parameters.values()) > 2


def loss_problem(loss: Callable[..., Tensor], own: Sequence[str]) -> str:
    """Return why a pure loss cannot be called with the method's own hyperparameters; empty: it can.

    Args:
        own: their names.
    """
    tensors = [None] * (3 if takes_labels(loss) else 2)
    try:
        inspect.signature(loss).bind(*tensors, **dict.fromkeys(own))
    except TypeError as error:
        return f"its loss does not take its hyperparameters: {error}"
    return ""


def of_part(part: Method, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hyperparameters of one method of a combination, under its own names."""
    prefix = f"{part.name}."
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


@functools.cache
def describe(hyperparameters: type[Any]) -> tuple[Hyperparameter, ...]:
    """Return the fields of a hyperparameter dataclass, with range, choices and the text that follows each."""
    hints = typing.get_type_hints(hyperparameters, include_extras=True)
    docs = _field_docs(hyperparameters)
    return tuple(
        _describe_one(field.name, hints[field.name], field.default, docs.get(field.name, ""))
        for field in dataclass_fields(hyperparameters)
        if field.default is not MISSING
    )


def _describe_one(name: str, hint: Any, default: Value, doc: str) -> Hyperparameter:
    extras = typing.get_args(hint)[1:] if typing.get_origin(hint) is typing.Annotated else ()
    plain = typing.get_args(hint)[0] if extras else hint
    found = next((extra for extra in extras if isinstance(extra, Range)), None)
    if typing.get_origin(plain) is Literal:
        choices = typing.get_args(plain)
        return Hyperparameter(name, type(choices[0]), default, found, choices, doc)
    if typing.get_origin(plain) is tuple:
        return Hyperparameter(name, tuple, default, found, None, doc, item=typing.get_args(plain)[0])
    return Hyperparameter(name, plain, default, found, None, doc)


def _field_docs(hyperparameters: type[Any]) -> dict[str, str]:
    """Return the string that stands under each field in the source; none where there is no source to look at."""
    try:
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(hyperparameters))).body
    except (OSError, TypeError, SyntaxError, ValueError):  # made by a function, or installed without source
        return {}
    docs: dict[str, str] = {}
    if not isinstance(body, ast.ClassDef):
        return docs
    for field, text in zip(body.body[:-1], body.body[1:], strict=True):
        said = text.value.value if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) else None
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(said, str):
            docs[field.target.id] = " ".join(said.split())
    return docs


def wrong_value(field: Hyperparameter, value: object, classes: int | None) -> list[str]:
    """Return what is wrong with a value for this hyperparameter: its type, or the rules of its range."""
    if field.item is not None:
        return _wrong_list(field, value, classes)
    if not _has_type(value, field.type):
        return [f"must be {TYPE_WORDS[field.type]}, got {shown(value)}"]
    if field.choices is not None and value not in field.choices:
        near = difflib.get_close_matches(str(value), [str(choice) for choice in field.choices], n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        return [f"must be one of {', '.join(map(str, field.choices))}, got {shown(value)}{hint}"]
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not _finite(value):
            return [f"must be a finite number, got {shown(value)}"]
        rules = field.range.broken(value, classes) if field.range is not None else []
        return [f"{rule}, got {shown(value)}" for rule in rules]
    return []


def _wrong_list(field: Hyperparameter, value: object, classes: int | None) -> list[str]:
    assert field.item is not None
    if not isinstance(value, list | tuple):
        return [f"must be a list, each item {TYPE_WORDS[field.item]}, got {shown(value)}"]
    item = replace(field, type=field.item, item=None)
    return [f"each item {message}" for one in value for message in wrong_value(item, one, classes)]


def _has_type(value: object, kind: type[Value]) -> bool:
    """Return whether the value may stand for the type: a whole number for a float, but never a truth value for a
    number."""
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)


def _finite(value: float) -> bool:
    """Return whether the value is a number that a float can hold; 10**400 is not."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _coerced(value: object, field: Hyperparameter) -> Value:
    if field.item is not None:
        assert isinstance(value, list | tuple)
        item = replace(field, type=field.item, item=None)
        return tuple(_coerced(one, item) for one in value)  # type: ignore[return-value]  # of one type
    assert isinstance(value, bool | int | float | str)
    return float(value) + 0.0 if field.type is float else value  # + 0.0 makes -0.0 the same value as 0.0


def check(hyperparameters: Any, method: str) -> None:
    """Hold a hyperparameter object to its ranges; called by every `__post_init__`.

    Raises:
        ValueError: names the first value that breaks its rule, as `method.field`.
    """
    for field in describe(type(hyperparameters)):  # type: ignore[arg-type]
        for message in wrong_value(field, getattr(hyperparameters, field.name), None):
            raise ValueError(f"{method}.{field.name} {message}")
