"""Attention transfer: where in the image the maps of student and teacher are strong.

Zagoruyko, Komodakis, "Paying More Attention to Attention: Improving the Performance of Convolutional Neural Networks
via Attention Transfer", ICLR 2017, arXiv:1612.03928.
Shapes: B = batch, C = channels, H = height, W = width.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from pydantic import Field

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import Distilled, Factor, Log
from trainers.methods.record.method import Method, Needs
from trainers.methods.terms.bound import of_loss
from trainers.methods.terms.layers import paired, same_size, spatial, unit


class AT(Distilled):
    p: Annotated[int, Field(ge=1, le=16)] = 2
    """Power of the activations before the mean over channels; a higher one looks at the strongest places only."""
    weight: Annotated[Factor, Log(100, 5000)] = 1000.0


def at_loss(student_maps: Sequence[Tensor], teacher_maps: Sequence[Tensor], *, p: int = 2) -> Tensor:
    """Return the sum over the maps of mean((a_student − a_teacher)²), a = mean over channels of |map|^p, at length 1.

    The mean is over batch and pixels. 0 where the attention maps are equal up to a factor for each image.

    Args:
        student_maps: [B, C, H, W] each; channels and size may differ from the teacher's: the larger is averaged.
        teacher_maps: as many; constants.
    """
    pairs = zip(student_maps, teacher_maps, strict=True)
    return torch.stack([_distance(*same_size(ours, theirs.detach()), p) for ours, theirs in pairs]).sum()


def _distance(ours: Tensor, theirs: Tensor, p: int) -> Tensor:
    return (_attention(ours, p) - _attention(theirs, p)).square().mean()


def _attention(one: Tensor, p: int) -> Tensor:
    """Return where each map is strong, at length 1; its own maximum is taken out first, so that no power of it is
    beyond what a float holds."""
    strength = one.abs()
    highest = strength.detach().amax((1, 2, 3), keepdim=True).clamp_min(torch.finfo(one.dtype).tiny)
    return unit((strength / highest).pow(p).mean(1).flatten(1), dim=1)


AT_METHOD = Method(
    name="at",
    title="AT",
    version=1,
    hyperparameters=AT,
    loss=at_loss,
    term=of_loss("at", at_loss, paired(partial(spatial, "at"))),
    needs=Needs.FEATURES,
    summary="where in the image the maps are strong",
    source="arXiv:1612.03928",
    fits=lambda _values, student, teacher: spatial("at", student.maps, teacher.maps),
)
