"""Methods of other packages: loaded one by one and looked over; one that cannot be used breaks nothing but itself."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass, replace
from importlib.metadata import EntryPoint
from typing import Any

from pydantic_core import PydanticUndefined

from trainers.errors import RequestError
from trainers.late import torch
from trainers.methods.record.hyperparameters import CE_WEIGHT, SHARED, Hyperparameters, describe
from trainers.methods.record.method import Couples, ForPair, Method, Needs, Problem, takes_labels
from trainers.methods.record.outputs import Head, NetworkShape, Output, Setting
from trainers.own.plugins import Broken
from trainers.texts.words import line_of

CLASSES = 100
"""Of the data set that a plug-in's own rules are tried for."""
VECTOR = 64
"""Numbers that the last layer of a teacher reads, where nobody knows."""
PARTS_APART = 1e-3
"""More than this is no rounding in float32."""
NEEDED = (CE_WEIGHT, "weight", "warmup_epochs")
KINDS: tuple[Any, ...] = (bool, int, float, str)
TAKEN = ("method",)
"""Keys of an entry that can be no hyperparameter."""
HOLLOW: Mapping[str, Any] = {field.name: field.default for field in dataclass_fields(Method)}


class PluginError(RequestError, ValueError):
    """A plug-in is no whole method, or its own functions fail; whoever uses it is told so in one line."""


def load(entries: Iterable[EntryPoint], ours: Collection[str]) -> tuple[dict[str, Method], tuple[Broken, ...]]:
    """Return the methods of plug-ins by name, and the plug-ins that cannot be used.

    Args:
        ours: names of our own methods, which no plug-in may take; two plug-ins of one name are both unusable.
    """
    broken: list[Broken] = []
    found: dict[str, list[tuple[EntryPoint, Method]]] = {}
    for entry in entries:
        try:
            method = _checked(entry)
        except PluginError as error:
            broken.append(Broken((line_of(entry.name),), line_of(entry.value), str(error)))
            continue
        if method.name in ours:
            broken.append(Broken((entry.name,), entry.value, f"it is named '{method.name}', as another method is"))
        else:
            found.setdefault(method.name, []).append((entry, method))
    for name, of in found.items():
        for entry, _ in of if len(of) > 1 else ():
            others = ", ".join(other.value for other, _ in of if other is not entry)
            broken.append(Broken((name, entry.name), entry.value, f"it is named '{name}', and so is {others}"))
    return {name: of[0][1] for name, of in found.items() if len(of) == 1}, tuple(broken)


def _checked(entry: EntryPoint) -> Method:
    """Return the record of a plug-in.

    Raises:
        PluginError: it cannot be loaded, or is not whole.
    """
    try:
        method = entry.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 (a package does what it likes while it is imported)
        raise PluginError(f"it cannot be loaded: {_named(error)}") from None
    if not isinstance(method, Method):
        raise PluginError(f"it gives no trainers.methods.Method, but {_kind(method)}")
    try:
        problem = _record_problem(method) or _hyperparameter_problem(method) or _function_problem(method)
    except Exception as error:  # noqa: BLE001 (a record may hold anything)
        raise PluginError(f"its record cannot be read: {_named(error)}") from None
    if problem:
        raise PluginError(line_of(problem))
    guarded = _guarded(method, entry.value)
    _try_rules(guarded)
    return guarded


def _record_problem(method: Method) -> str:
    for name in ("name", "summary", "source", "kind", "inference"):
        text = getattr(method, name)
        if not isinstance(text, str) or text != line_of(text):
            return f"its {name} must be text without control characters, got {text!r}"
    if not method.name or method.name != method.name.strip() or "+" in method.name:
        return f"its name must be a word without '+' or spaces around it, got {method.name!r}"
    if type(method.version) is not int or not 1 <= method.version < 1000:
        return f"its version must be a whole number from 1 to 999, got {method.version!r}"
    if not isinstance(method.needs, Needs):
        return f"its needs must be one of trainers.methods.Needs, got {method.needs!r}"
    if not isinstance(method.couples, Couples):
        return f"its couples must be one of trainers.methods.Couples, got {method.couples!r}"
    if method.parts:
        return "its parts must be empty: methods are combined in sweep files"
    if not all(isinstance(pair, ForPair) for pair in method.by_pair):
        return "its by_pair must hold trainers.methods.ForPair alone"
    return ""


