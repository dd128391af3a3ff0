"""Weighted transformed teacher matching: samples on which the teacher is unsure count more.

Zheng, Yang, "Knowledge Distillation Based on Transformed Teacher Matching", ICLR 2024, arXiv:2402.11148.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.late import Tensor
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log
from trainers.methods.record.method import Method, Values
from trainers.methods.record.outputs import TermValue
from trainers.methods.terms.tensors import raised
from trainers.methods.ttm import divergence


class WTTM(DistilledLogits):
    power: Annotated[float, Field(gt=0), Log(0.05, 1)] = 0.2
    """Exponent of the teacher's probabilities, 1 over a temperature; 1 leaves them as they are."""
    weight: Annotated[Factor, Log(0.5, 50)] = 4.0
    """Factor of the method's term beside the cross-entropy; samples have weights between 1 and C^(1 − power) too."""


def wttm_loss(student_BC: Tensor, teacher_BC: Tensor, *, power: float) -> Tensor:
    """Return S · KL(p^power / S || q) with S = Σ p^power of a sample, in nats, averaged over the batch.

    p are the teacher's probabilities and q the student's, both at T 1. 0 where the student's logits are `power` times
    the teacher's, up to a constant for each sample.

    Args:
        student_BC: logits; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.

    Raises:
        ValueError: the tensors are not two of one shape [B, C].
    """
    return _weighted(student_BC, teacher_BC, power)[0]


def _weighted(student_BC: Tensor, teacher_BC: Tensor, power: float) -> tuple[Tensor, Tensor]:
    """Return the loss and the mean of S."""
    student, teacher = raised(student_BC, teacher_BC)
    sums_B = (power * teacher.log_softmax(1)).exp().sum(1)
    return (sums_B * divergence(student, teacher, power)).mean(), sums_B.mean()


def _term(values: Values, student_BC: Tensor, teacher_BC: Tensor, _target_B: Tensor) -> TermValue:
    loss, share = _weighted(student_BC, teacher_BC, float(values["power"]))
    return loss, {"wttm": loss.detach(), "sample_weight": share}


WTTM_METHOD = Method(
    name="wttm",
    title="WTTM",
    version=1,
    hyperparameters=WTTM,
    loss=wttm_loss,
    term=_term,
    summary="as ttm, with samples weighted by how unsure the teacher is",
    source="arXiv:2402.11148",
    logs={"wttm": "its term, before weight and warm-up", "sample_weight": "mean weight of a sample"},
)
