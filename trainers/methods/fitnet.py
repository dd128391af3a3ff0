"""Hints: the student's map, through a small regressor, shall be the teacher's map.

Romero et al., "FitNets: Hints for Thin Deep Nets", ICLR 2015, arXiv:1412.6550. As in later comparisons the hint is a
term of one training, not a stage before it.
Shapes: B = batch, C = channels, H = height, W = width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from trainers.late import functional
from trainers.methods.record.method import Log, Method, Needs, Range, Values, check
from trainers.methods.record.outputs import NetworkShape, Setting
from trainers.methods.terms.layers import same_size

if TYPE_CHECKING:
    from torch import Tensor, nn


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


def _module(values: Values, setting: Setting) -> nn.Module:
    from trainers.methods.modules.fitnet import Hint

    _fits(values, *setting.networks("fitnet"))
    return Hint(int(values["layer"]), setting)


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