def _hyperparameter_problem(method: Method) -> str:
    kind = method.hyperparameters
    if not isinstance(kind, type) or not (issubclass(kind, Hyperparameters) or is_dataclass(kind)):
        return f"its hyperparameters must be a trainers.methods.Hyperparameters or a dataclass, got {_kind(kind)}"
    described = {field.name: field for field in describe(kind)}
    for name, field in described.items():
        if field.default is PydanticUndefined:  # type: ignore[comparison-overlap]  # pydantic's word for none
            return f"its hyperparameter {name} has no default"
        if name in TAKEN:
            return f"its hyperparameter {name} has the name of a key of every entry"
        if (field.type if field.item is None else field.item) not in KINDS:
            return f"its hyperparameter {name} must be a bool, int, float, str, Literal or a tuple of numbers"
        for message in field.wrong(field.default, None):
            return f"the default of its hyperparameter {name} {message}"
    for name in NEEDED if method.teacher else ():
        if name not in described or described[name].type not in (int, float):
            return f"it lacks the hyperparameter {name}, a number that every method has"
    if "standardize" in described and described["standardize"].type is not bool:
        return "its hyperparameter standardize must be a bool"
    for kind_of in ("factors", "later"):
        for name in getattr(method, kind_of):
            if name not in described:
                return f"its {kind_of} name {name}, which is no hyperparameter of it"
    for pair in method.by_pair:
        for name, value in pair.values.items():
            if name not in described:
                return f"its by_pair sets {name}, which is no hyperparameter of it"
            for message in described[name].wrong(value, None):
                return f"{name} of its by_pair {message}"
    return ""


def _function_problem(method: Method) -> str:
    ways = {name: getattr(method, name) for name in ("loss", "term", "module")}
    functions = {name: getattr(method, name) for name in ("dead", "settle", "rules", "fits", "strong_view")}
    for name, given in ({name: way for name, way in ways.items() if way is not None} | functions).items():
        if not callable(given):
            return f"its {name} must be a function, got {_kind(given)}"
    if not method.teacher or method.term or method.module:
        return ""
    if method.loss is None:
        return "it has neither loss, term nor module"
    own = [field.name for field in method.fields() if field.name not in SHARED]
    tensors = [None] * (3 if takes_labels(method.loss) else 2)
    try:
        inspect.signature(method.loss).bind(*tensors, **dict.fromkeys(own))
    except TypeError as error:
        return f"its loss does not take its hyperparameters: {error}"
    return ""


def _try_rules(method: Method) -> None:
    """Ask the record's own functions once, at its defaults."""
    values = method.coerced(method.defaults())
    problems = [*method.rules(values, None)] or [*method.rules(values, CLASSES)]
    if problems:
        raise PluginError(line_of(f"its default of {problems[0].name} {problems[0].message}"))
    method.dead(values, CLASSES)
    method.settle(values, CLASSES)
    method.strong_view(values)


def _guarded(method: Method, value: str) -> Method:
    """Return the record with its own functions watched: what they raise, or give that is none of what they should, is
    the plug-in's mistake and told in one line."""
    names = {field.name for field in method.fields()}
    sound: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "rules": ("a list of Problem", lambda given: all(isinstance(one, Problem) for one in given)),
        "dead": ("names of hyperparameters", lambda given: not isinstance(given, str) and {*given} <= names),
        "settle": ("hyperparameters by name", lambda given: {*dict(given)} <= names),
        "fits": ("nothing", lambda given: True),
        "strong_view": ("True or False", lambda given: isinstance(given, bool)),
    }
    changed: dict[str, Any] = {
        name: _watched(name, getattr(method, name), value, rule, holds)
        for name, (rule, holds) in sound.items()
        if getattr(method, name) is not HOLLOW[name]
    }
    return replace(method, **changed) if changed else method


def _watched(
    name: str, function: Callable[..., Any], value: str, rule: str, holds: Callable[[Any], Any]
) -> Callable[..., Any]:
    who = f"the plug-in {value}: its {name}"

    @functools.wraps(function)
    def watched(*arguments: Any) -> Any:
        try:
            given = function(*arguments)
            given = tuple(given) if isinstance(given, Iterator) else given
            right = holds(given)
        except Exception as error:
            if name == "fits" and isinstance(error, ValueError):  # how it says no
                raise
            raise PluginError(f"{who} fails: {_named(error)}") from None
        if not right:
            raise PluginError(f"{who} must give {rule}, got {line_of(repr(given))}")
        return given

    return watched


