"""Soft-target distillation: match the teacher's softened class probabilities.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531, section 2.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from trainers.late import Tensor
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log, Temperature
from trainers.methods.record.method import Method
from trainers.methods.record.tuned import LARGE, tuned
from trainers.methods.terms.tensors import raised


class KD(DistilledLogits):
    temperature: Temperature = 4.0
    """Divides the logits; 1 leaves the probabilities as they are."""
    ce_weight: Factor = 0.1
    weight: Annotated[Factor, Log(0.5, 9)] = 0.9


def kd_loss(student_BC: Tensor, teacher_BC: Tensor, *, temperature: float | Tensor) -> Tensor:
    """Return T² · KL(teacher || student), in nats, averaged over the batch.

    0 where the logits differ by a constant for each sample. T² keeps the size of the gradient independent of T
    (end of section 2). The teacher is a constant: no gradient reaches it.

    Args:
        student_BC: logits; half precision is raised to float32 before the sum, float64 is kept.
        teacher_BC: logits of the same shape, on the same device.

    Raises:
        ValueError: the tensors are not two of one shape [B, C].
    """
    student, teacher = raised(student_BC, teacher_BC)
    student_log = (student / temperature).log_softmax(1)
    teacher_log = (teacher / temperature).log_softmax(1)
    divergence = (teacher_log.exp() * (teacher_log - student_log)).sum()
    return divergence * (temperature**2 / len(student))


KD_METHOD = Method(
    name="kd",
    title="KD",
    version=1,
    hyperparameters=KD,
    loss=kd_loss,
    summary="KL between the softened probabilities of teacher and student",
    source="arXiv:1503.02531",
    by_pair=(tuned(LARGE, temperature=1.0, ce_weight=0.5, weight=0.5),),
)
