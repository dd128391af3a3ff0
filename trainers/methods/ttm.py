"""Transformed teacher matching: only the teacher is softened, the student answers at temperature 1.

Zheng, Yang, "Knowledge Distillation Based on Transformed Teacher Matching", ICLR 2024, arXiv:2402.11148.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.late import Tensor
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log
from trainers.methods.record.method import Method
from trainers.methods.terms.tensors import raised


class TTM(DistilledLogits):
    power: Annotated[float, Field(gt=0), Log(0.05, 1)] = 0.1
    """Exponent of the teacher's probabilities, 1 over a temperature; 1 leaves them as they are."""
    weight: Annotated[Factor, Log(1, 100)] = 45.0
    """Factor of the method's term beside the cross-entropy; large, as no T² is in the loss."""


def ttm_loss(student_BC: Tensor, teacher_BC: Tensor, *, power: float) -> Tensor:
    """Return KL(p^power / Σ p^power || q), in nats, averaged over the batch.

    p are the teacher's probabilities and q the student's, both at T 1. 0 where the student's logits are `power` times
    the teacher's, up to a constant for each sample.

    Args:
        student_BC: logits; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.

    Raises:
        ValueError: the tensors are not two of one shape [B, C].
    """
    student, teacher = raised(student_BC, teacher_BC)
    return divergence(student, teacher, power).mean()


def divergence(student_BC: Tensor, teacher_BC: Tensor, power: float) -> Tensor:
    """Return the KL [B] of each sample."""
    student_log, teacher_log = student_BC.log_softmax(1), (power * teacher_BC).log_softmax(1)
    return (teacher_log.exp() * (teacher_log - student_log)).sum(1)


TTM_METHOD = Method(
    name="ttm",
    title="TTM",
    version=1,
    hyperparameters=TTM,
    loss=ttm_loss,
    summary="KL of the power-transformed teacher and the student at temperature 1",
    source="arXiv:2402.11148",
)
