"""Generalised decoupled distillation: the teacher's top k against the rest, and each of the two inside itself.

Zheng, Cheng, "Rethinking Decoupled Knowledge Distillation: A Predictive Distribution Perspective", IEEE TNNLS,
arXiv:2512.04625. The cuts `mass` and `gap`, by which every sample has a k of its own, are not the paper's.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Linear, Log, Rank, Temperature
from trainers.methods.record.method import Method
from trainers.methods.record.tuned import tuned_weights
from trainers.methods.terms.bound import of_groups
from trainers.methods.terms.groups import Comparison, Direction, compare_groups, compare_own_groups
from trainers.methods.terms.ranking import Cut, by_teacher, idle, own_cuts
from trainers.methods.terms.tensors import raised


class GDKD(DistilledLogits):
    cut: Cut = "k"
    """Where the first group ends: at rank k; where it holds `mass` of the teacher's prediction; or at the largest gap
    between the teacher's ranked logits."""
    k: Annotated[Rank, Log(1, 50)] = 5
    """How many of the teacher's highest classes form the first group; only where cut is k."""
    mass: Annotated[float, Field(gt=0, lt=1), Linear(0.5, 0.99)] = 0.95
    """Share of the teacher's prediction, at temperature 1, that the first group holds; only where cut is mass."""
    w0: Annotated[Factor, Log(0.25, 4)] = 1.0
    """Factor of the KL between the masses of the two groups."""
    w1: Annotated[Factor, Log(0.5, 8)] = 1.0
    """Factor of the KL inside the top k; changes nothing at k = 1."""
    w2: Annotated[Factor, Log(1, 16)] = 8.0
    """Factor of the KL inside the rest; changes nothing at k = classes − 1."""
    temperature: Temperature = 4.0
    """Divides the logits; 1 leaves the probabilities as they are."""
    kl: Direction = "forward"
    """Direction of the KL inside the groups: forward (teacher || student), reverse, or both (their mean)."""
    warmup_epochs: Factor = 20.0
    """Epochs over which the method's term ramps up to its weight; the paper's 20 belong to 240 epochs."""


def gdkd_loss(
    student_BC: Tensor,
    teacher_BC: Tensor,
    *,
    k: int = 5,
    w0: float,
    w1: float,
    w2: float,
    temperature: float,
    kl: Direction = "forward",
    cut: Cut = "k",
    mass: float = 0.95,
) -> Tensor:
    """Return T² · (w0 · KL of the group masses + w1 · KL inside the top k + w2 · KL inside the rest), in nats.

    Averaged over the batch. The top k are the teacher's, ties by class index. Where `cut` is mass or gap, every sample
    has a k of its own, from 1 to C − 1: the fewest classes that hold `mass` of the teacher's prediction, or those above
    the largest gap between its ranked logits.

    Args:
        student_BC: logits; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.

    Raises:
        ValueError: the logits are not two tensors of one shape [B, C], k is not in 1 … C − 1, or mass not in (0, 1).
    """
    return compare_cut(
        student_BC, teacher_BC, k=k, w0=w0, w1=w1, w2=w2, temperature=temperature, kl=kl, cut=cut, mass=mass
    ).loss


def compare_cut(
    student_BC: Tensor,
    teacher_BC: Tensor,
    *,
    k: int,
    w0: float,
    w1: float,
    w2: float,
    temperature: float,
    kl: Direction,
    cut: Cut,
    mass: float,
    first: tuple[int, ...] = (),
) -> Comparison:
    """Return the comparison of two groups, w1 and w2 being the weights inside them.

    Args:
        first: ranks after which groups of one class end that come before the two.
    """
    student, teacher = raised(student_BC, teacher_BC)
    inside = (*(0.0 for _ in first), w1, w2)
    if cut == "k":
        return compare_groups(student, teacher, (*first, k), w0, inside, temperature, kl)
    ranking = by_teacher(teacher)
    own = own_cuts(teacher, ranking, cut, mass).clamp(min=len(first) + 1)
    cuts = torch.stack([*(torch.full_like(own, rank) for rank in first), own], dim=1)
    return compare_own_groups(
        student, teacher, ranking_BC=ranking, cuts_BG=cuts, w0=w0, weights=inside, temperature=temperature, kl=kl
    )


GDKD_METHOD = Method(
    name="gdkd",
    title="GDKD",
    version=2,
    hyperparameters=GDKD,
    loss=gdkd_loss,
    term=of_groups(compare_cut, inside=(1, 2)),
    summary="the teacher's top k against the rest, and each inside itself",
    source="arXiv:2512.04625",
    logs={
        "between": "KL between the masses of the groups",
        "within_1": "KL inside the top k",
        "within_2": "KL inside the rest",
    },
    factors=("w0", "w1", "w2"),
    dead=lambda values, classes: idle(values, classes, least=1),
    by_pair=tuned_weights(),
)
