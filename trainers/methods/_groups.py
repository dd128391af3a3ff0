"""The mechanism of the partition family: cut the ranked classes into groups, compare the groups and their insides.

Zheng, Cheng, "Rethinking Decoupled Knowledge Distillation: A Predictive Distribution Perspective", IEEE TNNLS,
arXiv:2512.04625. One cut at k by the teacher's ranking is GDKD, cuts at 1 and k are GDKD3, target against rest is DKD
(Zhao et al., CVPR 2022, arXiv:2203.08679); longer lists of cuts, and cuts of each sample's own, work the same.

A group is compared inside itself before its mass is known, so one that is 1e-30 of the teacher's prediction is as exact
as any other. Loss and gradient come out of one pass; at the usual sizes the number of tensor operations is the cost,
so student and teacher go through each as one tensor, and only the last group is as wide as all classes.

Shapes: S = student and teacher, B = batch, C = classes, K = classes before the last cut in ranked order, N = classes of
one group, G = groups.
"""

import functools
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from trainers.methods._tensors import raised

Direction = Literal["forward", "reverse", "both"]


class Comparison(NamedTuple):
    """A loss and its parts, each T² times a mean over the batch, in nats."""

    loss: Tensor
    """w0 · between + Σ weights[i] · within[i]; the only one with a gradient."""
    sums: Tensor
    """[1 + G] KL between the groups and KL inside each, summed over the batch."""
    scale: float
    """Makes a part of a sum: T² over the size of the batch."""

    @property
    def between(self) -> Tensor:
        """KL between the masses of the groups."""
        return self.sums[0] * self.scale

    @property
    def within(self) -> Tensor:
        """[G] KL inside each group; 0 for a group of one class."""
        return self.sums[1:] * self.scale


def compare_groups(
    student_BC: Tensor,
    teacher_BC: Tensor,
    *,
    ranking: Tensor,
    cuts: Sequence[int],
    w0: float,
    weights: Sequence[float],
    temperature: float,
    kl: Direction = "forward",
) -> Comparison:
    """Return T² · (w0 · KL between group masses + Σ weights[i] · KL inside group i), averaged over the batch.

    Args:
        student_BC, teacher_BC: logits; half precision is raised to float32, float64 is kept. The teacher is a constant.
        ranking: the classes of each sample in ranked order, at least as many as the last cut.
        cuts: ranks after which a new group starts: (5,) makes a group of 5 and one of the rest.
        weights: one for each group; the weight of a group of one class changes nothing.
        kl: direction inside the groups: forward is KL(teacher || student), reverse KL(student || teacher), both their
            mean. Between the groups it is always forward, as in the authors' code.

    Raises:
        ValueError: the tensors do not fit, or the cuts are not rising ranks between 1 and C − 1, or the weights are not
            one a group, or kl is none of the three.
    """
    student, teacher = raised(student_BC, teacher_BC)
    batch, classes = student.shape
    _check(classes, tuple(cuts), len(weights), kl)
    last = cuts[-1]
    if ranking.ndim != 2 or len(ranking) != batch or not last <= ranking.shape[1] <= classes:
        rule = f"a ranking must have {last} to {classes} classes for each of {batch} samples"
        raise ValueError(f"{rule}, got {[*ranking.shape]}")
    top = ranking if ranking.shape[1] == last else ranking[:, :last]
    loss, sums = _Groups.apply(student, teacher, top, (tuple(cuts), w0, weights, temperature, kl))
    return Comparison(loss, sums, temperature**2 / batch)


def compare_own_groups(
    student_BC: Tensor,
    teacher_BC: Tensor,
    *,
    ranking_BC: Tensor,
    cuts_BG: Tensor,
    w0: float,
    weights: Sequence[float],
    temperature: float,
    kl: Direction = "forward",
) -> Comparison:
    """Return the same as `compare_groups`, each sample being cut at ranks of its own.

    Args:
        ranking_BC: all classes of each sample in ranked order.
        cuts_BG: [B, G − 1] rising ranks, each from 1 to C − 1.

    Raises:
        ValueError: as `compare_groups`; the cuts are not looked at, as that would stall a GPU.
    """
    student, teacher = raised(student_BC, teacher_BC)
    batch, classes = student.shape
    if ranking_BC.shape != student.shape:
        rule = f"a ranking must have {classes} classes for each of {batch} samples"
        raise ValueError(f"{rule}, got {[*ranking_BC.shape]}")
    _check(classes, tuple(range(1, cuts_BG.shape[1] + 1)), len(weights), kl)
    loss, sums = _OwnGroups.apply(student, teacher, ranking_BC, cuts_BG, (w0, weights, temperature, kl))
    return Comparison(loss, sums, temperature**2 / batch)


