"""What a distillation method is: a registry record, and the rules that its hyperparameters keep together."""

from __future__ import annotations

import enum
import functools
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any, TypeAlias

from trainers.late import Tensor, nn
from trainers.methods.record.hyperparameters import CE_WEIGHT, Hyperparameter, describe
from trainers.methods.record.outputs import NetworkShape, Output, Setting, TermValue
from trainers.model_names import OF_TORCHVISION
from trainers.texts.nearest import hint
from trainers.trials.trial import Value

SOUND_VALUES = 100_000
"""So many values of a method are remembered as sound."""

Values = Mapping[str, Any]
"""Hyperparameters by name, of the types that the method declares."""
Term: TypeAlias = "Callable[..., TermValue]"
"""(hyperparameters, student, teacher, target) -> (method term, named parts for the log). Student and teacher are logits
[B, C] where the method needs logits, `Output`s where it needs features or may compare two views; all in float32 or
float64."""
Module: TypeAlias = "Callable[[Values, Setting], nn.Module]"
"""(hyperparameters, setting) -> a module called as (student, teacher, target, epoch) -> (method term, named parts).
Student and teacher are `Output`s. Its parameters are trained with the student's, its buffers are in checkpoints."""

Network: TypeAlias = "Callable[[nn.Module, Callable[[Tensor], Output], Setting], nn.Module]"
"""(student, what returns all that it answers to images, setting) -> the network that is trained in the student's place,
scored and kept. It answers as a network of timm's, its features by `forward_intermediates`."""


class Needs(enum.Enum):
    """What a method asks of the teacher."""

    NOTHING = "nothing"
    LOGITS = "logits"
    """The logits of both networks; they can come from the bank."""
    FEATURES = "features"
    """Feature maps and pooled vectors of both networks too; the teacher runs in every step."""


KINDS = {Needs.NOTHING: "baseline", Needs.LOGITS: "logit", Needs.FEATURES: "feature"}


class Couples(enum.Enum):
    """What a term compares from one row of a batch to another, so that its parts do not add up to the whole: ranks of a
    training gather it first (trainers.ranks)."""

    NOTHING = "nothing"
    """The term is a mean over the rows, each for itself."""
    LOGITS = "logits"
    VECTORS = "vectors"
    """And the logits."""
    LAST_MAPS = "last maps"
    """And the logits."""
    ITSELF = "itself"
    """The module sums over the ranks what it keeps of a batch (`Setting.summed`)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A hyperparameter that breaks a rule."""

    name: str
    message: str
    """Rule and value."""


@dataclass(frozen=True, slots=True)
class Momentum:
    """Of a part of the loss, where parts have one each."""

    part: str
    """`task`, the cross-entropy, or a named part of the term, which is then the sum of those that are named."""
    delta: float
    """So much more than the recipe's."""
    decays: bool = False
    """Weight decay belongs to this part."""


def one_momentum(_values: Values) -> tuple[Momentum, ...]:
    """Return none: the whole loss has one momentum."""
    return ()


