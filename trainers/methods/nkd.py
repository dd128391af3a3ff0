"""Normalised distillation: cross-entropy with the teacher's target probability, and among the other classes.

Yang, Zeng, Li, Zhang, Yuan, Li, "From Knowledge Distillation to Self-Knowledge Distillation: A Unified Approach with
Normalized Loss and Customized Soft Labels", ICCV 2023, arXiv:2303.13005.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from trainers.late import Tensor
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log, Temperature
from trainers.methods.record.method import Method, Values
from trainers.methods.terms.bound import of_parts
from trainers.methods.terms.ranking import target_first
from trainers.methods.terms.tensors import raised


class NKD(DistilledLogits):
    gamma: Annotated[Factor, Log(0.5, 8)] = 1.5
    """Factor of the cross-entropy among the classes that are not the target."""
    temperature: Temperature = 1.0
    """Divides the logits of the classes that are not the target; the target's own part is at 1."""


def nkd_loss(student_BC: Tensor, teacher_BC: Tensor, target_B: Tensor, *, gamma: float, temperature: float) -> Tensor:
    """Return −p(y) · log q(y) − gamma · T² · Σ over i ≠ y of p̂(i) · log q̂(i), averaged over the batch.

    p and q are the teacher's and the student's probabilities at T 1, p̂ and q̂ those among the classes other than the
    target y at T. Both sums are cross-entropies, as in the paper: at equal logits the loss is not 0.

    Args:
        student_BC: logits; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.
        target_B: class numbers.

    Raises:
        ValueError: the tensors are not two of one shape [B, C].
    """
    target, others = _sides(student_BC, teacher_BC, target_B, temperature=temperature)
    return target + gamma * others


def _sides(student_BC: Tensor, teacher_BC: Tensor, target_B: Tensor, *, temperature: float) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy of the target, and T² times that among the others."""
    student, teacher = raised(student_BC, teacher_BC)
    ranking = target_first(target_B, student.shape[1])
    ours, theirs = student.gather(1, ranking), teacher.gather(1, ranking)
    target = -(theirs.softmax(1)[:, 0] * ours.log_softmax(1)[:, 0]).mean()
    ours, theirs = (ours[:, 1:] / temperature).log_softmax(1), (theirs[:, 1:] / temperature).softmax(1)
    return target, -(theirs * ours).sum() * (temperature**2 / len(student))


def _dead(values: Values, classes: int) -> tuple[str, ...]:
    """With two classes there is one other: nothing to compare."""
    if classes == 2:
        return ("gamma", "temperature")
    return ("temperature",) if values["gamma"] == 0 else ()


NKD_METHOD = Method(
    name="nkd",
    title="NKD",
    version=1,
    hyperparameters=NKD,
    loss=nkd_loss,
    term=of_parts(_sides, {"target": "", "others": "gamma"}),
    summary="the teacher's target probability as a soft label, and the other classes among themselves",
    source="arXiv:2303.13005",
    logs={"target": "the target's part", "others": "the other classes' part"},
    dead=_dead,
)
