"""Normalised logits: every sample is softened by the spread of its own logits.

Chi, Zheng, Li, Yang, Wu, Lin, Cai, "NormKD: Normalized Logits for Knowledge Distillation", 2023, arXiv:2308.00520.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log, Temperature
from trainers.methods.record.method import Method, Problem, Values
from trainers.methods.record.tuned import IMAGENET, tuned
from trainers.methods.terms.standardize import FLAT
from trainers.methods.terms.tensors import known, raised


class NormKD(DistilledLogits):
    temperature: Temperature = 2.0
    """Times the spread of a sample's logits it is what they are divided by."""
    ce_weight: Factor = 0.1
    weight: Annotated[Factor, Log(0.1, 9)] = 0.9


def normkd_loss(student: Tensor, teacher: Tensor, *, temperature: float) -> Tensor:
    """Return T_t² · KL of p(z_t / T_t) and q(z_s / T_s), in nats, averaged over the batch.

    T_t and T_s are the temperature times the standard deviation (with C − 1) of each sample's logits, of the teacher
    and of the student; the gradient goes through the student's. The factor is the teacher's square, as the authors
    have it. Logits that are all equal stay so, and have no gradient.

    Args:
        student: [B, C] logits; half precision is raised to float32, float64 is kept.
        teacher: logits of the same shape; a constant.

    Raises:
        ValueError: the tensors are not two of one shape [B, C].
    """
    ours, theirs = raised(student, teacher)
    with torch.inference_mode():  # nothing to record: the gradient is worked out here
        of_student, of_teacher = (one.std(1, keepdim=True) * temperature for one in (ours, theirs))
        of_student.masked_fill_(of_student <= FLAT, torch.inf)
        log_q = (ours / of_student).log_softmax(1)
        log_p = (theirs / of_teacher.clamp_min(FLAT)).log_softmax(1)
        weight, p = of_teacher.square() * (1 / len(ours)), log_p.exp()
        each = log_p.sub_(log_q).mul_(p).sum(1, keepdim=True) * weight
        slope = log_q.exp_().sub_(p).mul_(weight / of_student)
        # what the spread adds: its own gradient is (z − mean) / (std · (C − 1))
        centred = torch.sub(ours, ours.mean(1, keepdim=True), out=p)
        size = torch.mul(slope, centred, out=log_p).sum(1, keepdim=True)
        size *= (temperature / of_student).square() / (ours.shape[1] - 1)
        slope.addcmul_(centred, size, value=-1)
    return known(ours, each, slope)


def _rules(_values: Values, classes: int | None) -> list[Problem]:
    few = classes is not None and classes < 3
    why = "two logits over their spread are always the same two numbers"
    return [Problem("temperature", f"{why}; needs at least 3 classes, got {classes}")] if few else []


NORMKD_METHOD = Method(
    name="normkd",
    title="NormKD",
    version=1,
    hyperparameters=NormKD,
    loss=normkd_loss,
    summary="KL with every sample softened by the spread of its own logits",
    source="arXiv:2308.00520",
    rules=_rules,
    by_pair=(tuned(IMAGENET, temperature=1.0, ce_weight=0.5, weight=0.5),),
)
