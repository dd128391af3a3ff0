"""Knowledge review: each stage of the student, joined by all deeper ones, learns a stage of the teacher.

Chen, Liu, Zhao, Jia, "Distilling Knowledge via Knowledge Review", CVPR 2021, arXiv:2104.09044.
Shapes: B = batch, C = channels, H = height, W = width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from trainers.late import Tensor, functional, late, torch
from trainers.methods.record.hyperparameters import Distilled, Factor, Log
from trainers.methods.record.method import Method, Needs
from trainers.methods.record.tuned import CIFAR, IMAGENET, R50_MV1, tuned
from trainers.methods.terms.layers import pooled

PYRAMID = (4, 2, 1)
"""Heights and widths that maps are averaged to."""


class ReviewKD(Distilled):
    mid_channels: Annotated[int, Field(ge=1)] = 512
    """Channels in which stages are joined; no more than the student's last stage has."""
    weight: Annotated[Factor, Log(0.3, 10)] = 1.0
    warmup_epochs: Factor = 20.0
    """Epochs over which the method's term ramps up to its weight; the paper's 20 belong to 240 epochs."""


def hcl_loss(student_maps: Sequence[Tensor], teacher_maps: Sequence[Tensor]) -> Tensor:
    """Return the hierarchical context loss, summed over the maps.

    Of each map the mean squared differences at its own size and averaged to 4×4, 2×2 and 1×1, where those are smaller
    than it, in their order with weights 1, 1/2, 1/4, 1/8, divided by the sum of the weights used.

    Args:
        student_maps: [B, C, H, W] each.
        teacher_maps: of the same shapes; constants.
    """
    pairs = zip(student_maps, teacher_maps, strict=True)
    return torch.stack([_pyramid(ours, theirs.detach()) for ours, theirs in pairs]).sum()


def _pyramid(ours: Tensor, theirs: Tensor) -> Tensor:
    sides = [side for side in PYRAMID if side < min(ours.shape[2:])]
    sizes = [(ours.shape[2], ours.shape[3]), *((side, side) for side in sides)]
    weights = [0.5**i for i in range(len(sizes))]
    terms = [
        weight * functional.mse_loss(pooled(ours, size), pooled(theirs, size))
        for weight, size in zip(weights, sizes, strict=True)
    ]
    return torch.stack(terms).sum() / sum(weights)


REVIEWKD_METHOD = Method(
    name="reviewkd",
    title="ReviewKD",
    version=1,
    hyperparameters=ReviewKD,
    loss=hcl_loss,
    module=late("trainers.methods.modules.reviewkd", "Review"),
    needs=Needs.FEATURES,
    summary="each stage, joined by all deeper ones, learns a stage of the teacher",
    source="arXiv:2104.09044",
    by_pair=(
        tuned(CIFAR, "wrn_40_2>wrn_16_2", "wrn_40_2>wrn_40_1", weight=5.0),
        tuned(CIFAR, "resnet32x4>resnet8x4", "resnet32x4>shufflev1", weight=5.0),
        tuned(CIFAR, "resnet32x4>shufflev2", weight=8.0),
        tuned(CIFAR, "resnet56>resnet20", weight=0.6),
        tuned(IMAGENET, R50_MV1, weight=8.0, mid_channels=256),
    ),
)
