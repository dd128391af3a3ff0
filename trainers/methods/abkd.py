"""The divergence of two parameters: one for how much large errors count, one for how much what is likely does.

Wang, Yang, Wang, Bao, Xu, Huang, "ABKD: Pursuing a Proper Allocation of the Probability Mass in Knowledge Distillation
via α-β-Divergence", ICML 2025.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

import functools
from typing import Annotated

from pydantic import Field

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Linear, Log, Temperature
from trainers.methods.record.method import Method, Problem, Values
from trainers.methods.terms.tensors import dot, known, raised

LEAST = 0.01
"""Nearer to 0 an exponent leaves nothing but rounding in float32; 0 itself is the limit."""
ZERO = 1e-9
"""0.1 + 0.2 − 0.3 is not 0 to a computer."""


class ABKD(DistilledLogits):
    alpha: Annotated[float, Field(ge=-2, le=2), Linear(0.2, 1.2)] = 0.8
    """Exponent of the teacher's probabilities; 1 with beta 0 is kd."""
    beta: Annotated[float, Field(ge=-2, le=2), Linear(0.05, 0.8)] = 0.3
    """Exponent of the student's probabilities; 1 with alpha 0 is kd the other way round."""
    temperature: Temperature = 4.0
    """Divides the logits; 1 leaves the probabilities as they are."""
    weight: Annotated[Factor, Log(1, 64)] = 16.0
    """Factor of the method's term beside the cross-entropy; large, as no T² is in the loss."""


def abkd_loss(student: Tensor, teacher: Tensor, *, alpha: float, beta: float, temperature: float) -> Tensor:
    """Return −1 / (αβ) · Σ over classes of p^α q^β − α/(α+β) p^(α+β) − β/(α+β) q^(α+β), averaged over the batch.

    p and q are the probabilities of teacher and student at T; there is no T². Where α, β or their sum is 0 it is the
    limit: α 1 and β 0 are KL(teacher || student), 0 and 1 KL(student || teacher). 0 at equal logits, never negative
    but for rounding. Powers with negative exponents grow beyond what a float holds: the part of a class where one does
    is scaled down as a whole, and its gradient with it.

    Args:
        student: [B, C] logits; half precision is raised to float32, float64 is kept.
        teacher: logits of the same shape; a constant.

    Raises:
        ValueError: the tensors are not two of one shape [B, C].
    """
    ours, theirs = raised(student, teacher)
    scale = 1 / len(ours)
    with torch.inference_mode():  # nothing to record: the gradient is worked out here
        log_q, log_p = (ours / temperature).log_softmax(1), (theirs / temperature).log_softmax(1)
        value, slope = _divergence(log_p, log_q, alpha, beta)
        gradient = slope.sub_(log_q.exp_().mul_(slope.sum(1, keepdim=True))).mul_(scale / temperature)
    return known(ours, value * scale, gradient)


def _divergence(p: Tensor, q: Tensor, alpha: float, beta: float) -> tuple[Tensor, Tensor]:
    """Return the sum over classes and batch, and its slope [B, C] by the logarithms of the student's probabilities.

    Args:
        p, q: logarithms of the probabilities; p is not needed afterwards.
    """
    total = alpha + beta
    most = None if min(alpha, beta) >= 0 else _greatest(q.dtype)
    if abs(alpha) < ZERO and abs(beta) < ZERO:
        gap = q - p
        return dot(gap, gap) / 2, gap
    if abs(alpha) < ZERO:
        slope = q - p
        of_student, of_teacher = _powers(most, beta * q, p.mul_(beta))
        slope.mul_(of_student)
        return slope.sum() / beta + (of_teacher.sum() - of_student.sum()) / beta**2, slope
    if abs(total) < ZERO:
        gap = (p - q).mul_(alpha)
        slope = gap.clamp(max=_greatest(q.dtype)).exp_()
        value = (slope.sum() - slope.numel() - gap.sum()) / alpha**2
        return value, slope.sub_(1).mul_(-1 / alpha)
    if abs(beta) < ZERO:
        gap = p - q
        slope, of_teacher = _powers(most, alpha * q, p.mul_(alpha))
        value = dot(of_teacher, gap) / alpha + (slope.sum() - of_teacher.sum()) / alpha**2
        return value, slope.sub_(of_teacher).mul_(1 / alpha)
    both, slope, of_teacher = _powers(most, (beta * q).add_(p, alpha=alpha), total * q, p.mul_(total))
    value = of_teacher.sum() / (beta * total) + slope.sum() / (alpha * total) - both.sum() / (alpha * beta)
    return value, slope.sub_(both).mul_(1 / alpha)


def _powers(most: float | None, *exponents: Tensor) -> tuple[Tensor, ...]:
    """Return the powers in the place of their exponents.

    Args:
        most: where one of a class is greater all are lowered by as much, so that what is added up of the powers keeps
            its sign; None: all are 0 or less.
    """
    if most is not None:
        over = functools.reduce(torch.maximum, exponents).sub_(most).clamp_min_(0)
        for one in exponents:
            one.sub_(over)
    return tuple(one.exp_() for one in exponents)


def _greatest(dtype: torch.dtype) -> float:
    """Return an exponent whose power leaves room for sums and factors."""
    return 600.0 if dtype is torch.float64 else 64.0


def _rules(values: Values, _classes: int | None) -> list[Problem]:
    alpha, beta = values["alpha"], values["beta"]
    exponents = {"alpha": alpha, "beta": beta} | ({"alpha + beta": alpha + beta} if alpha and beta else {})
    near = {name: value for name, value in exponents.items() if ZERO < abs(value) < LEAST - ZERO}
    rule = f"must be 0, its limit, or at least {LEAST:g} from it"
    return [Problem(name.partition(" ")[0], f"{rule}, got {name} = {value:g}") for name, value in near.items()]


ABKD_METHOD = Method(
    name="abkd",
    title="ABKD",
    version=1,
    hyperparameters=ABKD,
    loss=abkd_loss,
    summary="the α-β-divergence of the softened probabilities, of which KL is a case",
    source="arXiv:2505.04560",
    rules=_rules,
)
