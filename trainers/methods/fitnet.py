"""Hints: the student's map, through a small regressor, shall be the teacher's map.

Romero et al., "FitNets: Hints for Thin Deep Nets", ICLR 2015, arXiv:1412.6550. As in later comparisons the hint is a
term of one training, not a stage before it.
Shapes: B = batch, C = channels, H = height, W = width.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.late import Tensor, functional, late
from trainers.methods.record.hyperparameters import Distilled, Factor, Log
from trainers.methods.record.method import Method, Needs, Values
from trainers.methods.record.outputs import NetworkShape
from trainers.methods.terms.layers import same_size


class FitNet(Distilled):
    layer: Annotated[int, Field(ge=0)] = 2
    """Which of the student's maps is compared, from 0."""
    weight: Annotated[Factor, Log(1, 500)] = 100.0


def fitnet_loss(student_map: Tensor, teacher_map: Tensor) -> Tensor:
    """Return the mean squared difference of two maps [B, C, H, W]; the larger is averaged to the smaller's size."""
    ours, theirs = same_size(student_map, teacher_map.detach())
    return functional.mse_loss(ours, theirs)


def fits(values: Values, student: NetworkShape, _teacher: NetworkShape) -> None:
    layer, last = values["layer"], len(student.maps) - 1
    if layer > last:
        raise ValueError(
            f"'fitnet' cannot work with these networks: layer is {layer}, and the student's maps are 0 to {last}"
        )


FITNET_METHOD = Method(
    name="fitnet",
    title="FitNet",
    version=1,
    hyperparameters=FitNet,
    loss=fitnet_loss,
    module=late("trainers.methods.modules.fitnet", "Hint"),
    needs=Needs.FEATURES,
    summary="one map of the teacher, through a regressor",
    source="arXiv:1412.6550",
    fits=fits,
)
