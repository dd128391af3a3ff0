"""DIST: match how classes and samples relate, not the probabilities themselves.

Huang, You, Wang, Qian, Xu, "Knowledge Distillation from A Stronger Teacher", NeurIPS 2022, arXiv:2205.10536.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log, Temperature
from trainers.methods.record.method import Couples, Method
from trainers.methods.record.tuned import LARGE, tuned
from trainers.methods.terms.bound import of_parts
from trainers.methods.terms.tensors import raised

EPSILON = 1e-8
"""Added to the product of the two norms."""
FLAT = 1e-9
"""Probabilities that spread no more than this are taken for equal."""


class DIST(DistilledLogits):
    beta: Annotated[Factor, Log(0.5, 8)] = 2.0
    """Factor of the relation between the classes of a sample."""
    gamma: Annotated[Factor, Log(0.5, 8)] = 2.0
    """Factor of the relation between the samples of a batch, class by class; constant for a batch of 1."""
    temperature: Temperature = 4.0
    """Divides the logits; 1 leaves the probabilities as they are."""


def dist_loss(student_BC: Tensor, teacher_BC: Tensor, *, temperature: float, beta: float, gamma: float) -> Tensor:
    """Return T² · (beta · (1 − mean ρ of samples) + gamma · (1 − mean ρ of classes)).

    ρ is Pearson's correlation of student's and teacher's probabilities at T: over the classes of a sample, and over
    the samples of the batch for a class, with 1e-8 added to the product of norms. That is not nothing: a class of
    1,000 at T 4 has a product of about 4e-6, so equal networks have a loss a little above 0. The second term needs
    B ≥ 2; a batch of 1 has no relation between samples and gives the constant T² · gamma.

    Where a student's probabilities are equal over a row, as those of a student whose classifier starts at 0, ρ is 0 and
    has no gradient: the formula's own is up to 1 / 1e-8 there.

    Args:
        student_BC: logits; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.

    Raises:
        ValueError: the tensors are not two of one shape [B, C].
    """
    inter, intra = _relations(student_BC, teacher_BC, temperature=temperature)
    return beta * inter + gamma * intra


def _relations(student_BC: Tensor, teacher_BC: Tensor, *, temperature: float) -> tuple[Tensor, Tensor]:
    student, teacher = raised(student_BC, teacher_BC)
    # where a class has nearly the same probability in the whole batch, float32 keeps too little of how it varies
    ours, theirs = ((logits.double() / temperature).softmax(1) for logits in (student, teacher))
    inter, intra = (temperature**2 * (1 - _correlation(ours, theirs, dim).mean()) for dim in (1, 0))
    return inter.to(student.dtype), intra.to(student.dtype)


def _correlation(left_BC: Tensor, right_BC: Tensor, dim: int) -> Tensor:
    left = left_BC - left_BC.mean(dim, keepdim=True)
    right = right_BC - right_BC.mean(dim, keepdim=True)
    size = torch.linalg.vector_norm(left, dim=dim)
    correlation = (left * right).sum(dim) / (size * torch.linalg.vector_norm(right, dim=dim) + EPSILON)
    return torch.where(size > FLAT, correlation, 0.0)


DIST_METHOD = Method(
    name="dist",
    title="DIST",
    version=1,
    hyperparameters=DIST,
    loss=dist_loss,
    term=of_parts(_relations, {"inter": "beta", "intra": "gamma"}),
    summary="correlation of probabilities over classes and over samples",
    source="arXiv:2205.10536",
    logs={"inter": "one less the correlation over classes", "intra": "one less the correlation over samples"},
    factors=("beta", "gamma"),
    least_batch=2,
    couples=Couples.LOGITS,
    dead=lambda values, _classes: ("temperature",) if values["beta"] == 0 and values["gamma"] == 0 else (),
    by_pair=(tuned(LARGE, temperature=1.0),),
)