def _named(error: BaseException) -> str:
    return line_of(f"{type(error).__name__}: {error}".rstrip(": "))


def _kind(value: object) -> str:
    return f"a {type(value).__name__}" if not isinstance(value, type) else f"the class {value.__name__}"


def try_loss(
    method: Method,
    values: Mapping[str, Any],
    classes: int,
    student: NetworkShape | None = None,
    teacher: NetworkShape | None = None,
    *,
    in_parts: bool = False,
) -> None:
    """Compute the loss of a method once, on what two networks might answer to four images, drawn at random.

    Args:
        values: all hyperparameters.
        student, teacher: what the networks answer with, where the method compares features.
        in_parts: each rank of a training has a part of the batch: what the record says of it must be true.

    Raises:
        PluginError: it fails, or gives something else than a finite number with a gradient; features may be too wild
            for a finite one.
    """
    from trainers.methods.record.built import BuiltMethod
    from trainers.methods.record.halves import halves_apart

    images, strong = 2 * max(2, method.least_batch), method.strong_view(values)
    seen = "answers to" if method.features else "logits of"
    with torch.random.fork_rng(devices=()), torch.enable_grad():
        torch.manual_seed(0)
        ours, theirs = (_answer(images, classes, shape, strong=strong) for shape in (student, teacher))
        ours.logits.requires_grad_()
        setting = Setting(
            student=student,
            teacher=teacher,
            classes=classes,
            labels=torch.arange(images) % classes,
            class_weights=torch.randn(classes, VECTOR if teacher is None else teacher.vector),
            heads=(_head(classes, student), _head(classes, teacher)),
        )
        try:
            loss = BuiltMethod(method, values, setting)(ours, theirs, torch.arange(images) % classes, epoch=1)["loss"]
            loss.backward()
            finite = bool(torch.isfinite(loss.detach()))
            apart = 0.0
            if in_parts and finite and method.couples is Couples.NOTHING:
                target, build = torch.arange(images) % classes, functools.partial(_built_again, method, values, setting)
                apart = max(halves_apart(build, ours, theirs, target, epoch) for epoch in (1, setting.epochs))
        except Exception as error:  # noqa: BLE001 (code of others raises what it likes)
            name = f"the loss of the plug-in '{method.name}'"
            raise PluginError(f"{name} fails on {seen} {images} images: {_named(error)}") from None
    if not finite and not method.features:
        raise PluginError(f"the loss of the plug-in '{method.name}' on {seen} {images} images is {loss.item()}")
    if apart > PARTS_APART:
        raise PluginError(
            f"the plug-in '{method.name}' compares images with one another, which its couples does not say: the "
            f"gradients of a batch and of its halves differ by {apart:.0%}; mend its record, or train with one rank"
        )


def _built_again(method: Method, values: Mapping[str, Any], setting: Setting) -> torch.nn.Module:
    from trainers.methods.record.built import BuiltMethod

    torch.manual_seed(0)
    return BuiltMethod(method, values, setting)


def _answer(images: int, classes: int, shape: NetworkShape | None, *, strong: bool) -> Output:
    """Return what a network might answer: maps and vectors without negative numbers, as most have them."""
    logits, numbers = torch.randn(images, classes), torch.arange(images)
    second = torch.randn(images, classes).requires_grad_() if strong else None
    if shape is None:
        return Output(logits=logits, strong=second, images=numbers)
    preacts = tuple(torch.randn(images, *one).requires_grad_() for one in shape.maps)
    maps = tuple(torch.relu(one.detach()).requires_grad_() for one in preacts)  # leaves: asked more than once
    vector = torch.rand(images, shape.vector).requires_grad_()
    final = None if shape.final is None else torch.rand(images, *shape.final).requires_grad_()
    return Output(logits=logits, maps=maps, preacts=preacts, vector=vector, final=final, strong=second, images=numbers)


def _head(classes: int, shape: NetworkShape | None) -> Head:
    """Return what a last linear layer might be."""
    rows, offsets = torch.randn(classes, VECTOR if shape is None else shape.vector), torch.zeros(classes)
    return lambda: (rows, offsets)
