"""Networks of people's own: any `nn.Module` whose factory takes the number of classes and answers with logits.

`own_Net_<digest>` is the name of what the factory `Net` makes: the digest is of its source, so that another source is
another network wherever names stand, in every trial's key above all.
"""

import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from typing import Any

import torch
from torch import Tensor, nn

from trainers.model_names import OWN
from trainers.own import Code, OwnCodeError, factories, provided
from trainers.own.code import told
from trainers.own.factories import parameters_of, takes
from trainers.texts.nearest import hint
from trainers.texts.words import line_of

CLASSES, CHANNELS, SIZE = "num_classes", "in_chans", "img_size"
"""What a factory is called with, as timm calls its own; the first is always given, the others where it takes them."""
LEAST_BITS = 32
"""Of the numbers of an answer: losses are computed from them."""


def code_named(name: str) -> Code:
    """Return what a network is made by.

    Raises:
        OwnCodeError: this process was not given it.
    """
    return provided(name.removeprefix(OWN))


def shown(name: str) -> str:
    """Return what a message calls a network: one of somebody's own by where it stands."""
    return str(code_named(name)) if name.startswith(OWN) else name


def create(name: str, *, classes: int, channels: int, arguments: Mapping[str, Any]) -> nn.Module:
    """Return a new network.

    Raises:
        OwnCodeError: its factory cannot be called so, raises, or gives none.
    """
    code = code_named(name)
    factory = code.load()
    given = {key: list(value) if isinstance(value, tuple) else value for key, value in arguments.items()}
    taken = parameters_of(code)
    given |= {key: value for key, value in ((CLASSES, classes), (CHANNELS, channels)) if takes(taken, key)}
    try:
        with redirect_stdout(sys.stderr):
            network = factory(**given)
    except (Exception, SystemExit) as error:
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
    problem = lacks(code.load())
    if problem:
        yield "", f"{code}: {problem}"
        return
    others = {name: value for name, value in arguments.items() if name not in (CLASSES, CHANNELS)}
    yield from factories.argument_problems(code, others, (CLASSES, CHANNELS, SIZE))
    for name in (CLASSES, CHANNELS):
        if name in arguments:
            yield name, "is set by the data set"


def sizes_of_input(name: str, size: int) -> Iterator[dict[str, Any]]:
    """Yield arguments with which the network may take images of a size."""
    yield {SIZE: size} if SIZE in parameters_of(code_named(name)) else {}


def try_out(name: str, network: nn.Module, images: Tensor, classes: int) -> None:
    """Have a network answer two images, in evaluation and in training.

    Raises:
        ValueError: it raises, changes the images, or its answer is no logits [2, classes] that can be learned from.
    """
    code, given = code_named(name), images.clone()
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise OwnCodeError(f"{code} has no parameters that could be learned")
    for training in (False, True):
        network.train(training)
        how = "in training" if training else "in evaluation"
        try:
            with torch.random.fork_rng(devices=()), torch.set_grad_enabled(training), redirect_stdout(sys.stderr):
                answer = network(images)
        except (Exception, SystemExit) as error:
            sizes = " x ".join(map(str, images.shape[1:]))
            raise OwnCodeError(f"{code} raises {how}, of images {sizes}: {told(error, code.file)}") from error
        if not torch.equal(images, given):
            raise OwnCodeError(f"{code} changes its input in place, {how}: teacher and student share it, so copy it")
        if not isinstance(answer, Tensor):
            raise OwnCodeError(f"{code} must answer with logits, a tensor; {how} it gives a {type(answer).__name__}")
        if answer.shape != (len(images), classes):
            sizes = f"[{len(images)}, {classes}] for {len(images)} images of {classes} classes"
            raise OwnCodeError(f"{code} must answer {sizes}, got {[*answer.shape]} {how}")
        if not answer.is_floating_point() or not bool(torch.isfinite(answer).all()):
            raise OwnCodeError(f"{code} must answer finite numbers, got some that are none {how}")
        if torch.finfo(answer.dtype).bits < LEAST_BITS:
            raise OwnCodeError(f"{code} must answer with float32, got {answer.dtype} {how}; `precision` is the sweep's")
        if training and not answer.requires_grad:
            raise OwnCodeError(f"{code} cannot be trained: its answer has no gradient; is there a detach or no_grad?")
