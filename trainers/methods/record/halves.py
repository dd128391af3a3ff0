"""Whether the loss of a batch is the mean of its halves': ranks of a training rely on it where a record says so."""

import dataclasses
import math
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from trainers.late import torch
from trainers.methods.record.outputs import Output

SMALLEST = 1e-4
"""A tensor whose gradient is smaller than this beside the largest one may have none but rounding."""
LEFT_OUT = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


def halves_apart(
    build: Callable[[], nn.Module], student: Output, teacher: Output | None, target: Tensor, epoch: int
) -> float:
    """Return by how much the gradients of a batch's loss differ from those of the mean of its halves', relative to the
    largest of each tensor: near 0 where rows are not compared with one another.

    BatchNorm is left out: it normalises by what all ranks have, wherever it stands; dropout, which cannot be the same.

    Args:
        build: returns the built method, with the same weights every time.
        student: of an even number of images; its leaves have gradients, like the method's own parameters.
        epoch: that is trained.
    """
    half = len(target) // 2
    whole = _gradients(build, student, teacher, target, [slice(0, 2 * half)], epoch)
    halves = _gradients(build, student, teacher, target, [slice(0, half), slice(half, 2 * half)], epoch)
    floor = SMALLEST * max((_size(one) for one in whole), default=0.0)
    return max((_apart(one, other, floor) for one, other in zip(whole, halves, strict=True)), default=0.0)


def _size(gradient: Tensor | None) -> float:
    """Return the largest number of a gradient; None is one that is 0 everywhere."""
    return 0.0 if gradient is None else float(gradient.abs().max())


def _apart(one: Tensor | None, other: Tensor | None, floor: float) -> float:
    difference = _size(one - other) if one is not None and other is not None else max(_size(one), _size(other))
    size = max(_size(one), floor)
    return difference / size if size else (math.inf if difference else 0.0)


def _gradients(
    build: Callable[[], nn.Module],
    student: Output,
    teacher: Output | None,
    target: Tensor,
    parts: Sequence[slice],
    epoch: int,
) -> list[Tensor | None]:
    losses, own = [], []
    for part in parts:
        built = build()
        for module in built.modules():
            module.train(not isinstance(module, LEFT_OUT))
        theirs = None if teacher is None else _rows(teacher, part)
        losses.append(built(_rows(student, part), theirs, target[part], epoch)["loss"])
        own.append([one for one in built.parameters() if one.requires_grad])
    leaves = _leaves(student)
    found = torch.autograd.grad(
        torch.stack(losses).mean(), [*leaves, *(one for parameters in own for one in parameters)], allow_unused=True
    )
    each = len(own[0])
    by_part = [found[len(leaves) + each * number :][:each] for number in range(len(parts))]
    return [*found[: len(leaves)], *(_sum(same) for same in zip(*by_part, strict=True))]


def _sum(gradients: Sequence[Tensor | None]) -> Tensor | None:
    there = [one for one in gradients if one is not None]
    return torch.stack(there).sum(0) if there else None


def _leaves(output: Output) -> list[Tensor]:
    tensors = (output.logits, *output.preacts, *output.maps, output.vector, output.final, output.strong)
    found = {id(one): one for one in tensors if one is not None and one.is_leaf and one.requires_grad}
    return [*found.values()]


def _rows(output: Output, part: slice) -> Output:
    images = None if output.images is None else output.images[part]
    return dataclasses.replace(output.with_each(lambda one: one[part]), images=images)
