"""Variational information distillation: the teacher's maps shall be predictable from the student's.

Ahn, Hu, Damianou, Lawrence, Dai, "Variational Information Distillation for Knowledge Transfer", CVPR 2019,
arXiv:1904.05835.
Shapes: B = batch, C = channels of the teacher, H = height, W = width.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.late import Tensor, late
from trainers.methods.record.hyperparameters import Distilled, Factor, Log
from trainers.methods.record.method import Method, Needs
from trainers.methods.terms.layers import same_size

EPS = 1e-5
"""Least variance."""


class VID(Distilled):
    init_variance: Annotated[float, Field(gt=EPS, le=1e6), Log(1, 20)] = 5.0
    """Variance of the teacher's maps given the student's, at the start; it is learned for each channel."""
    weight: Annotated[Factor, Log(0.1, 10)] = 1.0


def vid_loss(predicted: Tensor, teacher_map: Tensor, variance_C: Tensor) -> Tensor:
    """Return the mean of ½ · ((predicted − teacher)² / variance + log variance): can be negative.

    The negative log likelihood of the teacher's map under a Gaussian, in nats a number, without its constant.

    Args:
        predicted: [B, C, H, W] from the student's map.
        teacher_map: [B, C, H, W]; a constant. The larger of the two is averaged to the smaller's size.
        variance_C: greater than 0.
    """
    ours, theirs = same_size(predicted, teacher_map.detach())
    variance = variance_C.reshape(-1, 1, 1)
    return 0.5 * ((ours - theirs).square() / variance + variance.log()).mean()


VID_METHOD = Method(
    name="vid",
    title="VID",
    version=1,
    hyperparameters=VID,
    loss=vid_loss,
    module=late("trainers.methods.modules.vid", "Predictions"),
    needs=Needs.FEATURES,
    summary="likelihood of the teacher's maps given the student's",
    source="arXiv:1904.05835",
)
