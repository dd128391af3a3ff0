"""CRLD: what a strong view is answered, taught by the weak one and the other way round, where the teacher is sure.

Zhang et al., "Cross-View Consistency Regularisation for Knowledge Distillation", ACM MM 2024,
arXiv:2412.16493.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.late import Tensor
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log, Temperature
from trainers.methods.record.method import Method, Values
from trainers.methods.record.outputs import Output, TermValue
from trainers.methods.record.tuned import IMAGENET, tuned
from trainers.methods.terms.tensors import raised

Threshold = Annotated[float, Field(ge=0, le=1)]


class CRLD(DistilledLogits):
    temperature: Temperature = 4.0
    """Divides the logits; 1 leaves the probabilities as they are."""
    within: Annotated[Factor, Log(0.5, 8)] = 2.0
    """Factor of the KL within each view."""
    cross: Annotated[Factor, Log(0.1, 4)] = 0.5
    """Factor of the KL between the student's answer to one view and the teacher's to the other."""
    weak_threshold: Threshold = 0.9
    """Within the views a sample counts where the teacher's highest probability on the weak one is at least this."""
    strong_threshold: Threshold = 0.2
    """Across the views a sample counts where the teacher's highest probability on the strong one is at least this."""


def crld_loss(
    student_BC: Tensor,
    teacher_BC: Tensor,
    *,
    student_strong: Tensor,
    teacher_strong: Tensor,
    temperature: float,
    within: float = 2.0,
    cross: float = 0.5,
    weak_threshold: float = 0.9,
    strong_threshold: float = 0.2,
) -> Tensor:
    """Return within · the KL of each view + cross · the KL from view to view, times T², in nats, averaged over a batch.

    Samples of which the teacher is less sure, at T 1, count with 0, and are counted among those that the mean is of. As
    in the authors' code one mask is for both terms within the views, by the weak one, and one for both across them, by
    the strong one.

    Args:
        student_BC: logits of the weak view; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.
        student_strong, teacher_strong: the same of a strong view of each image.

    Raises:
        ValueError: the tensors of a view are not two of one shape [B, C].
    """
    of_views, across = _parts(
        student_BC, teacher_BC, student_strong, teacher_strong, temperature, weak_threshold, strong_threshold
    )
    return within * of_views + cross * across


def _parts(
    student: Tensor,
    teacher: Tensor,
    student_strong: Tensor,
    teacher_strong: Tensor,
    temperature: float,
    weak_threshold: float,
    strong_threshold: float,
) -> tuple[Tensor, Tensor]:
    """Return the terms within the views and across them, without their factors."""
    weak, strong = raised(student, teacher), raised(student_strong, teacher_strong)
    q_weak, q_strong, p_weak, p_strong = (
        (one / temperature).log_softmax(1) for one in (weak[0], strong[0], weak[1], strong[1])
    )
    sure, fairly_sure = (
        (of[1].softmax(1).amax(1) >= least).to(of[1].dtype)
        for of, least in ((weak, weak_threshold), (strong, strong_threshold))
    )
    within = (sure * (_kl(p_weak, q_weak) + _kl(p_strong, q_strong))).mean()
    across = (fairly_sure * (_kl(p_weak, q_strong) + _kl(p_strong, q_weak))).mean()
    return temperature**2 * within, temperature**2 * across


def _kl(teacher: Tensor, student: Tensor) -> Tensor:
    """Return the KL [B] of log-probabilities."""
    return (teacher.exp() * (teacher - student)).sum(1)


def _term(values: Values, student: Output, teacher: Output, _target_B: Tensor) -> TermValue:
    assert student.strong is not None
    assert teacher.strong is not None
    own = (values["temperature"], values["weak_threshold"], values["strong_threshold"])
    within, across = _parts(student.logits, teacher.logits, student.strong, teacher.strong, *own)
    parts = {"within": within.detach(), "cross": across.detach()}
    return values["within"] * within + values["cross"] * across, parts


def _dead(values: Values, _classes: int) -> tuple[str, ...]:
    """What a factor of 0 leaves out."""
    dead = [threshold for factor, threshold in THRESHOLDS.items() if values[factor] == 0]
    return (*dead, "temperature") if len(dead) == len(THRESHOLDS) else tuple(dead)


THRESHOLDS = {"within": "weak_threshold", "cross": "strong_threshold"}

CRLD_METHOD = Method(
    name="crld",
    title="CRLD",
    version=1,
    hyperparameters=CRLD,
    loss=crld_loss,
    term=_term,
    summary="KL within and across a weak and a strong view, where the teacher is sure",
    source="arXiv:2412.16493",
    logs={"within": "KL within the views", "cross": "KL from view to view"},
    factors=("within", "cross"),
    strong_view=lambda _values: True,
    dead=_dead,
    by_pair=(tuned(IMAGENET, temperature=1.0, ce_weight=2.0),),
)
