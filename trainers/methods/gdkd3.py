"""GDKD with three groups: the teacher's top 1, its ranks 2 … k, and the rest.

Zheng, Cheng, "Rethinking Decoupled Knowledge Distillation: A Predictive Distribution Perspective", IEEE TNNLS,
arXiv:2512.04625. The cuts `mass` and `gap`, by which every sample has a k of its own, are not the paper's.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

import functools
from typing import Annotated

from pydantic import Field

from trainers.late import Tensor
from trainers.methods.gdkd import GDKD, compare_cut
from trainers.methods.record.hyperparameters import BELOW_CLASSES, Factor, Linear, Log
from trainers.methods.record.method import Method, Problem, Values
from trainers.methods.record.tuned import tuned_weights
from trainers.methods.terms.bound import of_groups
from trainers.methods.terms.groups import Direction
from trainers.methods.terms.ranking import Cut, idle


class GDKD3(GDKD):
    cut: Cut = "k"
    """Where the second group ends: at rank k; where it and the first hold `mass` of the teacher's prediction; or at the
    largest gap between the teacher's ranked logits."""
    k: Annotated[int, Field(ge=2), BELOW_CLASSES, Log(2, 50)] = 4
    """The second group is ranks 2 … k, the third the rest; only where cut is k."""
    mass: Annotated[float, Field(gt=0, lt=1), Linear(0.5, 0.99)] = 0.95
    """Share of the teacher's prediction, at temperature 1, above the third group; only where cut is mass."""
    w0: Annotated[Factor, Log(0.25, 4)] = 1.0
    """Factor of the KL between the masses of the three groups."""
    w1: Annotated[Factor, Log(0.5, 8)] = 1.0
    """Factor of the KL inside ranks 2 … k; changes nothing at k = 2."""
    w2: Annotated[Factor, Log(1, 16)] = 8.0
    """Factor of the KL inside the rest; changes nothing at k = classes − 1."""


def gdkd3_loss(
    student_BC: Tensor,
    teacher_BC: Tensor,
    *,
    k: int = 4,
    w0: float,
    w1: float,
    w2: float,
    temperature: float,
    kl: Direction = "forward",
    cut: Cut = "k",
    mass: float = 0.95,
) -> Tensor:
    """Return T² · (w0 · KL of the group masses + w1 · KL inside ranks 2 … k + w2 · KL inside the rest), in nats.

    Averaged over the batch. The ranks are the teacher's, ties by class index; the first group is one class. Where `cut`
    is mass or gap, every sample has a k of its own, from 2 to C − 1.

    Args:
        student_BC: logits; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.

    Raises:
        ValueError: the logits are not two tensors of one shape [B, C], C at least 3, k is not in 2 … C − 1, or mass not
            in (0, 1).
    """
    return _compare(
        student_BC, teacher_BC, k=k, w0=w0, w1=w1, w2=w2, temperature=temperature, kl=kl, cut=cut, mass=mass
    ).loss


_compare = functools.partial(compare_cut, first=(1,))


def _rules(_values: Values, classes: int | None) -> list[Problem]:
    few = classes is not None and classes < 3
    return [Problem("cut", f"needs at least 3 classes, got {classes}")] if few else []


GDKD3_METHOD = Method(
    name="gdkd3",
    title="GDKD3",
    version=2,
    hyperparameters=GDKD3,
    loss=gdkd3_loss,
    term=of_groups(_compare, inside=(2, 3)),
    summary="the teacher's top 1, ranks 2 … k and the rest, and each inside itself",
    source="arXiv:2512.04625",
    logs={
        "between": "KL between the masses of the groups",
        "within_2": "KL inside the second group",
        "within_3": "KL inside the third group",
    },
    factors=("w0", "w1", "w2"),
    dead=lambda values, classes: idle(values, classes, least=2),
    rules=_rules,
    by_pair=tuned_weights(),
)
