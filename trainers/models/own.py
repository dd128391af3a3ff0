"""Networks of people's own: any `nn.Module` whose factory takes the number of classes and answers with logits.

`own_Net_<digest>` is the name of what the factory `Net` makes: the digest is of its source, so that another source is
another network wherever names stand, in every trial's key above all.
"""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from trainers.model_names import OWN
from trainers.own import Code, OwnCodeError, provided
from trainers.own.code import told
from trainers.texts.nearest import hint
from trainers.texts.words import line_of

CLASSES, CHANNELS, SIZE = "num_classes", "in_chans", "img_size"
"""What a factory is called with, as timm calls its own; the first is always given, the others where it takes them."""


def code_named(name: str) -> Code:
    """Return what a network is made by.

    Raises:
        OwnCodeError: this process was not given it.
    """
    return provided(name.removeprefix(OWN))


def create(name: str, *, classes: int, channels: int, arguments: Mapping[str, Any]) -> nn.Module:
    """Return a new network.

    Raises:
        OwnCodeError: its factory cannot be called so, raises, or gives none.
    """
    code = code_named(name)
    factory = code.load()
    given = {key: list(value) if isinstance(value, tuple) else value for key, value in arguments.items()}
    taken = _taken(factory, code)
    given |= {key: value for key, value in ((CLASSES, classes), (CHANNELS, channels)) if takes(taken, key)}
    try:
        network = factory(**given)
    except Exception as error:
        raise OwnCodeError(f"{code} raises: {told(error, code.file)}") from error
    if not isinstance(network, nn.Module):
        raise OwnCodeError(f"{code} must give a torch.nn.Module, got {line_of(type(network).__name__)}")
    return network


def lacks(factory: Any) -> str:
    """Return what a factory lacks to be a network's; empty where it lacks nothing."""
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return ""
    if takes(parameters, CLASSES):
        return ""
    return f"it does not take {CLASSES}, the number of classes{hint(CLASSES, parameters)}"


def argument_problems(code: Code, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (argument, what is wrong with it) for those that a factory does not take; an empty name is the factory's.

    Raises:
        OwnCodeError: it cannot be loaded.
    """
    factory = code.load()
    parameters = _taken(factory, code)
    problem = lacks(factory)
    if problem:
        yield "", f"{code}: {problem}"
        return
    free = [name for name in parameters if name not in (CLASSES, CHANNELS, "self")]
    for name in arguments:
        if name in (CLASSES, CHANNELS):
            yield name, "is set by the data set"
        elif not takes(parameters, name):
            yield name, f"{code} does not take it{hint(name, free) or f' (it takes: {_listed(free)})'}"
    for name, one in parameters.items():
        needed = one.default is one.empty and one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)
        if needed and name not in (CLASSES, CHANNELS, SIZE, *arguments):
            yield "", f"{code} needs {name}, which has no default"


def sizes_of_input(name: str, size: int) -> Iterator[dict[str, Any]]:
    """Yield arguments with which the network may take images of a size."""
    yield {SIZE: size} if SIZE in _taken(code_named(name).load(), code_named(name)) else {}


def try_out(name: str, network: nn.Module, images: Tensor, classes: int) -> None:
    """Have a network answer two images, in evaluation and in training.

    Raises:
        ValueError: it raises, or its answer is no logits [2, classes] that can be learned from.
    """
    code = code_named(name)
    for training in (False, True):
        network.train(training)
        how = "in training" if training else "in evaluation"
        try:
            with torch.random.fork_rng(devices=()):
                answer = network(images)
        except Exception as error:
            sizes = " x ".join(map(str, images.shape[1:]))
            raise OwnCodeError(f"{code} raises {how}, of images {sizes}: {told(error, code.file)}") from error
        if not isinstance(answer, Tensor):
            raise OwnCodeError(f"{code} must answer with logits, a tensor; {how} it gives a {type(answer).__name__}")
        if answer.shape != (len(images), classes):
            sizes = f"[{len(images)}, {classes}] for {len(images)} images of {classes} classes"
            raise OwnCodeError(f"{code} must answer {sizes}, got {[*answer.shape]} {how}")
        if not answer.is_floating_point() or not bool(torch.isfinite(answer).all()):
            raise OwnCodeError(f"{code} must answer finite numbers, got some that are none {how}")
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise OwnCodeError(f"{code} has no parameters that could be learned")


def takes(parameters: Mapping[str, inspect.Parameter], name: str) -> bool:
    """Return whether what has these parameters can be called with a keyword."""
    named = parameters.get(name)
    if named is not None:
        return named.kind in (named.KEYWORD_ONLY, named.POSITIONAL_OR_KEYWORD)
    return any(one.kind is one.VAR_KEYWORD for one in parameters.values())


def _taken(factory: Any, code: Code) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(factory).parameters
    except (TypeError, ValueError) as error:
        raise OwnCodeError(f"{code} cannot be called: {line_of(str(error))}") from None


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing else"
