"""The logit methods of 2024 to 2026 as a training script would write them; for the benchmark and the tests.

Plain formulas of the papers in plain PyTorch, in the precision of their inputs, without care for hard inputs.
Shapes: B = batch, C = classes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def mkl(student: Tensor, teacher: Tensor, target: Tensor, *, factors: Sequence[float], temperature: float) -> Tensor:
    """Return the mean KL with the first class and the target lowered by multiples of the teacher's margin."""
    first, second = teacher.topk(2, dim=1).values.unbind(1)
    margin = first - second
    top = functional.one_hot(teacher.argmax(1), teacher.shape[1])
    label = functional.one_hot(target, teacher.shape[1])
    losses = []
    for factor in factors:
        lowered = (factor * margin)[:, None]
        losses.append(_kl(student - lowered * label, teacher - lowered * top, temperature))
    return torch.stack(losses).mean()


def ikl(
    student: Tensor,
    teacher: Tensor,
    *,
    alpha: float,
    beta: float,
    temperature: float,
    weights: str = "sample",
    weight_temperature: float,
) -> Tensor:
    """Return the cross-entropy, and the squared differences of all pairs of classes."""
    return gkl(
        student,
        teacher,
        alpha=alpha,
        beta=beta,
        gamma=1.0,
        temperature=temperature,
        weights=weights,
        weight_temperature=weight_temperature,
    )


def gkl(
    student: Tensor,
    teacher: Tensor,
    *,
    alpha: float,
    beta: float,
    gamma: float,
    temperature: float,
    weights: str = "sample",
    weight_temperature: float,
) -> Tensor:
    """Return the same with weights to a power."""
    assert weights == "sample"
    smoothed = functional.softmax(teacher / weight_temperature, dim=1) ** gamma
    ours, theirs = student[:, :, None] - student[:, None, :], teacher[:, :, None] - teacher[:, None, :]
    both = smoothed[:, :, None] * smoothed[:, None, :]
    pairs = (both * (theirs - ours) ** 2).sum() / both.sum() / 4
    soft = functional.softmax(teacher / temperature, dim=1)
    entropy = -(soft * functional.log_softmax(student / temperature, dim=1)).sum(1).mean()
    return alpha * entropy + beta * pairs


def normkd(student: Tensor, teacher: Tensor, *, temperature: float) -> Tensor:
    """Return KL softened by each sample's spread."""
    ours, theirs = student.std(dim=1, keepdim=True) * temperature, teacher.std(dim=1, keepdim=True) * temperature
    log_student = functional.log_softmax(student / ours, dim=1)
    divergence = functional.kl_div(log_student, functional.softmax(teacher / theirs, dim=1), reduction="none").sum(1)
    return (divergence * theirs.squeeze(1) ** 2).mean()


def abkd(student: Tensor, teacher: Tensor, *, alpha: float, beta: float, temperature: float) -> Tensor:
    """Return the α-β-divergence, neither of them nor their sum being 0."""
    q, p = functional.softmax(student / temperature, dim=1), functional.softmax(teacher / temperature, dim=1)
    total = alpha + beta
    both = p.pow(alpha) * q.pow(beta)
    own = alpha / total * p.pow(total) + beta / total * q.pow(total)
    return -(both - own).sum(1).mean() / (alpha * beta)


def akl(student: Tensor, teacher: Tensor, *, head: float) -> Tensor:
    """Return KL in both directions by where the two differ."""
    q, p = functional.softmax(student, dim=1), functional.softmax(teacher, dim=1)
    log_q, log_p = functional.log_softmax(student, dim=1), functional.log_softmax(teacher, dim=1)
    ranked, order = p.sort(dim=1, descending=True)
    in_head = ranked.cumsum(1) <= head
    in_head[:, 0] = True
    gap = (p - q.detach()).abs().gather(1, order)
    of_head, of_tail = (gap * in_head).sum(1), (gap * ~in_head).sum(1)
    forward, reverse = (p * (log_p - log_q)).sum(1), (q * (log_q - log_p)).sum(1)
    return ((of_head * forward + of_tail * reverse) / (of_head + of_tail)).mean()


def dtkd(student: Tensor, teacher: Tensor, *, alpha: float, beta: float, temperature: float) -> Tensor:
    """Return KL at temperatures by the highest logits, and KL."""
    highest, ours = (logits.max(dim=1, keepdim=True).values.clamp(min=0.1) for logits in (teacher, student))
    of_teacher, of_student = (2 * one * temperature / (highest + ours) for one in (highest, ours))
    log_student = functional.log_softmax(student / of_student, dim=1)
    soft = functional.softmax(teacher / of_teacher, dim=1)
    divergence = functional.kl_div(log_student, soft, reduction="none").sum(1, keepdim=True)
    return alpha * (divergence * of_teacher * of_student).mean() + beta * _kl(student, teacher, temperature)


def ofa(student: Tensor, teacher: Tensor, target: Tensor, *, epsilon: float, temperature: float) -> Tensor:
    """Return the cross-entropy with powers of the teacher's probabilities, the target's raised by 1."""
    label = functional.one_hot(target, teacher.shape[1]).to(teacher.dtype)
    soft = (functional.softmax(teacher / temperature, dim=1) + label) ** epsilon - label
    return -(soft * functional.log_softmax(student / temperature, dim=1)).sum(1).mean()


def deepkd(
    student: Tensor, teacher: Tensor, target: Tensor, *, alpha: float, beta: float, temperature: float
) -> Tensor:
    """Return KL of target and others, and KL among the others."""
    of_target, of_others = _decoupled(student, teacher, target, temperature)
    return alpha * of_target.mean() + beta * of_others.mean()


def sdd(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    *,
    alpha: float,
    beta: float,
    temperature: float,
    disagreeing: float,
) -> Tensor:
    """Return the same over all regions [B, C, N], more where the teacher is right on them alone or the whole alone."""
    size = student.shape[2]
    ours, theirs = (logits.permute(0, 2, 1).reshape(-1, logits.shape[1]) for logits in (student, teacher))
    right = teacher.argmax(1) == target[:, None]
    weights = torch.where(right != right[:, :1], disagreeing, 1.0).reshape(-1)
    of_target, of_others = _decoupled(ours, theirs, target.repeat_interleave(size), temperature)
    return ((alpha * of_target + beta * of_others) * weights).mean()


def _decoupled(student: Tensor, teacher: Tensor, target: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    label = functional.one_hot(target, student.shape[1]).bool()
    ours, theirs = functional.softmax(student / temperature, dim=1), functional.softmax(teacher / temperature, dim=1)
    both = [torch.stack(((one * label).sum(1), (one * ~label).sum(1)), dim=1) for one in (ours, theirs)]
    of_target = functional.kl_div(both[0].log(), both[1], reduction="none").sum(1)
    log_student = functional.log_softmax(student / temperature - 1000.0 * label, dim=1)
    soft = functional.softmax(teacher / temperature - 1000.0 * label, dim=1)
    of_others = functional.kl_div(log_student, soft, reduction="none").sum(1)
    return of_target * temperature**2, of_others * temperature**2


def _kl(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    log_student = functional.log_softmax(student / temperature, dim=1)
    soft = functional.softmax(teacher / temperature, dim=1)
    return functional.kl_div(log_student, soft, reduction="batchmean") * temperature**2
