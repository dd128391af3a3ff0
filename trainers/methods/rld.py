"""Refined logits: the teacher's confidence without its mistakes.

Sun, Chen, Lyu, Chen, Chen, Wang, "Knowledge Distillation with Refined Logits", arXiv:2408.07703.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log, Temperature
from trainers.methods.record.method import Method, Values
from trainers.methods.record.tuned import IMAGENET, R34_R18, R50_MV1, tuned
from trainers.methods.terms.bound import of_parts
from trainers.methods.terms.tensors import raised


class RLD(DistilledLogits):
    alpha: Annotated[Factor, Log(0.5, 4)] = 1.0
    """Factor of the KL between the teacher's highest mass and the student's mass of the target."""
    alpha_temperature: Temperature = 1.0
    """Divides the logits for those masses."""
    beta: Annotated[Factor, Log(0.5, 16)] = 8.0
    """Factor of the KL among the classes that the teacher ranks below the target."""
    temperature: Temperature = 4.0
    """Divides the logits for the KL among those classes."""
    warmup_epochs: Factor = 20.0
    """Epochs over which the method's term ramps up to its weight; the authors' 20 belong to 240 epochs."""


def rld_loss(
    student_BC: Tensor,
    teacher_BC: Tensor,
    target_B: Tensor,
    *,
    alpha: float,
    alpha_temperature: float,
    beta: float,
    temperature: float,
) -> Tensor:
    """Return alpha · t² · KL(b || d) + beta · T² · KL(p̂ || q̂), in nats, averaged over the batch.

    b are the teacher's masses of its highest class and of all others, d the student's of the target and of all
    others, both at t = alpha_temperature. p̂ and q̂ are the teacher's and the student's probabilities at T among the
    classes whose teacher logit is below that of the target; a sample with fewer than two of those adds 0.

    Args:
        student_BC: logits, C at least 2; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.
        target_B: class numbers.

    Raises:
        ValueError: the tensors are not two of one shape [B, C].
    """
    temperatures = {"alpha_temperature": alpha_temperature, "temperature": temperature}
    confidence, below = _refined(student_BC, teacher_BC, target_B, **temperatures)
    return alpha * confidence + beta * below


def _refined(
    student_BC: Tensor, teacher_BC: Tensor, target_B: Tensor, *, alpha_temperature: float, temperature: float
) -> tuple[Tensor, Tensor]:
    student, teacher = raised(student_BC, teacher_BC)
    ours = _one_against_rest(student / alpha_temperature, target_B)
    theirs = _one_against_rest(teacher / alpha_temperature, teacher.argmax(1))
    confidence = (theirs.exp() * (theirs - ours)).sum() * (alpha_temperature**2 / len(student))
    below = teacher < teacher.gather(1, target_B[:, None])
    return confidence, _among(below, student / temperature, teacher / temperature) * temperature**2


def _one_against_rest(logits_BC: Tensor, class_B: Tensor) -> Tensor:
    """Return the logarithms [B, 2] of the masses of one class and of all others."""
    log, class_B1 = logits_BC.log_softmax(1), class_B[:, None]
    return torch.cat((log.gather(1, class_B1), log.scatter(1, class_B1, -torch.inf).logsumexp(1, keepdim=True)), dim=1)


def _among(chosen_BC: Tensor, student_BC: Tensor, teacher_BC: Tensor) -> Tensor:
    """Return the KL among the chosen classes, averaged over the batch; 0 for a sample without any."""
    some = chosen_BC.any(1, keepdim=True)
    out = ~chosen_BC & some  # softmax of no class at all is NaN: such a sample keeps all and counts nothing
    ours, theirs = (logits.masked_fill(out, -torch.inf).log_softmax(1) for logits in (student_BC, teacher_BC))
    difference = (theirs - ours).masked_fill(~chosen_BC, 0)
    return (theirs.exp() * difference).sum() / len(student_BC)


def _dead(values: Values, classes: int) -> tuple[str, ...]:
    """With two classes at most one is below the target: nothing to compare."""
    of_alpha = ("alpha_temperature",) if values["alpha"] == 0 else ()
    if classes == 2:
        return (*of_alpha, "beta", "temperature")
    return (*of_alpha, *(("temperature",) if values["beta"] == 0 else ()))


RLD_METHOD = Method(
    name="rld",
    title="RLD",
    version=1,
    hyperparameters=RLD,
    loss=rld_loss,
    term=of_parts(_refined, {"confidence": "alpha", "below": "beta"}),
    summary="the teacher's confidence on the target, and the classes it ranks below the target",
    source="arXiv:2408.07703",
    logs={"confidence": "the confidence's part", "below": "the part of classes ranked below the target"},
    factors=("alpha", "beta"),
    dead=_dead,
    by_pair=(
        tuned(IMAGENET, R34_R18, beta=0.5, temperature=1.0),
        tuned(IMAGENET, R50_MV1, beta=2.0, temperature=1.0),
    ),
)
