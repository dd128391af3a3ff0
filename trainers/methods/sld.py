"""SLD: learn from answers in which a wrong first class and the right one have changed places.

Limantoro et al., "Swapped Logit Distillation via Bi-level Teacher Alignment", 2025,
arXiv:2504.20108.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, field_validator

from trainers.late import Tensor, late, torch
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log
from trainers.methods.record.method import Method, Values
from trainers.methods.record.tuned import IMAGENET, tuned
from trainers.methods.terms.tensors import labelled, raised

TEMPERATURES = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)


class SLD(DistilledLogits):
    temperatures: tuple[Annotated[float, Field(ge=0.001, le=100)], ...] = TEMPERATURES
    """Each divides the logits in turn; the terms of all are added."""
    own_teacher: bool = True
    """In later epochs the student's own swapped answers teach it, too."""
    own_after: Annotated[int, Field(ge=0)] = 150
    """Epochs before they do; the authors' 150 belong to 240 epochs. Nothing without them."""
    ce_weight: Factor = 0.1
    weight: Annotated[Factor, Log(0.5, 9)] = 0.9

    @field_validator("temperatures")
    @classmethod
    def _some(cls, temperatures: tuple[float, ...]) -> tuple[float, ...]:
        if not temperatures:
            raise ValueError("must have at least one temperature, got an empty list")
        return temperatures


def sld_loss(
    student_BC: Tensor,
    teacher_BC: Tensor,
    target: Tensor,
    *,
    student_strong: Tensor,
    teacher_strong: Tensor,
    temperatures: Sequence[float],
    own_teacher: bool = False,
) -> Tensor:
    """Return Σ over both views and T of T² · KL(swapped teacher || student), in nats, averaged over the batch.

    Swapped: where another class than the right one has the highest logit, the two change places.

    Args:
        student_BC: logits of the weak view; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.
        target: [B] class numbers.
        student_strong, teacher_strong: the same as the first two, of a strong view of each image.
        own_teacher: the student's swapped logits teach, too; as in the authors' code the gradient goes through them.

    Raises:
        ValueError: the tensors of a view are not two of one shape [B, C], or there is not one target a sample.
    """
    of_teacher, own = parts(
        (student_BC, teacher_BC), (student_strong, teacher_strong), target, temperatures, own_teacher
    )
    return of_teacher + own


def parts(
    weak: tuple[Tensor, Tensor],
    strong: tuple[Tensor, Tensor],
    target: Tensor,
    temperatures: Sequence[float],
    own_teacher: bool,
) -> tuple[Tensor, Tensor]:
    """Return what the teacher's answers add, and what the student's own do."""
    of_teacher = own = weak[0].new_zeros((), dtype=raised(*weak)[0].dtype)
    for logits in (weak, strong):
        student, teacher = raised(*logits)
        labelled(student, target)
        of_teacher = of_teacher + _divergences(student, swapped(teacher, target), temperatures)
        if own_teacher:
            own = own + _divergences(student, swapped(student, target), temperatures)
    return of_teacher, own


def swapped(logits_BC: Tensor, target_B: Tensor) -> Tensor:
    """Return the logits with those of the first and of the right class in each other's place."""
    places = torch.arange(logits_BC.shape[1], device=logits_BC.device).expand(logits_BC.shape)
    right, first = target_B[:, None], logits_BC.argmax(1, keepdim=True)
    return logits_BC.gather(1, places.scatter(1, right, first).scatter(1, first, right))


def _divergences(student: Tensor, teacher: Tensor, temperatures: Sequence[float]) -> Tensor:
    total = student.new_zeros(())
    for temperature in temperatures:
        ours, theirs = (student / temperature).log_softmax(1), (teacher / temperature).log_softmax(1)
        total = total + temperature**2 * (theirs.exp() * (theirs - ours)).sum(1).mean()
    return total


def _dead(values: Values, _classes: int) -> tuple[str, ...]:
    return () if values["own_teacher"] else ("own_after",)


SLD_METHOD = Method(
    name="sld",
    title="SLD",
    version=1,
    hyperparameters=SLD,
    loss=sld_loss,
    module=late("trainers.methods.modules.sld", "Swapped"),
    summary="KL at several temperatures of two views, the right class put first",
    source="arXiv:2504.20108",
    logs={"teacher": "KL to the teacher's swapped logits", "own": "KL to the student's own"},
    strong_view=lambda _values: True,
    dead=_dead,
    by_pair=(tuned(IMAGENET, ce_weight=0.5, weight=0.5),),
)
