"""The divergence of two parameters: one for how much large errors count, one for how much what is likely does.

Wang, Yang, Wang, Bao, Xu, Huang, "ABKD: Pursuing a Proper Allocation of the Probability Mass in Knowledge Distillation
via α-β-Divergence", ICML 2025.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

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
    limit: α 1 and β 0 are KL(teacher || student), 0 and 1 KL(student || teacher). 0 at equal logits, never negative.
    Negative exponents grow beyond what a float holds: there a class counts as a constant.

    Args:
        student: [B, C] logits; half precision is raised to float32, float64 is kept.
        teacher: logits of the same shape; a constant.

    Raises:
        ValueError: the tensors are not two of one shape [B, C].
    """
    ours, theirs = raised(student, teacher)
    scale, most = 1 / len(ours), _ceiling(student.dtype)
    with torch.inference_mode():  # nothing to record: the gradient is worked out here
        log_q, log_p = (ours / temperature).log_softmax(1), (theirs / temperature).log_softmax(1)
        value, slope = _divergence(log_p, log_q, alpha, beta, most)
        gradient = slope.sub_(log_q.exp_().mul_(slope.sum(1, keepdim=True))).mul_(scale / temperature)
    return known(ours, value * scale, gradient)


def _divergence(p: Tensor, q: Tensor, alpha: float, beta: float, most: float) -> tuple[Tensor, Tensor]:
    """Return the sum over classes and batch, and its slope [B, C] by the logarithms of the student's probabilities.

    Args:
        p, q: logarithms of the probabilities; p is not needed afterwards.
        most: an exponent is no greater.
    """
    total = alpha + beta
    if abs(alpha) < ZERO and abs(beta) < ZERO:
        gap = q - p
        return dot(gap, gap) / 2, gap
    if abs(alpha) < ZERO:
        powered, slope = _exp(beta * q, most), q - p
        slope.mul_(powered)
        return slope.sum() / beta + (_exp(p.mul_(beta), most).sum() - powered.sum()) / beta**2, slope
    if abs(total) < ZERO:
        gap = (p - q).mul_(alpha)
        slope = _exp(gap.clone(), most)
        value = (slope.sum() - slope.numel() - gap.sum()) / alpha**2
        return value, slope.sub_(1).mul_(-1 / alpha)
    if abs(beta) < ZERO:
        gap, slope, powered = p - q, _exp(alpha * q, most), _exp(p.mul_(alpha), most)
        value = dot(powered, gap) / alpha + (slope.sum() - powered.sum()) / alpha**2
        return value, slope.sub_(powered).mul_(1 / alpha)
    both = _exp((beta * q).add_(p, alpha=alpha), most)
    slope = _exp(total * q, most)
    of_teacher = _exp(p.mul_(total), most).sum()
    value = of_teacher / (beta * total) + slope.sum() / (alpha * total) - both.sum() / (alpha * beta)
    return value, slope.sub_(both).mul_(1 / alpha)


def _exp(exponent: Tensor, most: float) -> Tensor:
    """Return the powers in the place of their exponents."""
    return exponent.clamp_(max=most).exp_()


def _ceiling(dtype: torch.dtype) -> float:
    """Return the greatest exponent whose power, and its gradient in the type of the logits, is finite."""
    return {torch.float16: 8.0, torch.float64: 600.0}.get(dtype, 64.0)


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
