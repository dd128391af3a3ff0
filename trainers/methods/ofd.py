"""Overhauled feature distillation: maps before the ReLU, where what the teacher's ReLU drops is not asked for exactly.

Heo, Kim, Yun, Park, Kwak, Choi, "A Comprehensive Overhaul of Feature Distillation", ICCV 2019, arXiv:1904.01866.
Shapes: B = batch, C = channels of the teacher, H = height, W = width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from trainers.late import Tensor, late, torch
from trainers.methods.record.hyperparameters import Distilled, Factor, Log
from trainers.methods.record.method import Couples, Method, Needs
from trainers.methods.record.tuned import IMAGENET, R50_MV1, tuned
from trainers.methods.terms.layers import same_size


class OFD(Distilled):
    weight: Annotated[Factor, Log(1e-5, 1e-2)] = 1e-3
    """Factor of the method's term beside the cross-entropy; the term is a sum over channels and pixels."""


def ofd_loss(student_map: Tensor, teacher_map: Tensor, margin_C: Tensor) -> Tensor:
    """Return the partial squared distance of the maps, summed over C, H, W, averaged over the batch.

    The teacher's numbers are raised to the margin of their channel, which is at most 0. Where such a number is not
    positive and the student's is at or below it, nothing is asked for.

    Args:
        student_map: [B, C, H, W] in the teacher's channels, before the ReLU.
        teacher_map: [B, C, H, W] before the ReLU; a constant. The larger of the two is averaged to the smaller's size.
    """
    ours, theirs = same_size(student_map, teacher_map.detach())
    wanted = torch.maximum(theirs, margin_C.reshape(-1, 1, 1))
    asked = (ours > wanted) | (wanted > 0)
    return torch.where(asked, (ours - wanted).square(), 0.0).sum() / len(ours)


def margins(teacher_map: Tensor, summed: Callable[[Tensor], Tensor] = lambda one: one) -> Tensor:
    """Return the mean of the negative numbers of each channel of a map [B, C, H, W]; 0 where there are none.

    Args:
        summed: adds up what the ranks of a training have.
    """
    count_C = summed((teacher_map < 0).sum((0, 2, 3)))
    return summed(teacher_map.clamp_max(0).sum((0, 2, 3))) / count_C.clamp_min(1)


OFD_METHOD = Method(
    name="ofd",
    title="OFD",
    version=1,
    hyperparameters=OFD,
    loss=ofd_loss,
    module=late("trainers.methods.modules.ofd", "Connectors"),
    needs=Needs.FEATURES,
    summary="maps before the ReLU, with margins",
    source="arXiv:1904.01866",
    couples=Couples.ITSELF,
    by_pair=(tuned(IMAGENET, R50_MV1, weight=1e-4),),
)