@functools.lru_cache(maxsize=256)
def _check(classes: int, cuts: tuple[int, ...], weights: int, kl: str) -> None:
    if not cuts or list(cuts) != sorted(set(cuts)) or not 1 <= cuts[0] <= cuts[-1] < classes:
        raise ValueError(
            f"cuts must be rising ranks from 1 to less than the number of classes ({classes}), got {[*cuts]}"
        )
    if weights != len(cuts) + 1:
        raise ValueError(f"there must be a weight for each of the {len(cuts) + 1} groups, got {weights}")
    if kl not in get_args(Direction):
        raise ValueError(f"kl must be one of {', '.join(get_args(Direction))}, got {kl!r}")


class _Groups(torch.autograd.Function):
    """Groups that end at the same ranks in every sample."""

    @staticmethod
    def forward(ctx: Any, student_BC: Tensor, teacher_BC: Tensor, top_BK: Tensor, settings: Any) -> Any:
        cuts, w0, weights, temperature, kl = settings
        batch, classes = student_BC.shape
        logits_SBC = torch.stack((student_BC, teacher_BC))
        if temperature != 1:
            logits_SBC.div_(temperature)
        top_SBK = top_BK.expand(2, -1, -1)
        top_SKB = logits_SBC.gather(2, top_SBK).transpose(1, 2).contiguous()
        gap_KB, gap_BC = _gap(top_SKB), _gap(logits_SBC)
        groups = [_Inside(top_SKB[:, a:b], gap_KB[a:b], 1) for a, b in _edges(cuts)]
        if cuts[-1] == classes - 1:
            rest_SBN = _only(logits_SBC, top_SBK)
            groups.append(_Inside(rest_SBN, _gap(rest_SBN), 2))
        else:
            groups.append(_Inside(logits_SBC.scatter_(2, top_SBK, -math.inf), gap_BC, 2))
        sums, pieces = _compare(groups, w0, weights, temperature, kl)
        top_KB = pieces[0] if len(pieces) == 2 else torch.cat(pieces[:-1])
        gradient = pieces[-1] if groups[-1].many else pieces[-1].expand_as(student_BC).contiguous()
        ctx.save_for_backward(gradient.scatter_(1, top_BK, top_KB.t()))
        return _answer(ctx, sums, w0, weights, temperature**2 / batch)

    @staticmethod
    def backward(ctx: Any, outer: Tensor | None, _: None) -> Any:
        return _pulled_back(ctx, outer), None, None, None


class _OwnGroups(torch.autograd.Function):
    """Groups that end at ranks of each sample's own: every group is as wide as all classes, with the others masked."""

    @staticmethod
    def forward(
        ctx: Any, student_BC: Tensor, teacher_BC: Tensor, ranking_BC: Tensor, cuts_BG: Tensor, settings: Any
    ) -> Any:
        w0, weights, temperature, kl = settings
        batch, classes = student_BC.shape
        logits_SBC = torch.stack((student_BC, teacher_BC)).div_(temperature).gather(2, ranking_BC.expand(2, -1, -1))
        gap_BC = _gap(logits_SBC)
        ranks = torch.arange(classes, device=ranking_BC.device)
        number_BC = (ranks[None, :, None] >= cuts_BG[:, None, :]).sum(2)  # of the group that a rank is in
        groups = [
            _Inside(logits_SBC.masked_fill(number_BC != i, -math.inf), gap_BC.clone(), 2) for i in range(len(weights))
        ]
        sums, pieces = _compare(groups, w0, weights, temperature, kl)
        ranked = torch.stack(pieces).sum(0)
        ctx.save_for_backward(torch.empty_like(ranked).scatter_(1, ranking_BC, ranked))
        return _answer(ctx, sums, w0, weights, temperature**2 / batch)

    @staticmethod
    def backward(ctx: Any, outer: Tensor | None, _: None) -> Any:
        return _pulled_back(ctx, outer), None, None, None, None


