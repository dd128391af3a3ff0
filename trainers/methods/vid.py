"""Variational information distillation: the teacher's maps shall be predictable from the student's.

Ahn, Hu, Damianou, Lawrence, Dai, "Variational Information Distillation for Knowledge Transfer", CVPR 2019,
arXiv:1904.05835.
Shapes: B = batch, C = channels of the teacher, H = height, W = width.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainers.methods._base import Log, Method, Needs, Range, Values, check
from trainers.methods._layers import compared, same_size, two_of_each
from trainers.methods._outputs import Output, Setting

EPS = 1e-5
"""Least variance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VID:
    init_variance: Annotated[float, Range(gt=EPS, le=1e6, search=Log(1, 20))] = 5.0
    """Variance of the teacher's maps given the student's, at the start; it is learned for each channel."""
    ce_weight: Annotated[float, Range(ge=0)] = 1.0
    """Factor of the cross-entropy with the labels."""
    weight: Annotated[float, Range(ge=0, search=Log(0.1, 10))] = 1.0
    """Factor of the method's term beside the cross-entropy."""
    warmup_epochs: Annotated[float, Range(ge=0)] = 0.0
    """Epochs over which the method's term ramps up to its weight."""

    def __post_init__(self) -> None:
        check(self, "vid")


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


class _Level(nn.Module):
    """Predicts one map of the teacher: its mean by three 1×1 convolutions, its variance a number for each channel."""

    def __init__(self, inputs: int, outputs: int, init_variance: float) -> None:
        super().__init__()
        self.mean = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 1, bias=False),
        )
        above = init_variance - EPS
        self.log_scale_C = nn.Parameter(torch.full((outputs,), above + math.log(-math.expm1(-above))))

    def forward(self, student_map: Tensor, teacher_map: Tensor) -> Tensor:
        return vid_loss(self.mean(student_map), teacher_map, functional.softplus(self.log_scale_C) + EPS)


class _Predictions(nn.Module):
    def __init__(self, init_variance: float, setting: Setting) -> None:
        super().__init__()
        student, teacher = setting.networks("vid")
        self.pairs = compared(student.maps, teacher.maps)
        both = two_of_each(student, teacher, self.pairs)
        self.levels = nn.ModuleList(_Level(ours[0], theirs[0], init_variance) for ours, theirs in both)

    def forward(
        self, student: Output, teacher: Output, _target_B: Tensor, _epoch: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        levels = zip(self.levels, self.pairs, strict=True)
        loss = torch.stack([level(student.maps[s], teacher.maps[t]) for level, (s, t) in levels]).sum()
        return loss, {"vid": loss.detach()}


def _module(values: Values, setting: Setting) -> nn.Module:
    return _Predictions(float(values["init_variance"]), setting)


VID_METHOD = Method(
    name="vid",
    version=1,
    hyperparameters=VID,
    loss=vid_loss,
    module=_module,
    needs=Needs.FEATURES,
    summary="likelihood of the teacher's maps given the student's",
    source="arXiv:1904.05835",
    kind="feature",
)
