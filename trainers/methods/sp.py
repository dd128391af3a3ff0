"""Similarity preservation: images that look alike to the teacher shall look alike to the student.

Tung, Mori, "Similarity-Preserving Knowledge Distillation", ICCV 2019, arXiv:1907.09682.
Shapes: B = batch, C = channels, H = height, W = width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import Distilled, Factor, Log
from trainers.methods.record.method import Couples, Method, Needs
from trainers.methods.terms.bound import of_loss
from trainers.methods.terms.layers import unit


class SP(Distilled):
    weight: Annotated[Factor, Log(300, 10000)] = 3000.0


def sp_loss(student_maps: Sequence[Tensor], teacher_maps: Sequence[Tensor]) -> Tensor:
    """Return the sum over the maps of |G_student − G_teacher|² / B².

    G = F Fᵀ [B, B] with rows at length 1, F = the maps flattened to [B, C·H·W].

    Args:
        student_maps: [B, C, H, W] each; channels and size may differ from the teacher's.
        teacher_maps: as many; constants.
    """
    pairs = zip(student_maps, teacher_maps, strict=True)
    return torch.stack([_distance(ours, theirs.detach()) for ours, theirs in pairs]).sum()


def _distance(ours: Tensor, theirs: Tensor) -> Tensor:
    return (_similarity(ours) - _similarity(theirs)).square().sum() / len(ours) ** 2


def _similarity(one: Tensor) -> Tensor:
    flat = one.flatten(1)
    return unit(flat @ flat.T, dim=1)


SP_METHOD = Method(
    name="sp",
    title="SP",
    version=1,
    hyperparameters=SP,
    loss=sp_loss,
    term=of_loss("sp", sp_loss, lambda student, teacher: (student.maps[-1:], teacher.maps[-1:])),
    needs=Needs.FEATURES,
    summary="similarities between the images of a batch in the last map",
    source="arXiv:1907.09682",
    least_batch=2,
    couples=Couples.LAST_MAPS,
)
