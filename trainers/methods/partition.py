"""The partition family: rank the classes, cut the ranking into groups, compare the groups and what is inside them.

Zheng, Cheng, "Rethinking Decoupled Knowledge Distillation: A Predictive Distribution Perspective", IEEE TNNLS,
arXiv:2512.04625. One cut at k by the teacher's ranking is GDKD, cuts at 1 and k are GDKD3, target against rest is DKD
(Zhao et al., CVPR 2022, arXiv:2203.08679); longer lists of cuts work the same.

Shapes: B = batch, C = classes in the order of the ranking, G = groups.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from trainers.methods._tensors import raised

Direction = Literal["forward", "reverse", "both"]
SORTED_WHOLE = 256
"""Up to so many classes a whole sort is faster than to select the top; measured on one CPU thread."""


class Comparison(NamedTuple):
    """A loss and its parts, each T² times a mean over the batch, in nats."""

    loss: Tensor
    """w0 · between + Σ weights[i] · within[i]; the only one with a gradient."""
    between: Tensor
    """KL between the masses of the groups."""
    within: Tensor
    """[G] KL inside each group; 0 for a group of one class."""


def by_teacher(teacher_BC: Tensor, ranks: int | None = None) -> Tensor:
    """Return the classes [B, C] from the teacher's highest logit to its lowest; ties by class index.

    Args:
        ranks: how many from the top must be in order; the others may come in any. None: all.
    """
    if ranks is None or teacher_BC.shape[1] <= SORTED_WHOLE:
        return teacher_BC.sort(dim=1, descending=True, stable=True).indices
    # topk alone leaves open which of several equal logits it takes: it only tells how high the last one is
    last_B1 = teacher_BC.topk(ranks, dim=1).values[:, -1:]
    above, level = teacher_BC > last_B1, teacher_BC == last_B1
    inside = above | (level & (level.cumsum(1) <= ranks - above.sum(1, keepdim=True)))
    count = inside.cumsum(1)
    classes = torch.arange(teacher_BC.shape[1], device=teacher_BC.device).expand_as(count)
    place = torch.where(inside, count - 1, classes - count + count[:, -1:])
    order = torch.empty_like(place).scatter_(1, place, classes)
    top = order[:, :ranks]
    top = top.gather(1, teacher_BC.gather(1, top).sort(dim=1, descending=True, stable=True).indices)
    return torch.cat([top, order[:, ranks:]], dim=1)


def target_first(target_B: Tensor, classes: int) -> Tensor:
    """Return the classes [B, C] with the target before the others, which keep their order."""
    others = torch.arange(classes - 1, device=target_B.device).expand(len(target_B), -1)
    others = others + (others >= target_B[:, None]).long()  # steps over the target
    return torch.cat([target_B[:, None], others], dim=1)


def partition_loss(
    student_BC: Tensor,
    teacher_BC: Tensor,
    *,
    ranking_BC: Tensor,
    cuts: Sequence[int],
    w0: float,
    weights: Sequence[float],
    temperature: float,
    kl: Direction = "forward",
) -> Comparison:
    """Return T² · (w0 · KL between group masses + Σ weights[i] · KL inside group i), averaged over the batch.

    Args:
        student_BC, teacher_BC: logits; half precision is raised to float32, float64 is kept. The teacher is a constant.
        ranking_BC: the classes of each sample in ranked order.
        cuts: ranks after which a new group starts: (5,) makes a group of 5 and one of the rest.
        weights: one for each group; the weight of a group of one class changes nothing.
        kl: direction inside the groups: forward is KL(teacher || student), reverse KL(student || teacher), both their
            mean. Between the groups it is always forward, as in the authors' code.

    Raises:
        ValueError: the tensors do not fit, or the cuts are not rising ranks between 1 and C − 1, or the weights are
            not one a group, or kl is none of the three.
    """
    student, teacher = raised(student_BC, teacher_BC)
    _check(student.shape[1], cuts, weights, kl)
    settings = (tuple(cuts), float(w0), tuple(map(float, weights)), float(temperature), kl)
    answer = _Partition.apply(student, teacher, ranking_BC, settings)
    return Comparison(*answer)


def _check(classes: int, cuts: Sequence[int], weights: Sequence[float], kl: str) -> None:
    if not cuts or list(cuts) != sorted(set(cuts)) or not 1 <= cuts[0] <= cuts[-1] < classes:
        raise ValueError(
            f"cuts must be rising ranks from 1 to less than the number of classes ({classes}), got {[*cuts]}"
        )
    if len(weights) != len(cuts) + 1:
        raise ValueError(f"there must be a weight for each of the {len(cuts) + 1} groups, got {len(weights)}")
    if kl not in get_args(Direction):
        raise ValueError(f"kl must be one of {', '.join(get_args(Direction))}, got {kl!r}")


class _Partition(torch.autograd.Function):
    """Loss and gradient in one pass over slices of the ranked logits.

    A group is compared inside itself before its mass is known, so one that is 1e-30 of the teacher's prediction is as
    exact as any other.
    """

    @staticmethod
    def forward(ctx: Any, student_BC: Tensor, teacher_BC: Tensor, ranking_BC: Tensor, settings: Any) -> Any:
        cuts, w0, weights, temperature, kl = settings
        edges = [*pairwise([0, *cuts, student_BC.shape[1]])]
        student = _grouped(student_BC.gather(1, ranking_BC) / temperature, edges)
        teacher = _grouped(teacher_BC.gather(1, ranking_BC) / temperature, edges)
        between, within, gradient = _compare(student, teacher, w0, weights, kl)
        scale = temperature**2 / len(student_BC)
        total, parts = between.sum() * scale, within.sum(0) * scale
        loss = w0 * total
        for weight, part in zip(weights, parts, strict=True):
            loss = loss + weight * part
        # d(z / T) / dz = 1 / T; back to the order of the classes
        ctx.save_for_backward(torch.empty_like(gradient).scatter_(1, ranking_BC, gradient.mul_(scale / temperature)))
        ctx.mark_non_differentiable(total, parts)
        return loss, total, parts

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, outer: Tensor, *_: Tensor) -> Any:
        (gradient,) = ctx.saved_tensors
        return gradient * outer, None, None, None


class _Distribution(NamedTuple):
    """Probabilities over dimension 1, and their logarithms."""

    log: Tensor
    p: Tensor


def _distribution(logits: Tensor) -> _Distribution:
    log = logits.log_softmax(1)
    return _Distribution(log, log.exp())


def _grouped(logits_BC: Tensor, edges: Sequence[tuple[int, int]]) -> tuple[_Distribution, list[_Distribution]]:
    """Return the distribution over groups of ranked classes, and those inside the groups."""
    slices = [logits_BC[:, start:end] for start, end in edges]
    leaves = [_distribution(part) for part in slices]
    # log Σ exp of a group is its highest logit less that one's log probability; both are at hand without rounding
    masses = [part.amax(1) - leaf.log.amax(1) for part, leaf in zip(slices, leaves, strict=True)]
    return _distribution(torch.stack(masses, dim=1)), leaves


def _compare(
    student: tuple[_Distribution, list[_Distribution]],
    teacher: tuple[_Distribution, list[_Distribution]],
    w0: float,
    weights: Sequence[float],
    kl: Direction,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return KL between groups [B], KL inside groups [B, G], and the gradient [B, C] of their weighted sum with
    respect to the student's ranked logits over T."""
    between, pull_BG = _divergence(student[0], teacher[0], "forward")
    within, pieces = [], []
    for i, (leaf, teacher_leaf) in enumerate(zip(student[1], teacher[1], strict=True)):
        inside, pull = _divergence(leaf, teacher_leaf, kl)  # 0 for a group of one class
        within.append(inside)
        # a group's pull is shared among its classes
        pieces.append(pull.mul_(weights[i]).addcmul_(leaf.p, pull_BG[:, i, None], value=w0))
    return between, torch.stack(within, dim=1), torch.cat(pieces, dim=1)


def _divergence(student: _Distribution, teacher: _Distribution, kl: Direction) -> tuple[Tensor, Tensor]:
    """Return the KL [B] of two distributions over dimension 1 and its gradient with respect to the student's logits."""
    difference = student.log - teacher.log
    forward, forward_pull = -(teacher.p * difference).sum(1), student.p - teacher.p
    if kl == "forward":
        return forward, forward_pull
    reverse = (student.p * difference).sum(1)
    reverse_pull = student.p * (difference - reverse[:, None])
    if kl == "reverse":
        return reverse, reverse_pull
    return (forward + reverse) / 2, (forward_pull + reverse_pull) / 2
