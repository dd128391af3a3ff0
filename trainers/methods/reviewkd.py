"""Knowledge review: each stage of the student, joined by all deeper ones, learns a stage of the teacher.

Chen, Liu, Zhao, Jia, "Distilling Knowledge via Knowledge Review", CVPR 2021, arXiv:2104.09044.
Shapes: B = batch, C = channels, H = height, W = width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainers.methods._base import ForPair, Log, Method, Needs, Range, Values, check
from trainers.methods._layers import WITH_STEM, BatchNorm, Pairs, matched, pooled, preacts, resized, vector
from trainers.methods._outputs import NetworkShape, Output, Setting

PYRAMID = (4, 2, 1)
"""Heights and widths that maps are averaged to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewKD:
    mid_channels: Annotated[int, Range(ge=1)] = 512
    """Channels in which stages are joined; no more than the student's last stage has."""
    ce_weight: Annotated[float, Range(ge=0)] = 1.0
    """Factor of the cross-entropy with the labels."""
    weight: Annotated[float, Range(ge=0, search=Log(0.3, 10))] = 1.0
    """Factor of the method's term beside the cross-entropy."""
    warmup_epochs: Annotated[float, Range(ge=0)] = 20.0
    """Epochs over which the method's term ramps up to its weight; the paper's 20 belong to 240 epochs."""

    def __post_init__(self) -> None:
        check(self, "reviewkd")


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


class _Fusion(nn.Module):
    """Joins a stage with what the deeper ones gave, by an attention of two channels, and turns it into the teacher's
    channels."""

    def __init__(self, inputs: int, mid: int, outputs: int, *, deepest: bool) -> None:
        super().__init__()
        self.inward = nn.Sequential(nn.Conv2d(inputs, mid, 1, bias=False), BatchNorm(mid))
        self.outward = nn.Sequential(nn.Conv2d(mid, outputs, 3, padding=1, bias=False), BatchNorm(outputs))
        self.attention = None if deepest else nn.Sequential(nn.Conv2d(2 * mid, 2, 1), nn.Sigmoid())
        for part in (self.inward, self.outward):
            nn.init.kaiming_uniform_(part[0].weight, a=1)  # type: ignore[arg-type]  # a convolution's

    def forward(self, stage: Tensor, deeper: Tensor | None, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Return the stage in the teacher's channels and size, and what goes on to the next."""
        joined = self.inward(stage)
        if self.attention is not None:
            assert deeper is not None
            deeper = resized(deeper, (joined.shape[2], joined.shape[3]))
            shares = self.attention(torch.cat([joined, deeper], 1))
            joined = joined * shares[:, :1] + deeper * shares[:, 1:]
        joined = resized(joined, size)
        return self.outward(joined), joined


class _Review(nn.Module):
    def __init__(self, mid_channels: int, setting: Setting) -> None:
        super().__init__()
        student, teacher = setting.networks("reviewkd")
        self.pairs = _pairs(student, teacher)
        mid = min(mid_channels, student.vector)
        channels = [(student.maps[s][0], teacher.maps[t][0]) for s, t in self.pairs]
        self.deepest = _Fusion(student.vector, mid, teacher.vector, deepest=True)
        self.fusions = nn.ModuleList(_Fusion(ours, mid, theirs, deepest=False) for ours, theirs in reversed(channels))

    def forward(
        self, student: Output, teacher: Output, _target_B: Tensor, _epoch: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        theirs = preacts("reviewkd", teacher)
        targets = [vector("reviewkd", teacher)[:, :, None, None], *(theirs[t] for _, t in reversed(self.pairs))]
        reviewed, deeper = self.deepest(vector("reviewkd", student)[:, :, None, None], None, (1, 1))
        all_reviewed = [reviewed]
        for fusion, (s, _), target in zip(self.fusions, reversed(self.pairs), targets[1:], strict=True):
            reviewed, deeper = fusion(student.maps[s], deeper, (target.shape[2], target.shape[3]))
            all_reviewed.append(reviewed)
        loss = hcl_loss(all_reviewed, targets)
        return loss, {"reviewkd": loss.detach()}


def _pairs(student: NetworkShape, teacher: NetworkShape) -> Pairs:
    """Return the matched maps without the stems: the first of both, where there are four pairs or more."""
    pairs = matched(student.maps, teacher.maps)
    return pairs[1:] if len(pairs) >= WITH_STEM and pairs[0] == (0, 0) else pairs


def _tuned(teacher: str, *students: str, weight: float) -> ForPair:
    pairs = tuple((f"cifar_{teacher}", f"cifar_{student}") for student in students)
    return ForPair(datasets=("cifar100",), pairs=pairs, values={"weight": weight})


def _module(values: Values, setting: Setting) -> nn.Module:
    return _Review(int(values["mid_channels"]), setting)


REVIEWKD_METHOD = Method(
    name="reviewkd",
    version=1,
    hyperparameters=ReviewKD,
    loss=hcl_loss,
    module=_module,
    needs=Needs.FEATURES,
    summary="each stage, joined by all deeper ones, learns a stage of the teacher",
    source="arXiv:2104.09044",
    kind="feature",
    by_pair=(
        _tuned("wrn_40_2", "wrn_16_2", "wrn_40_1", weight=5.0),
        _tuned("resnet32x4", "resnet8x4", "shufflev1", weight=5.0),
        _tuned("resnet32x4", "shufflev2", weight=8.0),
        _tuned("resnet56", "resnet20", weight=0.6),
        ForPair(
            datasets=("imagenet",), pairs=(("resnet50", "mobilenetv1"),), values={"weight": 8.0, "mid_channels": 256}
        ),
    ),
)
