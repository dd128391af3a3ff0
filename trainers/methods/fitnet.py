"""Hints: the student's map, through a small regressor, shall be the teacher's map.

Romero et al., "FitNets: Hints for Thin Deep Nets", ICLR 2015, arXiv:1412.6550. As in later comparisons the hint is a
term of one training, not a stage before it.
Shapes: B = batch, C = channels, H = height, W = width.
"""

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor, nn
from torch.nn import functional

from trainers.methods._base import Log, Method, Needs, Range, Values, check
from trainers.methods._layers import BatchNorm, Shape, matched, same_size
from trainers.methods._outputs import NetworkShape, Output, Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class FitNet:
    layer: Annotated[int, Range(ge=0)] = 2
    """Which of the student's maps is compared, from 0."""
    ce_weight: Annotated[float, Range(ge=0)] = 1.0
    """Factor of the cross-entropy with the labels."""
    weight: Annotated[float, Range(ge=0, search=Log(1, 500))] = 100.0
    """Factor of the method's term beside the cross-entropy."""
    warmup_epochs: Annotated[float, Range(ge=0)] = 0.0
    """Epochs over which the method's term ramps up to its weight."""

    def __post_init__(self) -> None:
        check(self, "fitnet")


def fitnet_loss(student_map: Tensor, teacher_map: Tensor) -> Tensor:
    """Return the mean squared difference of two maps [B, C, H, W]; the larger is averaged to the smaller's size."""
    ours, theirs = same_size(student_map, teacher_map.detach())
    return functional.mse_loss(ours, theirs)


def _fits(values: Values, student: NetworkShape, _teacher: NetworkShape) -> None:
    layer, last = values["layer"], len(student.maps) - 1
    if layer > last:
        raise ValueError(
            f"'fitnet' cannot work with these networks: layer is {layer}, and the student's maps are 0 to {last}"
        )


class _Hint(nn.Module):
    def __init__(self, layer: int, setting: Setting) -> None:
        super().__init__()
        student, teacher = setting.networks("fitnet")
        _fits({"layer": layer}, student, teacher)
        self.layer = layer
        pairs = matched(student.maps, teacher.maps)
        self.of_teacher = next(theirs for ours, theirs in pairs if ours >= layer)
        signed = bool(teacher.signed) and teacher.signed[self.of_teacher]
        self.regressor = _regressor(student.maps[layer], teacher.maps[self.of_teacher], signed=signed)

    def forward(
        self, student: Output, teacher: Output, _target_B: Tensor, _epoch: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        loss = fitnet_loss(self.regressor(student.maps[self.layer]), teacher.maps[self.of_teacher])
        return loss, {"fitnet": loss.detach()}


def _regressor(ours: Shape, theirs: Shape, *, signed: bool) -> nn.Sequential:
    """Return convolution, BatchNorm, ReLU.

    The convolution halves or doubles the size where that makes them equal, and is 1 x 1 where they are; the ReLU is
    left out where the teacher's map can be negative.
    """
    inputs, outputs = ours[0], theirs[0]
    (height, width), (h, w) = ours[1:], theirs[1:]
    convolution: nn.Module
    if (2 * height, 2 * width) == (h, w):
        convolution = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)
    elif (height, width) == (h, w):
        convolution = nn.Conv2d(inputs, outputs, 1)
    else:
        convolution = nn.Conv2d(inputs, outputs, 3, stride=2 if (height, width) == (2 * h, 2 * w) else 1, padding=1)
    return nn.Sequential(convolution, BatchNorm(outputs), nn.Identity() if signed else nn.ReLU())


def _module(values: Values, setting: Setting) -> nn.Module:
    return _Hint(int(values["layer"]), setting)


FITNET_METHOD = Method(
    name="fitnet",
    version=1,
    hyperparameters=FitNet,
    loss=fitnet_loss,
    module=_module,
    needs=Needs.FEATURES,
    summary="one map of the teacher, through a regressor",
    source="arXiv:1412.6550",
    kind="feature",
    fits=_fits,
)
