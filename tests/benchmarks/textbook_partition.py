"""The soft-target and partition losses as a plain script has them: boolean masks and a softmax for every comparison.

What `losses.py` compares ours with. Written from the papers' formulas; masks subtract 1000, as the field's code does.
"""

import torch
from torch import Tensor
from torch.nn import functional

MASKED = 1000.0


def kd(student: Tensor, teacher: Tensor, *, temperature: float) -> Tensor:
    """KL of the softened probabilities."""
    return _kl(
        functional.log_softmax(student / temperature, 1), functional.softmax(teacher / temperature, 1), temperature
    )


def dkd(student: Tensor, teacher: Tensor, target: Tensor, *, alpha: float, beta: float, temperature: float) -> Tensor:
    """Target against rest, and the rest among themselves."""
    inside = torch.zeros_like(student).scatter_(1, target.unsqueeze(1), 1).bool()
    masks = (inside, ~inside)
    between = _between(student, teacher, masks, temperature)
    return alpha * between + beta * _within(student, teacher, masks[1], temperature)


def gdkd(student: Tensor, teacher: Tensor, *, k: int, w0: float, w1: float, w2: float, temperature: float) -> Tensor:
    """The teacher's top k against the rest, and each inside itself."""
    top = torch.zeros_like(teacher).scatter_(1, teacher.topk(k, dim=1).indices, 1).bool()
    between = _between(student, teacher, (top, ~top), temperature)
    first, rest = (_within(student, teacher, mask, temperature) for mask in (top, ~top))
    return w0 * between + w1 * first + w2 * rest


def gdkd3(student: Tensor, teacher: Tensor, *, k: int, w0: float, w1: float, w2: float, temperature: float) -> Tensor:
    """The teacher's top 1, ranks 2 … k and the rest; the last two inside themselves."""
    ranked = teacher.topk(k, dim=1).indices
    first = torch.zeros_like(teacher).scatter_(1, ranked[:, :1], 1).bool()
    middle = torch.zeros_like(teacher).scatter_(1, ranked[:, 1:], 1).bool()
    rest = ~(first | middle)
    between = _between(student, teacher, (first, middle, rest), temperature)
    second, third = (_within(student, teacher, mask, temperature) for mask in (middle, rest))
    return w0 * between + w1 * second + w2 * third


def _between(student: Tensor, teacher: Tensor, masks: tuple[Tensor, ...], temperature: float) -> Tensor:
    ours, theirs = (functional.softmax(logits / temperature, 1) for logits in (student, teacher))
    mass, teacher_mass = (torch.cat([(p * m).sum(1, keepdim=True) for m in masks], dim=1) for p in (ours, theirs))
    return _kl(torch.log(mass), teacher_mass, temperature)


def _within(student: Tensor, teacher: Tensor, mask: Tensor, temperature: float) -> Tensor:
    ours = functional.log_softmax(student / temperature - MASKED * (~mask), 1)
    theirs = functional.softmax(teacher / temperature - MASKED * (~mask), 1)
    return _kl(ours, theirs, temperature)


def _kl(log_student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    return functional.kl_div(log_student, teacher, reduction="batchmean") * temperature**2
