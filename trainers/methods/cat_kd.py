"""Class attention transfer: where in the image each class is seen.

Guo, Yan, Li, Lin, "Class Attention Transfer Based Knowledge Distillation", CVPR 2023, arXiv:2304.12777.
Shapes: B = batch, C = classes, H = height, W = width.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.late import Tensor, functional, late, torch
from trainers.methods.record.hyperparameters import Distilled, Factor, Log
from trainers.methods.record.method import Method, Needs
from trainers.methods.record.tuned import CIFAR, IMAGENET, R34_R18, R50_MV1, tuned
from trainers.methods.terms.layers import classified, pooled, unit


class CATKD(Distilled):
    resolution: Annotated[int, Field(ge=1)] = 4
    """Maps are averaged to so many rows and columns; to their own size where that is less."""
    normalize: bool = True
    """Whether the map of a class is brought to length 1 over the places of an image."""
    weight: Annotated[Factor, Log(0.5, 1000)] = 400.0
    """Factor of the method's term beside the cross-entropy; small where maps are not normalized."""


def cat_kd_loss(student: Tensor, teacher: Tensor, *, resolution: int, normalize: bool) -> Tensor:
    """Return the mean squared difference of class activation maps, averaged to resolution × resolution.

    Args:
        student: [B, C, H, W]; half precision is raised to float32, float64 is kept. Maps are averaged to their own size
            at most.
        teacher: maps of the same batch and classes, of any size; a constant.
        normalize: a class's map of an image is of length 1.

    Raises:
        ValueError: batch or classes differ.
    """
    if student.ndim != 4 or student.shape[:2] != teacher.shape[:2]:
        raise ValueError(
            f"class activation maps must be two tensors [B, C, H, W], got {[*student.shape]} and {[*teacher.shape]}"
        )
    dtype = torch.promote_types(torch.promote_types(student.dtype, teacher.dtype), torch.float32)
    sides = (*student.shape[2:], *teacher.shape[2:])
    size = (min(resolution, *sides[::2]), min(resolution, *sides[1::2]))
    ours, theirs = (pooled(one.to(dtype), size).flatten(2) for one in (student, teacher.detach()))
    if normalize:
        ours, theirs = unit(ours, 2), unit(theirs, 2)
    return functional.mse_loss(ours, theirs)


SAME = {"resolution": 2, "normalize": False}
FACTORS = {
    "resnet56>resnet20": 0.7,
    "resnet110>resnet32": 1.8,
    "resnet32x4>resnet8x4": 15.0,
    "vgg13>vgg8": 4.5,
    "wrn_40_2>wrn_16_2": 12.0,
    "wrn_40_2>wrn_40_1": 1.5,
}

CAT_KD_METHOD = Method(
    name="cat_kd",
    title="CAT-KD",
    version=1,
    hyperparameters=CATKD,
    module=late("trainers.methods.modules.regions", "Activations"),
    needs=Needs.FEATURES,
    summary="where in the image each class is seen",
    source="arXiv:2304.12777",
    fits=lambda _values, student, teacher: classified("cat_kd", student, teacher),
    by_pair=(
        *(tuned(CIFAR, pair, weight=weight, **SAME) for pair, weight in FACTORS.items()),
        tuned(CIFAR, "vgg13>mobilenetv2", weight=15.0, resolution=2),
        tuned(CIFAR, "resnet50>mobilenetv2", weight=40.0, resolution=2),
        tuned(CIFAR, "resnet32x4>shufflev1", "resnet32x4>shufflev2", weight=600.0),
        tuned(CIFAR, "wrn_40_2>shufflev1", weight=80.0),
        tuned(IMAGENET, R34_R18, weight=0.5, normalize=False),
        tuned(IMAGENET, R50_MV1, weight=10.0, resolution=2),
    ),
)
