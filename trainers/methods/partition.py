"""The partition family with any number of groups: cut the teacher's ranking anywhere.

Zheng, Cheng, "Rethinking Decoupled Knowledge Distillation: A Predictive Distribution Perspective", IEEE TNNLS,
arXiv:2512.04625. Cuts at 5 are GDKD with k = 5, cuts at 1 and 4 are GDKD3 with k = 4; more cuts are not the paper's.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from trainers.late import Tensor
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log, Rank, Temperature
from trainers.methods.record.method import Method, Problem, Values
from trainers.methods.record.tuned import tuned_weights
from trainers.methods.terms.bound import of_groups
from trainers.methods.terms.groups import Comparison, Direction, compare_groups
from trainers.methods.terms.tensors import raised


class Partition(DistilledLogits):
    cuts: tuple[Rank, ...] = (1, 5)
    """Ranks of the teacher after which a new group starts, rising."""
    w0: Annotated[Factor, Log(0.25, 4)] = 1.0
    """Factor of the KL between the masses of the groups."""
    w1: Annotated[Factor, Log(0.5, 8)] = 1.0
    """Factor of the KL inside every group but the last; only where `weights` is empty."""
    w2: Annotated[Factor, Log(1, 16)] = 8.0
    """Factor of the KL inside the last group, the rest; only where `weights` is empty."""
    weights: tuple[Factor, ...] = ()
    """Factors of the KL inside each group, one a group, in place of w1 and w2."""
    temperature: Temperature = 4.0
    """Divides the logits; 1 leaves the probabilities as they are."""
    kl: Direction = "forward"
    """Direction of the KL inside the groups: forward (teacher || student), reverse, or both (their mean)."""
    warmup_epochs: Factor = 20.0
    """Epochs over which the method's term ramps up to its weight; the paper's 20 belong to 240 epochs."""


def partition_loss(
    student_BC: Tensor,
    teacher_BC: Tensor,
    *,
    cuts: Sequence[int],
    w0: float = 1.0,
    w1: float = 1.0,
    w2: float = 8.0,
    weights: Sequence[float] = (),
    temperature: float = 4.0,
    kl: Direction = "forward",
) -> Tensor:
    """Return T² · (w0 · KL of the group masses + Σ weights[i] · KL inside group i), in nats, averaged over the batch.

    The ranks are the teacher's, ties by class index. The weight of a group of one class changes nothing.

    Args:
        student_BC: logits; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.
        cuts: ranks after which a new group starts.
        weights: one a group; where there is none, w1 is that of every group but the last, which has w2.

    Raises:
        ValueError: the logits are not two tensors of one shape [B, C], the cuts are not rising ranks from 1 to C − 1,
            or the weights are not one a group.
    """
    settings = {"w0": w0, "w1": w1, "w2": w2, "temperature": temperature}
    return _compare(student_BC, teacher_BC, cuts=cuts, **settings, weights=weights, kl=kl).loss


def _compare(
    student_BC: Tensor,
    teacher_BC: Tensor,
    *,
    cuts: Sequence[int],
    w0: float,
    w1: float,
    w2: float,
    weights: Sequence[float],
    temperature: float,
    kl: Direction,
) -> Comparison:
    student, teacher = raised(student_BC, teacher_BC)
    return compare_groups(student, teacher, cuts, w0, weights or _spread(cuts, w1, w2), temperature, kl)


def _spread(cuts: Sequence[int], w1: float, w2: float) -> tuple[float, ...]:
    return (*(w1 for _ in cuts), w2)


def _rules(values: Values, _classes: int | None) -> list[Problem]:
    cuts, weights = values["cuts"], values["weights"]
    problems = []
    if not cuts or list(cuts) != sorted(set(cuts)):
        problems.append(Problem("cuts", f"must be rising ranks, at least one, got {[*cuts]}"))
    if weights and len(weights) != len(cuts) + 1:
        problems.append(Problem("weights", f"must be one for each of the {len(cuts) + 1} groups, got {len(weights)}"))
    return problems


def _dead(values: Values, classes: int) -> tuple[str, ...]:
    """The weights that are not asked for, those of groups of one class, and the direction where all are such."""
    sizes = _sizes(values, classes)
    if set(sizes) == {1}:
        return ("w1", "w2", "weights", "kl")
    weights = values["weights"] or _spread(values["cuts"], values["w1"], values["w2"])
    counting = any(weight for weight, size in zip(weights, sizes, strict=True) if size > 1)
    kl = () if counting else ("kl",)
    if values["weights"]:
        return ("w1", "w2", *kl)
    return (*(("w1",) if set(sizes[:-1]) == {1} else ()), *(("w2",) if sizes[-1] == 1 else ()), *kl)


def _settle(values: Values, classes: int) -> dict[str, tuple[float, ...]]:
    """The weight of a group of one class changes nothing: it stands as 0."""
    weights = values["weights"]
    if not weights:
        return {}
    sizes = _sizes(values, classes)
    return {"weights": tuple(w * (size > 1) for w, size in zip(weights, sizes, strict=True))}


def _sizes(values: Values, classes: int) -> list[int]:
    return [end - start for start, end in pairwise((0, *values["cuts"], classes))]


PARTITION_METHOD = Method(
    name="partition",
    title="Partition",
    version=1,
    hyperparameters=Partition,
    loss=partition_loss,
    term=of_groups(_compare),
    summary="the teacher's ranking cut anywhere, the groups against each other and each inside itself",
    source="arXiv:2512.04625",
    logs={
        "between": "KL between the masses of the groups",
        "within_1": "KL inside the first group",
        "within_2": "KL inside the second group",
        "within_3": "KL inside the third group, and so on",
    },
    factors=("w0", "w1", "w2", "weights"),
    dead=_dead,
    settle=_settle,
    rules=_rules,
    by_pair=tuned_weights(),
)
