"""Relational distillation: distances between images, and angles between three of them.

Park, Kim, Lu, Cho, "Relational Knowledge Distillation", CVPR 2019, arXiv:1904.05068.
Shapes: B = batch, D = width of the vector (may differ between the networks).
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from trainers.late import Tensor, functional, torch
from trainers.methods.record.hyperparameters import Distilled, Factor, Log
from trainers.methods.record.method import Couples, Method, Needs
from trainers.methods.terms.bound import of_parts
from trainers.methods.terms.layers import vectors

EPS = 1e-12
"""Square of the distance under which two vectors count as one."""


class RKD(Distilled):
    distance_weight: Annotated[Factor, Log(5, 100)] = 25.0
    """Factor of the distances."""
    angle_weight: Annotated[Factor, Log(10, 200)] = 50.0
    """Factor of the angles; their memory grows with the third power of the batch."""


def rkd_loss(
    student_vector: Tensor, teacher_vector: Tensor, *, distance_weight: float = 25, angle_weight: float = 50
) -> Tensor:
    """Return distance_weight · smoothL1(distances) + angle_weight · smoothL1(cosines of the angles).

    Distances are divided by their mean over all pairs of different images; smooth-L1 with threshold 1, averaged over
    B² pairs and B³ triples. 0 where the vectors are equal up to scale, shift and rotation.

    Args:
        student_vector: [B, D].
        teacher_vector: [B, D] of any width; a constant.
    """
    distances, angles = _differences(student_vector, teacher_vector)
    return distance_weight * distances + angle_weight * angles


def _differences(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    (our_distances, our_angles), (their_distances, their_angles) = _relations(student), _relations(teacher.detach())
    return (
        functional.smooth_l1_loss(our_distances, their_distances),
        functional.smooth_l1_loss(our_angles, their_angles),
    )


def _relations(vectors_BD: Tensor) -> tuple[Tensor, Tensor]:
    """Return distances [B, B] and cosines [B, B, B]; where two vectors are equal they have no gradient."""
    count = len(vectors_BD)
    arrows = vectors_BD.unsqueeze(0) - vectors_BD.unsqueeze(1)
    squares = arrows.square().sum(2)
    lengths = squares.clamp_min(EPS).sqrt()
    others = 1 - torch.eye(count, dtype=lengths.dtype, device=lengths.device)
    distances = lengths * others
    mean = distances.sum() / max(count * (count - 1), 1)
    directions = torch.where((squares > EPS).unsqueeze(2), arrows / lengths.unsqueeze(2), 0.0)
    return distances / mean.clamp_min(EPS), directions @ directions.mT


RKD_METHOD = Method(
    name="rkd",
    title="RKD",
    version=1,
    hyperparameters=RKD,
    loss=rkd_loss,
    term=of_parts(_differences, {"distances": "distance_weight", "angles": "angle_weight"}, partial(vectors, "rkd")),
    needs=Needs.FEATURES,
    summary="distances and angles between the images of a batch",
    source="arXiv:1904.05068",
    logs={"distances": "the part of distances", "angles": "the part of angles"},
    factors=("distance_weight", "angle_weight"),
    least_batch=3,
    couples=Couples.VECTORS,
)
