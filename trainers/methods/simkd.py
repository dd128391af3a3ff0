"""SimKD: the teacher's classifier is reused, on the student's map brought to the teacher's by a projector.

Chen, Mei, Zhang, Wang, Wang, Feng, Chen, "Knowledge Distillation with the Reused Teacher Classifier", CVPR 2022,
arXiv:2203.14001.
Shapes: B = batch, D = channels of the teacher's last map, H = height, W = width.
"""

from __future__ import annotations

from typing import Annotated

from trainers.late import Tensor, functional, late
from trainers.methods.record.hyperparameters import Distilled, Factor, Log
from trainers.methods.record.method import Method, Needs, Values
from trainers.methods.record.outputs import NetworkShape, Output, TermValue
from trainers.methods.terms.layers import final, same_size
from trainers.methods.terms.places import grid_of


class SimKD(Distilled):
    ce_weight: Factor = 0.0
    """Factor of the cross-entropy of what the teacher's classifier says of the student with the labels."""
    weight: Annotated[Factor, Log(0.1, 10)] = 1.0
    """Factor of the method's term beside the cross-entropy."""


def simkd_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean squared difference of two maps; the larger is averaged to the smaller's size.

    Args:
        student: [B, D, H, W], what the projector makes of the student's map.
        teacher: a map of the same batch and channels, of any size; a constant.

    Raises:
        ValueError: batch or channels differ.
    """
    if student.ndim != 4 or student.shape[:2] != teacher.shape[:2]:
        raise ValueError(f"maps must be two tensors [B, D, H, W], got {[*student.shape]} and {[*teacher.shape]}")
    ours, theirs = same_size(student, teacher.detach())
    return functional.mse_loss(ours, theirs)


def _term(_values: Values, student: Output, teacher: Output, _target: Tensor) -> TermValue:
    loss = simkd_loss(final("simkd", student), final("simkd", teacher))
    return loss, {"simkd": loss.detach()}


def size_of(student: NetworkShape, teacher: NetworkShape) -> tuple[int, int, int, int]:
    """Return channels, height and width of the map that the teacher's classifier is put on, and g: it reads the
    averages of g × g cells.

    Raises:
        ValueError: it reads something else, or the student's map is too small for its cells.
    """
    if not teacher.averaged or teacher.final is None:
        raise ValueError(
            "'simkd' cannot work with these networks: it puts the teacher's classifier on the average of a map, and "
            "the teacher's reads something else"
        )
    channels, *size = teacher.final
    height, width = (min(one, other) for one, other in zip(size, student.maps[-1][1:], strict=True))
    grid = grid_of(channels, height, width, teacher.vector)
    if grid is None:
        raise ValueError(
            f"'simkd' cannot work with these networks: the teacher's classifier reads a grid of averages, and "
            f"{height}×{width} places, the student's at most, cannot be cut so"
        )
    return channels, height, width, grid


SIMKD_METHOD = Method(
    name="simkd",
    title="SimKD",
    version=1,
    hyperparameters=SimKD,
    loss=simkd_loss,
    term=_term,
    network=late("trainers.methods.modules.simkd", "Reused"),
    needs=Needs.FEATURES,
    summary="the teacher's classifier, on the student's last map through a projector",
    source="arXiv:2203.14001",
    fits=lambda _values, student, teacher: size_of(student, teacher),
    inference="a projector from its last map to the teacher's, and the teacher's classifier for its own",
)
