"""Generalised decoupled distillation: the teacher's top k against the rest, and each of the two inside itself.

Zheng, Cheng, "Rethinking Decoupled Knowledge Distillation: A Predictive Distribution Perspective", IEEE TNNLS,
arXiv:2512.04625.
Shapes: B = batch, C = classes.
"""

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from trainers.methods._base import Log, Method, Needs, Range, Values, check
from trainers.methods._tensors import raised
from trainers.methods.partition import Comparison, Direction, by_teacher, partition_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class GDKD:
    k: Annotated[int, Range(ge=1, lt="classes", search=Log(1, 50))] = 5
    """How many of the teacher's highest classes form the first group."""
    w0: Annotated[float, Range(ge=0, search=Log(0.25, 4))] = 1.0
    """Factor of the KL between the masses of the two groups."""
    w1: Annotated[float, Range(ge=0, search=Log(0.5, 8))] = 1.0
    """Factor of the KL inside the top k; changes nothing at k = 1."""
    w2: Annotated[float, Range(ge=0, search=Log(1, 16))] = 8.0
    """Factor of the KL inside the rest; changes nothing at k = classes − 1."""
    temperature: Annotated[float, Range(gt=0, search=Log(1, 8))] = 4.0
    """Divides the logits; 1 leaves the probabilities as they are."""
    kl: Direction = "forward"
    """Direction of the KL inside the groups: forward (teacher || student), reverse, or both (their mean)."""
    ce_weight: Annotated[float, Range(ge=0)] = 1.0
    """Factor of the cross-entropy with the labels."""
    weight: Annotated[float, Range(ge=0)] = 1.0
    """Factor of the method's term beside the cross-entropy."""
    warmup_epochs: Annotated[float, Range(ge=0)] = 20.0
    """Epochs over which the method's term ramps up to its weight; the paper's 20 belong to 240 epochs."""
    standardize: bool = False
    """Standardize the logits of teacher and student first."""

    def __post_init__(self) -> None:
        check(self, "gdkd")


def gdkd_loss(
    student_BC: Tensor,
    teacher_BC: Tensor,
    *,
    k: int,
    w0: float,
    w1: float,
    w2: float,
    temperature: float,
    kl: Direction = "forward",
) -> Tensor:
    """Return T² · (w0 · KL of the group masses + w1 · KL inside the top k + w2 · KL inside the rest), in nats.

    Averaged over the batch. The top k are the teacher's, ties by class index.

    Args:
        student_BC: logits; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.

    Raises:
        ValueError: the logits are not two tensors of one shape [B, C], or k is not in 1 … C − 1.
    """
    return _compare(student_BC, teacher_BC, k, (w0, w1, w2), temperature, kl).loss


def _compare(
    student_BC: Tensor,
    teacher_BC: Tensor,
    k: int,
    weights: tuple[float, float, float],
    temperature: float,
    kl: Direction,
) -> Comparison:
    student, teacher = raised(student_BC, teacher_BC)
    return partition_loss(
        student,
        teacher,
        ranking_BC=by_teacher(teacher, k),
        cuts=(k,),
        w0=weights[0],
        weights=weights[1:],
        temperature=temperature,
        kl=kl,
    )


def _term(
    values: Values, student_BC: Tensor, teacher_BC: Tensor, _target_B: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    w0, w1, w2, temperature = (float(values[name]) for name in ("w0", "w1", "w2", "temperature"))
    kl: Direction = values["kl"]
    loss, between, within = _compare(student_BC, teacher_BC, int(values["k"]), (w0, w1, w2), temperature, kl)
    return loss, {"between": between, "within_1": within[0], "within_2": within[1]}


def _dead(values: Values, classes: int) -> tuple[str, ...]:
    """The weight of a group of one class changes nothing, nor does the direction where all groups are of one class."""
    k = values["k"]
    weights = (*(("w1",) if k == 1 else ()), *(("w2",) if k == classes - 1 else ()))
    return (*weights, "kl") if len(weights) == 2 else weights


GDKD_METHOD = Method(
    name="gdkd",
    version=1,
    hyperparameters=GDKD,
    loss=gdkd_loss,
    term=_term,
    needs=Needs.LOGITS,
    summary="the teacher's top k against the rest, and each inside itself",
    source="arXiv:2512.04625",
    dead=_dead,
)
