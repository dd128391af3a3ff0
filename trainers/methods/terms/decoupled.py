"""The target against the others and the others among themselves, sample by sample: what DeepKD and SDD weigh anew.

Where all samples count the same it is the partition family's business (`terms.groups`).
Shapes: B = rows, C = classes.
"""

from __future__ import annotations

from typing import NamedTuple

from trainers.late import Tensor, functional, torch


class Decoupled(NamedTuple):
    """Two divergences of each row [B, 1] in nats times T², and their gradients [B, C] with respect to the student's
    logits. None of them has a graph."""

    target: Tensor
    others: Tensor
    target_slope: Tensor
    others_slope: Tensor


def decoupled(
    student_BC: Tensor, teacher_BC: Tensor, target_B: Tensor, temperature: float, kept_BC: Tensor | None = None
) -> Decoupled:
    """Return T² · KL between the masses of the target and the others, and T² · KL among the others.

    Args:
        student_BC, teacher_BC: logits that are `raised`; the teacher is a constant.
        kept_BC: the classes that are compared among the others; None: all. Where none is kept the divergence is 0.
    """
    label, scale = target_B[:, None], temperature**2
    student, teacher = student_BC / temperature, teacher_BC / temperature
    of_student, of_teacher = (one.gather(1, label) for one in (student, teacher))
    for one in (student, teacher):
        one.scatter_(1, label, -torch.inf)
    # how much surer of the target than of all others together, in logits
    sure, sure_teacher = of_student - student.logsumexp(1, True), of_teacher - teacher.logsumexp(1, True)
    share = sure_teacher.sigmoid()
    between = functional.logsigmoid(sure_teacher) - functional.logsigmoid(sure)
    rest = functional.logsigmoid(-sure_teacher) - functional.logsigmoid(-sure)
    pull = sure.sigmoid() - share
    q = student.softmax(1)
    target_slope = (q * -pull).scatter_(1, label, pull).mul_(temperature)
    if kept_BC is not None:
        for one in (student, teacher):
            one.masked_fill_(~kept_BC, -torch.inf)
        q = student.softmax(1).nan_to_num_(0.0)  # of a row where nothing is kept
    p = teacher.softmax(1)
    if kept_BC is not None:
        p.nan_to_num_(0.0)
    log_q, log_p = student.log_softmax(1), teacher.log_softmax(1)
    difference = log_p.sub_(log_q).nan_to_num_(0.0, 0.0, 0.0)  # outside −∞ less −∞
    others = difference.mul_(p).sum(1, keepdim=True).mul_(scale)
    target = torch.lerp(rest, between, share).mul_(scale)
    return Decoupled(target, others, target_slope, q.sub_(p).mul_(temperature))
