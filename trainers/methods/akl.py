"""Adaptive KL: forward where the teacher's likely classes differ most, reverse where the unlikely ones do.

Wu, Tao, Wang, Yang, Zhao, Wong, "Rethinking Kullback-Leibler Divergence in Knowledge Distillation for Large Language
Models", COLING 2025, arXiv:2404.02657.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Linear, Log
from trainers.methods.record.method import Method
from trainers.methods.terms.tensors import known, raised

ROUNDING = 1e-6
"""Of sums of probabilities: classes that are as likely are on the same side whatever the precision."""


class AKL(DistilledLogits):
    head: Annotated[float, Field(gt=0, lt=1), Linear(0.2, 0.9)] = 0.5
    """Share of the teacher's prediction that its likely classes hold at most; the first is always one of them."""
    weight: Annotated[Factor, Log(0.5, 9)] = 1.0
    """Factor of the method's term beside the cross-entropy."""


def akl_loss(student: Tensor, teacher: Tensor, *, head: float) -> Tensor:
    """Return a · KL(teacher || student) + (1 − a) · KL(student || teacher), in nats, averaged over the batch.

    a is a sample's own: the share of Σ |p − q| that lies in the head, the teacher's first classes while they hold no
    more than `head` of its prediction together. It is a constant. The temperature is 1. 0 where the logits differ by a
    constant for each sample.

    Args:
        student: [B, C] logits; half precision is raised to float32, float64 is kept.
        teacher: logits of the same shape; a constant.

    Raises:
        ValueError: the tensors are not two of one shape [B, C].
    """
    ours, theirs = raised(student, teacher)
    scale = 1 / len(ours)
    with torch.inference_mode():  # nothing to record: the gradient is worked out here
        log_q, log_p = ours.log_softmax(1), theirs.log_softmax(1)
        q, p = log_q.exp(), log_p.exp()
        difference = log_p.sub_(log_q)
        forward, reverse = (one * scale for one in _share(p, torch.sub(p, q, out=log_q).abs_(), head))
        of_q = torch.mul(q, difference, out=log_q)
        mean = of_q.sum(1, keepdim=True)  # minus the reverse KL
        each = forward * difference.mul_(p).sum(1, keepdim=True) - reverse * mean
        # q's own: forward (q − p) + reverse q (its mean − the difference of the logarithms)
        gradient = q.mul_(forward + reverse * mean).sub_(p.mul_(forward)).sub_(of_q.mul_(reverse))
    return known(ours, each, gradient)


def _share(p: Tensor, gap: Tensor, head: float) -> tuple[Tensor, Tensor]:
    """Return how much of the gap [B, 1] lies in the head, and in the tail."""
    ranked, order = p.sort(dim=1, descending=True, stable=True)
    in_head = torch.cumsum(ranked, 1, out=ranked) <= head + ROUNDING
    in_head[:, 0].fill_(True)
    total = gap.sum(1, keepdim=True)
    of_head = torch.gather(gap, 1, order, out=ranked).mul_(in_head).sum(1, keepdim=True)
    # equal distributions have no gap to share: either direction is 0
    forward = torch.where(total > 0, of_head / total, 0.5)
    return forward, 1 - forward


AKL_METHOD = Method(
    name="akl",
    title="AKL",
    version=1,
    hyperparameters=AKL,
    loss=akl_loss,
    summary="KL in both directions, each by where teacher and student differ",
    source="arXiv:2404.02657",
)
