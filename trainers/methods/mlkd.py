"""Multi-level distillation: match samples, the relations between classes, and those between samples.

Jin, Wang, Lin, "Multi-Level Logit Distillation", CVPR 2023.
Shapes: B = batch, C = classes.

The paper trains on a weak and a strong view of every image; the second view is not part of this loss, nor of the
released code's variant without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, field_validator

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Linear, Log
from trainers.methods.record.method import Couples, Method, Values
from trainers.methods.record.outputs import TermValue
from trainers.methods.record.tuned import IMAGENET, tuned
from trainers.methods.terms.standardize import standardize
from trainers.methods.terms.tensors import raised

Mask = Literal["none", "released", "described"]
TEMPERATURES = (2.0, 3.0, 4.0, 5.0, 6.0)


class MLKD(DistilledLogits):
    temperatures: tuple[Annotated[float, Field(ge=0.001, le=100)], ...] = TEMPERATURES
    """Each divides the logits in turn; the terms of all are added."""
    mask: Mask = "released"
    """Which samples and classes count: none leaves all in; released scales the terms by the share that the teacher is
    least sure of, as the authors' code does; described leaves the others out."""
    quantile: Annotated[float, Field(gt=0, lt=1), Linear(0.1, 0.9)] = 0.5
    """Samples and classes up to this quantile of the teacher's confidence count; nothing without a mask."""
    ce_weight: Factor = 0.1
    weight: Annotated[Factor, Log(0.5, 9)] = 0.9
    standardize: bool = False
    """Standardize the logits of teacher and student first, for the KL of the samples only."""

    @field_validator("temperatures")
    @classmethod
    def _some(cls, temperatures: tuple[float, ...]) -> tuple[float, ...]:
        if not temperatures:
            raise ValueError("must have at least one temperature, got an empty list")
        return temperatures


class _Levels(NamedTuple):
    """The three terms, summed over the temperatures."""

    instance: Tensor
    classes: Tensor
    batch: Tensor


def mlkd_loss(
    student_BC: Tensor,
    teacher_BC: Tensor,
    *,
    temperatures: Sequence[float],
    mask: Mask = "none",
    quantile: float = 0.5,
) -> Tensor:
    """Return Σ over T of T² · KL(teacher || student) + ‖PᵀP − QᵀQ‖² / C + ‖PPᵀ − QQᵀ‖² / B.

    P and Q [B, C] are the teacher's and the student's probabilities at T; the KL is in nats and averaged over the
    batch. 0 where the logits differ by a constant for each sample.

    With a mask, samples count whose highest teacher probability at T 1 is at most its quantile over the batch, and
    classes whose teacher probability summed over the batch is at most its quantile over the classes. `released`
    multiplies the terms of samples and of classes by the share that counts; `described` leaves out the KL and the
    row of PPᵀ of a sample, and the row of PᵀP of a class, that do not.

    Args:
        student_BC: logits; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.

    Raises:
        ValueError: the tensors are not two of one shape [B, C].
    """
    student, teacher = raised(student_BC, teacher_BC)
    instance, classes, batch = _levels((student, teacher), (student, teacher), temperatures, mask, quantile)
    return instance + classes + batch


def _levels(
    logits: tuple[Tensor, Tensor],
    instance_logits: tuple[Tensor, Tensor],
    temperatures: Sequence[float],
    mask: Mask,
    quantile: float,
) -> _Levels:
    """Return the three terms.

    Args:
        logits: student's and teacher's [B, C].
        instance_logits: those that the KL compares.
    """
    student, teacher = logits
    (samples, size), shares = student.shape, _shares(teacher, mask, quantile)
    total = _Levels(*student.new_zeros(3).unbind())
    with torch.autocast(student.device.type, enabled=False):  # products of matrices would be rounded to half precision
        for temperature in temperatures:
            ours, theirs = ((one / temperature).log_softmax(1) for one in instance_logits)
            divergence = (theirs.exp() * (theirs - ours)).sum(1)
            q, p = ((one / temperature).softmax(1) for one in logits)
            total = _Levels(
                total.instance + temperature**2 / samples * (shares[0] * divergence).sum(),
                total.classes + (shares[1] * (p.T @ p - q.T @ q).square().sum(1)).sum() / size,
                total.batch + (shares[0] * (p @ p.T - q @ q.T).square().sum(1)).sum() / samples,
            )
    return total


def _shares(teacher_BC: Tensor, mask: Mask, quantile: float) -> tuple[Tensor, Tensor]:
    """Return how much each sample [B] and each class [C] counts."""
    probabilities = teacher_BC.softmax(1)
    samples, classes = (
        (confidence <= confidence.quantile(quantile)).to(teacher_BC.dtype) if mask != "none" else confidence.new_ones(1)
        for confidence in (probabilities.amax(1), probabilities.sum(0))
    )
    return (samples.mean(), classes.mean()) if mask == "released" else (samples, classes)


def _term(values: Values, student_BC: Tensor, teacher_BC: Tensor, _target_B: Tensor) -> TermValue:
    logits = raised(student_BC, teacher_BC)
    of_instance = (standardize(logits[0]), standardize(logits[1])) if values["standardize"] else logits
    levels = _levels(logits, of_instance, values["temperatures"], values["mask"], float(values["quantile"]))
    instance, classes, batch = levels
    parts = {"instance": instance.detach(), "classes": classes.detach(), "batch": batch.detach()}
    return instance + classes + batch, parts


MLKD_METHOD = Method(
    name="mlkd",
    title="MLKD",
    version=1,
    hyperparameters=MLKD,
    loss=mlkd_loss,
    term=_term,
    summary="KL at several temperatures, and relations of classes and samples",
    source="CVPR 2023",
    couples=Couples.LOGITS,
    logs={
        "instance": "KL, summed over the temperatures",
        "classes": "how the relations of classes differ",
        "batch": "how the relations of samples differ",
    },
    dead=lambda values, _classes: ("quantile",) if values["mask"] == "none" else (),
    by_pair=(tuned(IMAGENET, temperatures=(1.0, 2.0, 3.0, 5.0, 6.0), ce_weight=0.5, weight=0.5),),
    standardizes=True,
)
