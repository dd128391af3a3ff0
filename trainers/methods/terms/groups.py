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

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

from trainers.late import Tensor, torch
from trainers.methods.terms.ranking import top_ranks
from trainers.methods.terms.tensors import dot

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
    cuts: Sequence[int],
    w0: float,
    weights: Sequence[float],
    temperature: float,
    kl: Direction = "forward",
    *,
    top_BK: Tensor | None = None,
) -> Comparison:
    """Return T² · (w0 · KL between group masses + Σ weights[i] · KL inside group i), averaged over the batch.

    Args:
        student_BC, teacher_BC: logits that are `raised`. The teacher is a constant.
        cuts: ranks after which a new group starts: (5,) makes a group of 5 and one of the rest.
        weights: one for each group; the weight of a group of one class changes nothing.
        kl: direction inside the groups: forward is KL(teacher || student), reverse KL(student || teacher), both their
            mean. Between the groups it is always forward, as in the authors' code.
        top_BK: the classes of each sample before the last cut; inside a group in any order. None for the teacher's.

    Raises:
        ValueError: the cuts are not rising ranks between 1 and C − 1, or the weights are not one a group, or kl is none
            of the three.
    """
    batch, classes = student_BC.shape
    size = (batch, classes, student_BC.dtype, student_BC.device)
    plan = _plan(tuple(cuts), w0, tuple(weights), temperature, kl, *size)
    with torch.inference_mode():  # nothing to record: the gradient is worked out here
        if top_BK is None:
            top_BK = top_ranks(teacher_BC, cuts[-1], cuts=cuts)
        logits_SBC = _softened(student_BC, teacher_BC, plan)
        top_SBK = top_BK.expand(2, -1, -1)
        ranked_SBK = logits_SBC.gather(2, top_SBK)
        tops = (ranked_SBK,) if len(cuts) == 1 else ranked_SBK.split(plan.sizes, 2)
        groups = [_Inside(top_SBN) for top_SBN in tops]
        if cuts[-1] == classes - 1:
            groups.append(_Inside(_only(logits_SBC, top_SBK)))
        else:
            gap_BC = _gap(logits_SBC)
            groups.append(_Inside(logits_SBC.scatter_(2, top_SBK, -math.inf), gap_BC))
        sums, (*top, rest) = _compare(groups, plan, kl)
        gradient_BC = rest if rest.shape[1] == classes else rest.expand_as(student_BC).contiguous()
        gradient_BC.scatter_(1, top_BK, top[0] if len(top) == 1 else torch.cat(top, 1))
    loss = _known(student_BC, (sums, plan.factors, gradient_BC))
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
        student_BC, teacher_BC: logits that are `raised`.
        ranking_BC: all classes of each sample in ranked order.
        cuts_BG: [B, G − 1] rising ranks, each from 1 to C − 1.

    Raises:
        ValueError: as `compare_groups`; the cuts are not looked at, as that would stall a GPU.
    """
    batch, classes = student_BC.shape
    ends = tuple(range(1, cuts_BG.shape[1] + 1))  # stand for cuts that are not known here
    size = (batch, classes, student_BC.dtype, student_BC.device)
    plan = _plan(ends, w0, tuple(weights), temperature, kl, *size, own=True)
    with torch.inference_mode():
        logits_SBC = _softened(student_BC, teacher_BC, plan).gather(2, ranking_BC.expand(2, -1, -1))
        gap_BC = _gap(logits_SBC)
        ranks = torch.arange(classes, device=ranking_BC.device)
        number_BC = (ranks[None, :, None] >= cuts_BG[:, None, :]).sum(2)  # of the group that a rank is in
        groups = [  # each as wide as all classes, with the others masked
            _Inside(logits_SBC.masked_fill(number_BC != i, -math.inf), gap_BC.clone()) for i in range(len(weights))
        ]
        sums, pieces = _compare(groups, plan, kl)
        ranked = torch.stack(pieces).sum(0)
        gradient_BC = torch.empty_like(ranked).scatter_(1, ranking_BC, ranked)
    loss = _known(student_BC, (sums, plan.factors, gradient_BC))
    return Comparison(loss, sums, temperature**2 / batch)


def _known(student_BC: Tensor, known: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    from trainers.methods.modules.known import Known

    return Known.apply(student_BC, known)  # type: ignore[no-any-return]


class _Plan(NamedTuple):
    """All that does not depend on the logits, kept from batch to batch.

    To make a tensor of numbers costs more than to use it, and to copy one stalls a GPU.
    """

    sizes: list[int]
    """Classes of the groups before the last."""
    coldness: Tensor | None
    """1 / T, the factor of the logits; None where it is 1."""
    factors: Tensor
    """[1 + G] of the sums over the batch, in the loss."""
    between: float
    """Factor of the gradient of the KL between the groups."""
    inside: tuple[float, ...]
    """Factors of the gradients inside the groups."""
    own: Tensor
    """[G, 1, 1] the same, 0 where a group has one class."""
    zero: Tensor
    """The KL inside a group of one class."""


@functools.lru_cache(maxsize=64)
def _plan(
    cuts: tuple[int, ...],
    w0: float,
    weights: tuple[float, ...],
    temperature: float,
    kl: str,
    batch: int,
    classes: int,
    dtype: torch.dtype,
    device: torch.device,
    *,
    own: bool = False,
) -> _Plan:
    _check(classes, cuts, len(weights), kl)
    scale = temperature / batch  # T² over the batch, and d(z / T) / dz = 1 / T
    sizes = [end - start for start, end in pairwise((0, *cuts, classes))]
    inside = tuple(weight * scale for weight in weights)
    own_G11 = [[[weight * (own or size > 1)]] for weight, size in zip(inside, sizes, strict=True)]
    loss = [weight * temperature * scale for weight in (w0, *weights)]
    coldness, factors, pulls, zero = (
        torch.tensor(numbers, dtype=dtype, device=device) for numbers in (1 / temperature, loss, own_G11, 0.0)
    )
    return _Plan(sizes[:-1], None if temperature == 1 else coldness, factors, w0 * scale, inside, pulls, zero)


def _check(classes: int, cuts: tuple[int, ...], weights: int, kl: str) -> None:
    if not cuts or list(cuts) != sorted(set(cuts)) or not 1 <= cuts[0] <= cuts[-1] < classes:
        raise ValueError(
            f"cuts must be rising ranks from 1 to less than the number of classes ({classes}), got {[*cuts]}"
        )
    if weights != len(cuts) + 1:
        raise ValueError(f"there must be a weight for each of the {len(cuts) + 1} groups, got {weights}")
    if kl not in get_args(Direction):
        raise ValueError(f"kl must be one of {', '.join(get_args(Direction))}, got {kl!r}")


class _Inside:
    """A group of classes: its mass [S, B, 1], and the distributions [S, B, N] of student and teacher inside it."""

    __slots__ = ("gap", "many", "mass", "probability")

    def __init__(self, logits_SBN: Tensor, gap_BN: Tensor | None = None) -> None:
        """Take what is known of the group's classes.

        Args:
            logits_SBN: over T; −∞ for classes outside.
            gap_BN: the teacher's logits less the student's, any number outside; changed later. None where no class is
                outside.
        """
        self.many = logits_SBN.shape[2] > 1
        if not self.many:
            self.mass = logits_SBN
            return
        self.gap = _gap(logits_SBN) if gap_BN is None else gap_BN
        self.probability = logits_SBN.softmax(2)
        # log Σ exp is the highest logit less the logarithm of that one's probability, which is never rounded to 0
        self.mass = logits_SBN.amax(2, True).sub_(self.probability.amax(2, True).log_())

    def compare(self, gap_B1: Tensor, pull_B1: Tensor, weight: float, kl: Direction) -> tuple[Tensor | None, Tensor]:
        """Return the KL inside, summed over the batch (None for one class), and the gradient [B, N] of weight · KL with
        respect to the student's logits over T, to which the group's own pull is added.

        Args:
            gap_B1: the teacher's log mass less the student's.
            pull_B1: weight more than what is shared among the group's classes.
        """
        if not self.many:
            return None, pull_B1
        student, teacher = self.probability.unbind()
        difference = self.gap.sub_(gap_B1)  # of log probabilities inside, teacher less student
        if kl == "forward":
            return dot(teacher, difference), student.mul_(pull_B1).sub_(teacher, alpha=weight)
        against = student * difference
        mean = against.sum(1, keepdim=True)  # minus the reverse KL
        reverse_pull = against.addcmul_(student, mean, value=-1)  # minus its gradient
        if kl == "reverse":
            total, share = -mean.sum(), 1.0
        else:
            total, share = (dot(teacher, difference) - mean.sum()) / 2, 0.5
        piece = student.mul_(pull_B1.sub(weight * share)).sub_(reverse_pull, alpha=weight * share)
        return total, piece if share == 1 else piece.sub_(teacher, alpha=weight / 2)


def _softened(student_BC: Tensor, teacher_BC: Tensor, plan: _Plan) -> Tensor:
    """Return both logits [S, B, C] over T."""
    logits_SBC = torch.stack((student_BC, teacher_BC))
    return logits_SBC if plan.coldness is None else logits_SBC.mul_(plan.coldness)


def _gap(logits: Tensor) -> Tensor:
    """Return the teacher's logits less the student's."""
    student, teacher = logits.unbind()
    return teacher - student


def _only(logits_SBC: Tensor, top_SBK: Tensor) -> Tensor:
    """Return the logits [S, B, 1] of the one class that is not among the others."""
    one = torch.ones_like(logits_SBC[0], dtype=torch.bool).scatter_(1, top_SBK[0], False).to(torch.int8).argmax(1)
    return logits_SBC.gather(2, one[None, :, None].expand(2, -1, 1))


def _compare(groups: Sequence[_Inside], plan: _Plan, kl: Direction) -> tuple[Tensor, list[Tensor]]:
    """Return KL between groups and inside each [1 + G], summed over the batch, and the gradient of the loss with
    respect to the student's logits, group by group."""
    mass_SGB1 = torch.stack([group.mass for group in groups], dim=1)
    log_SGB1 = mass_SGB1.log_softmax(1)
    student, teacher = log_SGB1.exp().unbind()
    totals, pieces = [dot(teacher, _gap(log_SGB1))], []
    pulls = torch.add(plan.own, student.sub_(teacher), alpha=plan.between).unbind()
    for group, gap, pull, weight in zip(groups, _gap(mass_SGB1).unbind(), pulls, plan.inside, strict=True):
        total, piece = group.compare(gap, pull, weight, kl)
        totals.append(plan.zero if total is None else total)
        pieces.append(piece)
    return torch.stack(totals), pieces
