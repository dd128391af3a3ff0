"""Any method, built, with random answers of two networks to call it with."""

from collections.abc import Mapping

import torch
from torch import Tensor

from tests.trainers.methods.logits import random_logits
from trainers.methods import BuiltMethod, Method, NetworkShape, Output, Setting, Value
from trainers.methods.record.built import BuiltMethod as Built

IMAGES = 40
STUDENT = NetworkShape(maps=((4, 8, 8), (4, 8, 8), (6, 4, 4), (8, 2, 2)), vector=8, final=(12, 4, 4), averaged=True)
TEACHER = NetworkShape(maps=((6, 8, 8), (8, 8, 8), (10, 4, 4), (12, 2, 2)), vector=12, final=(12, 4, 4), averaged=True)


def setting(classes: int) -> Setting:
    """Return what is known of a training of the example networks."""
    return Setting(
        student=STUDENT,
        teacher=TEACHER,
        classes=classes,
        labels=torch.arange(IMAGES) % classes,
        class_weights=_rows(classes, 12),
        heads=(lambda: (_rows(classes, 12), None), lambda: (_rows(classes, 12), torch.ones(classes))),
    )


def _rows(classes: int, width: int) -> Tensor:
    return torch.linspace(-1, 1, classes * width).sin().reshape(classes, width)


def built(method: Method, classes: int, **values: Value) -> BuiltMethod:
    """Return the method with these hyperparameters, in float64, from the same initial weights every time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        whole: Mapping[str, Value] = method.coerced({**method.defaults(), **values})
        return Built(method, whole, setting(classes)).double()


def answers(classes: int, *, batch: int = 8, seed: int = 0) -> tuple[Output, Output, Tensor]:
    """Return what student and teacher answer, leaves with a gradient, and the targets."""
    ours, theirs, target = random_logits(batch, classes, seed=seed)
    images = torch.arange(batch) * classes + target  # images of these classes
    return _output(STUDENT, ours, images % IMAGES, seed), _output(TEACHER, theirs, None, seed + 100), target


def _output(shape: NetworkShape, logits: Tensor, images: Tensor | None, seed: int) -> Output:
    generator = torch.Generator().manual_seed(seed)

    def leaf(*size: int) -> Tensor:
        return torch.randn(size, generator=generator, dtype=torch.float64).requires_grad_()

    maps = tuple(leaf(len(logits), *one) for one in shape.maps)
    vector = leaf(len(logits), shape.vector)
    assert shape.final is not None
    final = leaf(len(logits), *shape.final)
    strong = leaf(*logits.shape)
    logits = logits.requires_grad_()
    return Output(logits=logits, maps=maps, preacts=maps, vector=vector, final=final, strong=strong, images=images)


def leaves(output: Output) -> list[Tensor]:
    """Return all that a gradient may reach."""
    assert output.vector is not None
    assert output.final is not None
    return [output.logits, *output.maps, output.vector, output.final]
