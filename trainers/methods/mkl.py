"""Magnitude-enhanced KL: the classes that are not the target count more where the teacher is less sure.

Li, Teng, Ding, Lan, "NTCE-KD: Non-Target-Class-Enhanced Knowledge Distillation", Sensors 2024, 24(11), 3617; its MKL.
The other part of NTCE-KD, on a second view, cannot run as it was released.
Shapes: B = batch, C = classes, F = factors.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, field_validator

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log, Temperature
from trainers.methods.record.method import Method
from trainers.methods.record.tuned import CIFAR, IMAGENET, tuned
from trainers.methods.terms.tensors import labelled, raised

SHORT = (2.0, 1.5, 1.0, 0.5, 0.0)
FACTORS = (*SHORT, -0.5, -1.0)


class MKL(DistilledLogits):
    factors: tuple[Annotated[float, Field(ge=-10, le=10)], ...] = FACTORS
    """By so many times the teacher's margin its first class, and the student's target, are lowered; the mean over all
    counts."""
    temperature: Temperature = 4.0
    """Divides the logits; 1 leaves the probabilities as they are."""
    weight: Annotated[Factor, Log(0.5, 16)] = 8.0
    """Factor of the method's term beside the cross-entropy."""
    warmup_epochs: Factor = 20.0
    """Epochs over which the method's term ramps up to its weight; the authors' 20 belong to 240 epochs."""

    @field_validator("factors")
    @classmethod
    def _some(cls, factors: tuple[float, ...]) -> tuple[float, ...]:
        if not factors:
            raise ValueError("must have at least one factor, got an empty list")
        return factors


def mkl_loss(
    student: Tensor, teacher: Tensor, target: Tensor, *, factors: Sequence[float], temperature: float
) -> Tensor:
    """Return the mean over the factors f of T² · KL(teacher || student), in nats, averaged over the batch.

    The teacher's highest logit is lowered by f · m and the student's logit of the target by the same; m is the gap
    between the teacher's two highest logits of the sample. Where teacher and label disagree, two different classes are
    lowered, as in the authors' code. Only one class changes with f, so the others are summed once.

    Args:
        student: [B, C] logits, C at least 2; half precision is raised to float32, float64 is kept.
        teacher: logits of the same shape; a constant.
        target: [B] class numbers.

    Raises:
        ValueError: the logits are not two tensors of one shape [B, C], or there is not one target a sample.
    """
    ours, theirs = raised(student, teacher)
    labelled(ours, target)
    ours, theirs = ((one / temperature).log_softmax(1) for one in (ours, theirs))
    values, classes = theirs.topk(2, dim=1)
    top, label = classes[:, :1], target[:, None]
    # of logits over T
    lowered_BF = (values[:, :1] - values[:, 1:]) * _on_device(tuple(factors), ours.dtype, ours.device)
    teacher_top, teacher_rest = values[:, :1] - lowered_BF, _without(theirs, top)
    student_label, student_rest = ours.gather(1, label) - lowered_BF, _without(ours, label)
    teacher_all = torch.logaddexp(teacher_rest.logsumexp(1, True), teacher_top)
    student_all = torch.logaddexp(student_rest.logsumexp(1, True), student_label)
    rest = teacher_rest.softmax(1)
    agree = top == label
    # the mean of log p − log q over the teacher's classes but its first: q's target is among them where they disagree
    of_rest = (rest * (theirs - ours)).sum(1, True) + torch.where(agree, 0.0, rest.gather(1, label)) * lowered_BF
    of_top = teacher_top - ours.gather(1, top) + torch.where(agree, lowered_BF, 0.0)
    share = (teacher_top - teacher_all).exp()
    divergence = torch.lerp(of_rest, of_top, share) - teacher_all + student_all
    return divergence.mean() * temperature**2


@functools.lru_cache(maxsize=64)
def _on_device(factors: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return factors as a tensor; made once, as a GPU is waited for where numbers of the host are copied to it."""
    return torch.tensor(factors, dtype=dtype, device=device)


def _without(logits: Tensor, left_out: Tensor) -> Tensor:
    """Return logits with one class of each sample at −∞."""
    return logits.scatter(1, left_out, -torch.inf)


MKL_METHOD = Method(
    name="mkl",
    title="MKL",
    version=1,
    hyperparameters=MKL,
    loss=mkl_loss,
    summary="KL with the teacher's first class and the student's target lowered by multiples of the teacher's margin",
    source="doi:10.3390/s24113617",
    by_pair=(
        tuned(CIFAR, "resnet56>resnet20", "resnet110>resnet32", weight=2.0),
        tuned(CIFAR, "resnet32x4>resnet8x4", "resnet32x4>shufflev1", "resnet32x4>shufflev2", factors=SHORT),
        tuned(IMAGENET, temperature=1.0, weight=2.0),
    ),
)