def one_view(_values: Values) -> bool:
    """Return that the method compares one view of each image."""
    return False


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
    """A `Hyperparameters`; of plug-ins it may be a frozen dataclass, too."""
    loss: Callable[..., Tensor] | None = None
    """The pure loss; None where the method adds nothing to the cross-entropy, or cannot do without its module."""
    term: Term | None = None
    """The loss with the hyperparameters bound, and its parts; None where `module` or `parts` say it, or the loss alone
    will do."""
    module: Module | None = None
    """Makes what holds the trainable parts and memories of a method that has some."""
    network: Network | None = None
    """Makes of a student the network that is trained in its place; None: the student is trained as it is."""
    needs: Needs = Needs.LOGITS
    summary: str
    source: str
    kind: str = ""
    """Tables put methods of one kind together; empty: by what the method needs."""
    title: str = ""
    """As its paper prints its name. Empty: the name."""
    dead: Callable[[Mapping[str, Value], int], Collection[str]] = lambda _values, _classes: ()
    """Names of the hyperparameters that change nothing at these values; they are set to their defaults in the key."""
    settle: Callable[[Values, int], Mapping[str, Value]] = lambda _values, _classes: {}
    """Values that mean the same as some of these, in the one form that stands in the key."""
    rules: Callable[[Values, int | None], Sequence[Problem]] = no_rules
    """What is wrong with the values together, each of them being right; classes None: rules without them."""
    fits: Callable[[Values, NetworkShape, NetworkShape], object] = lambda _values, _student, _teacher: None
    """Raises a ValueError that says why the method cannot compare the features of a student and a teacher."""
    by_pair: tuple[ForPair, ...] = ()
    """Later ones go before earlier ones."""
    logs: Mapping[str, str] = dataclass_field(default_factory=dict)
    """Named parts that the log gets every epoch, and what each is; none: the term, under the method's name."""
    factors: tuple[str, ...] = ()
    """Hyperparameters that weigh the parts of the term: where all are 0, or change nothing, the term is 0."""
    momenta: Callable[[Values], tuple[Momentum, ...]] = one_momentum
    """Of the parts of the loss, in the order in which they move the weights; each has a backward pass of its own."""
    strong_view: Callable[[Values], bool] = one_view
    """Whether the method compares a strong view of each image beside the usual one: each step has two forward passes
    of the student, and the cross-entropy is the sum of both."""
    later: tuple[str, ...] = ()
    """Hyperparameters that a later version of the method added without a change of its numbers: trials hold them only
    where they are not at their defaults, so that those of before keep their keys."""
    least_batch: int = 1
    """Images of a batch that the term compares with one another: of fewer it is constant."""
    couples: Couples = Couples.NOTHING
    """What of the answers the term compares from row to row."""
    standardizes: bool = False
    """The term applies `standardize` itself, to a part of what it does."""
    inference: str = ""
    """What a trained student costs more than a plain one; the tables say so. Empty: nothing."""
    parts: tuple[Method, ...] = ()
    """The methods of a combination, whose terms are added."""

    def __post_init__(self) -> None:
        if not self.kind:
            object.__setattr__(self, "kind", KINDS.get(self.needs, "logit"))

    @property
    def teacher(self) -> bool:
        """A teacher is needed."""
        return self.needs is not Needs.NOTHING

    @property
    def methods(self) -> tuple[Method, ...]:
        """Those whose terms are added: of a combination its parts, else it alone."""
        return self.parts or (self,)

    def own_values(self, part: Method, values: Values) -> dict[str, Any]:
        """Return the hyperparameters of one of these methods, under its own names."""
        return {CE_WEIGHT: values[CE_WEIGHT], **of_part(part, values)} if self.parts else dict(values)

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
    def _sound_defaults(self) -> dict[int | None, dict[str, Value]]:
        """Defaults that keep their rules, by the number of classes: most values of most rows are these very objects."""
        return {}

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
        if classes not in self._sound_defaults:
            usual = {**self.defaults(), **self.fitted(classes)}
            self._sound_defaults[classes] = {
                name: value for name, value in usual.items() if not self._known[name].wrong(value, classes)
            }
        sound = self._sound_defaults[classes]
        return [
            Problem(name, message)
            for name, value in values.items()
            if sound.get(name, self) is not value
            and (name, type(value), value if not isinstance(value, list | tuple | dict) else None, classes)
            not in self._sound
            for message in self.value_problems(name, value, classes)
        ]

    def fitted(self, classes: int | None) -> dict[str, Value]:
        """Return the defaults that cannot be on so few classes, as they are taken there: a rank becomes classes − 1."""
        if classes not in self._fitted:
            assert classes is not None
            found = {field.name: field.fitted(classes) for field in self.fields()}
            self._fitted[classes] = {name: value for name, value in found.items() if value is not None}
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
            names = ", ".join(self._known) or "none"
            return [f"'{self.name}' has no hyperparameter '{name}'{hint(name, self._known)} (it has: {names})"]
        found = field.wrong(value, classes)
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
        whole |= self.settle(whole, classes)
        usual = {name: self._known[name].default for name in self.later}
        return {name: value for name, value in whole.items() if name not in usual or value != usual[name]}

    def sees_strong(self, values: Mapping[str, object]) -> bool:
        """Return whether a strong view of each image is compared, too, with these values and else the defaults."""
        if self.strong_view is one_view:
            return False
        return self.strong_view({**self.defaults(), **values})

    def silent(self, values: Values, classes: int) -> tuple[str, ...]:
        """Return the factors of 0 by which neither the cross-entropy nor any term counts; none: something is trained.

        Args:
            values: all hyperparameters, which keep the rules.
        """
        if not self.teacher or values[CE_WEIGHT] != 0:
            return ()
        found = [CE_WEIGHT]
        for part in self.methods:
            prefix = f"{part.name}." if self.parts else ""
            own = part._silent(self.own_values(part, values), classes)
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
        return {name: known[name].coerced(values[name]) for name in known if name in values}


def takes_labels(loss: Callable[..., Tensor]) -> bool:
    """Return whether a pure loss takes the images' classes besides the answers of student and teacher."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in kinds for one in inspect.signature(loss).parameters.values()) > 2


def of_part(part: Method, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hyperparameters of one method of a combination, under its own names."""
    prefix = f"{part.name}."
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
