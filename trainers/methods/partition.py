"""The partition family: rank the classes, cut the ranking into groups, compare the groups and what is inside them.

Zheng, Cheng, "Rethinking Decoupled Knowledge Distillation: A Predictive Distribution Perspective", IEEE TNNLS,
arXiv:2512.04625. One cut at k by the teacher's ranking is GDKD, cuts at 1 and k are GDKD3, target against rest is DKD
(Zhao et al., CVPR 2022, arXiv:2203.08679); longer lists of cuts work the same.

Shapes: S = student and teacher, B = batch, C = classes in the order of the ranking, N = some of them, G = groups.
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

    Raises:
        ValueError: ranks is not in 1 … C.
    """
    size = teacher_BC.shape[1]
    if ranks is not None and not 1 <= ranks <= size:
        raise ValueError(f"ranks must be from 1 to the number of classes ({size}), got {ranks}")
    if ranks is None or size <= SORTED_WHOLE:
        return teacher_BC.sort(dim=1, descending=True, stable=True).indices
    # topk alone leaves open which of several equal logits it takes: it only tells how high the last one is
    last_B1 = teacher_BC.topk(ranks, dim=1).values[:, -1:]
    above, level = teacher_BC > last_B1, teacher_BC == last_B1
    inside = above | (level & (level.cumsum(1) <= ranks - above.sum(1, keepdim=True)))
    count = inside.cumsum(1)
    classes = torch.arange(size, device=teacher_BC.device).expand_as(count)
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
        ValueError: the tensors do not have one shape, or the cuts are not rising ranks between 1 and C − 1, or the
            weights are not one a group, or kl is none of the three.
    """
    student, teacher = raised(student_BC, teacher_BC)
    if ranking_BC.shape != student.shape:
        raise ValueError(f"a ranking must have the shape of the logits {[*student.shape]}, got {[*ranking_BC.shape]}")
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
    """Loss and gradient in one pass over the groups.

    A group is compared inside itself before its mass is known, so one that is 1e-30 of the teacher's prediction is as
    exact as any other. Student and teacher go through each operation as one tensor: at the usual sizes the number of
    operations is the cost.
    """

    @staticmethod
    def forward(ctx: Any, student_BC: Tensor, teacher_BC: Tensor, ranking_BC: Tensor, settings: Any) -> Any:
        cuts, w0, weights, temperature, kl = settings
        logits_SBC = torch.stack((student_BC, teacher_BC)).div_(temperature)
        ranking_SBC, edges = ranking_BC.expand(2, -1, -1), pairwise((0, *cuts, student_BC.shape[1]))
        groups = [logits_SBC.gather(2, ranking_SBC[:, :, start:end]) for start, end in edges]
        between, within, gradient = _compare(groups, w0, weights, kl)
        scale = temperature**2 / len(student_BC)
        total, parts = between.sum() * scale, within.sum(1) * scale
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


def _compare(
    groups: Sequence[Tensor], w0: float, weights: Sequence[float], kl: Direction
) -> tuple[Tensor, Tensor, Tensor]:
    """Return KL between groups [B], KL inside groups [G, B], and the gradient [B, C] of their weighted sum with
    respect to the student's ranked logits over T.

    Args:
        groups: logits over T [S, B, N] of the classes of each group.
    """
    leaves = [part.log_softmax(2) for part in groups]
    # log Σ exp of a group is its highest logit less that one's log probability; both are at hand without rounding
    masses = [part.amax(2) - leaf.amax(2) for part, leaf in zip(groups, leaves, strict=True)]
    between, pull_BG, _ = _divergence(torch.stack(masses, dim=2).log_softmax(2), "forward")
    within, pieces = [], []
    for i, leaf in enumerate(leaves):
        inside, pull, share = _divergence(leaf, kl)  # 0 for a group of one class
        within.append(inside)
        # a group's pull is shared among its classes
        pieces.append(pull.mul_(weights[i]).addcmul_(share, pull_BG[:, i, None], value=w0))
    return between, torch.stack(within), torch.cat(pieces, dim=1)


def _divergence(log_SBN: Tensor, kl: Direction) -> tuple[Tensor, Tensor, Tensor]:
    """Return the KL [B] of two distributions given as logarithms, its gradient [B, N] with respect to the student's
    logits, and the student's probabilities."""
    student, teacher = log_SBN.exp().unbind()
    difference = log_SBN[0] - log_SBN[1]
    forward, forward_pull = -(teacher * difference).sum(1), student - teacher
    if kl == "forward":
        return forward, forward_pull, student
    reverse = (student * difference).sum(1)
    reverse_pull = student * (difference - reverse[:, None])
    if kl == "reverse":
        return reverse, reverse_pull, student
    return (forward + reverse) / 2, (forward_pull + reverse_pull) / 2, student