class _Inside:
    """A group of classes: its mass, and the distributions of student and teacher inside it."""

    __slots__ = ("dim", "gap", "many", "mass", "probability")

    def __init__(self, logits: Tensor, gap: Tensor, dim: int) -> None:
        """Take what is known of the group's classes.

        Args:
            logits: over T, [S, N, B] where dim is 1, [S, B, N] where it is 2; −∞ for classes outside. Few classes are
                compared faster in the first.
            gap: the teacher's logits less the student's, [N, B] or [B, N], any number outside; changed later.
        """
        self.dim = dim
        self.gap = gap
        self.many = logits.shape[dim] > 1
        if not self.many:
            self.mass = logits.select(dim, 0)
            return
        self.probability = logits.softmax(dim)
        # log Σ exp is the highest logit less the logarithm of that one's probability, which is never rounded to 0
        self.mass = logits.amax(dim).sub_(self.probability.amax(dim).log_())

    def compare(self, gap_B: Tensor, pull_B: Tensor, weight: float, kl: Direction) -> tuple[Tensor | None, Tensor]:
        """Return the KL inside, summed over the batch (None for one class), and the gradient [N, B] or [B, N] of
        weight · KL with respect to the student's logits over T, to which the group's own pull is added.

        Args:
            gap_B: the teacher's log mass less the student's.
            pull_B: weight more than what is shared among the group's classes.
        """
        if not self.many:
            return None, pull_B.unsqueeze(self.dim - 1)
        pull = pull_B.unsqueeze(self.dim - 1)
        student, teacher = self.probability.unbind()
        difference = self.gap.sub_(gap_B.unsqueeze(self.dim - 1))  # of log probabilities inside, teacher less student
        if kl == "forward":
            return _dot(teacher, difference), student.mul_(pull).sub_(teacher, alpha=weight)
        against = student * difference
        mean = against.sum(self.dim - 1, keepdim=True)  # minus the reverse KL
        reverse_pull = against.addcmul_(student, mean, value=-1)  # minus its gradient
        if kl == "reverse":
            total, share = -mean.sum(), 1.0
        else:
            total, share = (_dot(teacher, difference) - mean.sum()) / 2, 0.5
        piece = student.mul_(pull.sub(weight * share)).sub_(reverse_pull, alpha=weight * share)
        return total, piece if share == 1 else piece.sub_(teacher, alpha=weight / 2)


def _gap(logits: Tensor) -> Tensor:
    """Return the teacher's logits less the student's."""
    student, teacher = logits.unbind()
    return teacher - student


def _dot(one: Tensor, other: Tensor) -> Tensor:
    return torch.dot(one.view(-1), other.view(-1))


def _only(logits_SBC: Tensor, top_SBK: Tensor) -> Tensor:
    """Return the logits [S, B, 1] of the one class that is not among the others."""
    one = torch.ones_like(logits_SBC[0], dtype=torch.bool).scatter_(1, top_SBK[0], False).to(torch.int8).argmax(1)
    return logits_SBC.gather(2, one[None, :, None].expand(2, -1, 1))


def _compare(
    groups: Sequence[_Inside], w0: float, weights: Sequence[float], temperature: float, kl: Direction
) -> tuple[Tensor, list[Tensor]]:
    """Return KL between groups and inside each [1 + G], summed over the batch, and the gradient of the loss with
    respect to the student's logits, group by group."""
    mass_SGB = torch.stack([group.mass for group in groups], dim=1)
    log_SGB = mass_SGB.log_softmax(1)
    student, teacher = log_SGB.exp().unbind()
    between = _dot(teacher, _gap(log_SGB))
    scale = temperature / mass_SGB.shape[2]  # T² over the batch, and d(z / T) / dz = 1 / T
    inside = (*(weight * scale * group.many for weight, group in zip(weights, groups, strict=True)),)
    own_G1 = _constants(inside, mass_SGB.dtype, mass_SGB.device).unsqueeze(1)
    pulls = torch.add(own_G1, student - teacher, alpha=w0 * scale).unbind()
    totals, pieces = [between], []
    for group, gap, pull, weight in zip(groups, _gap(mass_SGB).unbind(), pulls, weights, strict=True):
        total, piece = group.compare(gap, pull, weight * scale, kl)
        totals.append(between.new_zeros(()) if total is None else total)
        pieces.append(piece)
    return torch.stack(totals), pieces


def _answer(ctx: Any, sums: Tensor, w0: float, weights: Sequence[float], scale: float) -> tuple[Tensor, Tensor]:
    """Return the loss and the sums over the batch that it is made of."""
    factors = _constants((w0 * scale, *(weight * scale for weight in weights)), sums.dtype, sums.device)
    ctx.mark_non_differentiable(sums)
    ctx.set_materialize_grads(False)
    return torch.dot(sums, factors), sums


def _pulled_back(ctx: Any, outer: Tensor | None) -> Tensor | None:
    """Return the gradient with respect to the student's logits; it has no derivative of its own.

    PyTorch's `once_differentiable` says the same and takes as long as five of the operations above.
    """
    if torch.is_grad_enabled():
        raise RuntimeError("the partition losses can be differentiated once only")
    (gradient,) = ctx.saved_tensors
    return None if outer is None else gradient * outer


@functools.lru_cache(maxsize=64)
def _constants(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the values as a tensor; kept, as to make one costs more than to use it, and to copy one stalls a GPU."""
    return torch.tensor(values, dtype=dtype, device=device)


@functools.lru_cache(maxsize=256)
def _edges(cuts: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    return tuple(pairwise((0, *cuts)))
