"""The partition family: rank the classes, cut the ranking into groups, compare the groups and what is inside them.

Zheng, Cheng, "Rethinking Decoupled Knowledge Distillation: A Predictive Distribution Perspective", IEEE TNNLS,
arXiv:2512.04625. One cut at k by the teacher's ranking is GDKD, cuts at 1 and k are GDKD3, target against rest is DKD
(Zhao et al., CVPR 2022, arXiv:2203.08679); longer lists of cuts work the same.

Shapes: B = batch, C = classes in the order of the ranking, G = groups.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

Direction = Literal["forward", "reverse", "both"]


class Comparison(NamedTuple):
    """A loss and its parts, each T² times a mean over the batch, in nats."""

    loss: Tensor
    """w0 · between + Σ weights[i] · within[i]; the only one with a gradient."""
    between: Tensor
    """KL between the masses of the groups."""
    within: Tensor
    """[G] KL inside each group; 0 for a group of one class."""


def by_teacher(teacher_BC: Tensor) -> Tensor:
    """Return the classes [B, C] from the teacher's highest logit to its lowest; ties by class index."""
    return teacher_BC.sort(dim=1, descending=True, stable=True).indices


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
            not one a group.
    """
    _check(student_BC, teacher_BC, cuts, weights)
    dtype = torch.promote_types(torch.promote_types(student_BC.dtype, teacher_BC.dtype), torch.float32)
    settings = (tuple(cuts), float(w0), tuple(map(float, weights)), float(temperature), kl)
    answer = _Partition.apply(student_BC.to(dtype), teacher_BC.detach().to(dtype), ranking_BC, settings)
    return Comparison(*answer)  # type: ignore[misc]


def _check(student_BC: Tensor, teacher_BC: Tensor, cuts: Sequence[int], weights: Sequence[float]) -> None:
    if student_BC.ndim != 2 or student_BC.shape != teacher_BC.shape:
        raise ValueError(
            f"logits must be two tensors of one shape [B, C], got {[*student_BC.shape]} and {[*teacher_BC.shape]}"
        )
    classes = student_BC.shape[1]
    if not cuts or list(cuts) != sorted(set(cuts)) or not 1 <= cuts[0] <= cuts[-1] < classes:
        raise ValueError(
            f"cuts must be rising ranks from 1 to less than the number of classes ({classes}), got {[*cuts]}"
        )
    if len(weights) != len(cuts) + 1:
        raise ValueError(f"there must be a weight for each of the {len(cuts) + 1} groups, got {len(weights)}")


class _Partition(torch.autograd.Function):
    """Loss and gradient in one pass: one log-softmax a side, sums over slices of the ranked classes.

    Masses stay logarithms throughout, so a group that is 1e-30 of the teacher's prediction is as exact as any other.
    """

    @staticmethod
    def forward(ctx: Any, student_BC: Tensor, teacher_BC: Tensor, ranking_BC: Tensor, settings: Any) -> Any:
        cuts, w0, weights, temperature, kl = settings
        edges = [*pairwise([0, *cuts, student_BC.shape[1]])]
        student = _Grouped((student_BC / temperature).log_softmax(1).gather(1, ranking_BC), edges)
        teacher = _Grouped((teacher_BC / temperature).log_softmax(1).gather(1, ranking_BC), edges)
        between, within, gradient = _compare(student, teacher, edges, w0, weights, kl)
        scale = temperature**2 / len(student_BC)
        parts = within.sum(0) * scale
        total = between.sum() * scale
        loss = w0 * total + torch.dot(parts, parts.new_tensor(weights))
        # d(z / T) / dz = 1 / T; back to the order of the classes
        ctx.save_for_backward(torch.empty_like(gradient).scatter_(1, ranking_BC, gradient * (scale / temperature)))
        ctx.mark_non_differentiable(total, parts)
        return loss, total, parts

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, loss: Tensor, *_: Tensor) -> Any:
        (gradient,) = ctx.saved_tensors
        return gradient * loss, None, None, None


class _Grouped:
    """A distribution over ranked classes as log masses of groups and log probabilities inside them."""

    def __init__(self, logs_BC: Tensor, edges: Sequence[tuple[int, int]]) -> None:
        slices = [logs_BC[:, start:end] for start, end in edges]
        self.log_masses_BG = torch.stack([part.logsumexp(1) for part in slices], dim=1)
        self.log_leaves = [part - self.log_masses_BG[:, i, None] for i, part in enumerate(slices)]


def _compare(
    student: _Grouped,
    teacher: _Grouped,
    edges: Sequence[tuple[int, int]],
    w0: float,
    weights: Sequence[float],
    kl: Direction,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return KL between groups [B], KL inside groups [B, G], and the gradient [B, C] of their weighted sum with
    respect to the student's ranked logits over T."""
    between, pull_BG = _divergence(student.log_masses_BG, teacher.log_masses_BG, "forward")
    within, pieces = [], []
    for i, (start, end) in enumerate(edges):
        leaf = student.log_leaves[i].exp()
        gradient = (w0 * pull_BG[:, i, None]) * leaf  # a group's pull is shared among its classes
        if end - start > 1:
            inside, pull = _divergence(student.log_leaves[i], teacher.log_leaves[i], kl)
            gradient = gradient + weights[i] * pull
        else:
            inside = torch.zeros_like(between)
        within.append(inside)
        pieces.append(gradient)
    return between, torch.stack(within, dim=1), torch.cat(pieces, dim=1)


def _divergence(student_log: Tensor, teacher_log: Tensor, kl: Direction) -> tuple[Tensor, Tensor]:
    """Return the KL [B] of two distributions over dimension 1 and its gradient with respect to the student's logits."""
    student, difference = student_log.exp(), student_log - teacher_log
    value, gradient = torch.zeros_like(student_log[:, 0]), torch.zeros_like(student_log)
    share = 0.5 if kl == "both" else 1.0
    if kl != "reverse":
        teacher = teacher_log.exp()
        value = value - share * (teacher * difference).sum(1)
        gradient = gradient + share * (student - teacher)
    if kl != "forward":
        reverse = (student * difference).sum(1)
        value = value + share * reverse
        gradient = gradient + share * student * (difference - reverse[:, None])
    return value, gradient
