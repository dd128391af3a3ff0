"""Dynamic temperatures: whoever is surer of a sample, teacher or student, is softened more.

Wei, Bai, "Dynamic Temperature Knowledge Distillation", 2024, arXiv:2404.12711.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from trainers.late import Tensor, torch
from trainers.methods.kd import kd_loss
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log, Temperature
from trainers.methods.record.method import Method
from trainers.methods.record.tuned import CIFAR, tuned
from trainers.methods.terms.bound import of_parts
from trainers.methods.terms.tensors import known, raised

LEAST = 0.1
"""A sample's highest logit is taken for no less: of one below 0 a temperature would be negative."""


class DTKD(DistilledLogits):
    alpha: Annotated[Factor, Log(0.5, 8)] = 3.0
    """Factor of the KL at temperatures of each sample's own."""
    beta: Annotated[Factor, Log(0.25, 4)] = 1.0
    """Factor of the KL at the one temperature."""
    temperature: Temperature = 4.0
    """Divides the logits; what a sample's two temperatures are the harmonic parts of."""
    warmup_epochs: Factor = 20.0
    """Epochs over which the method's term ramps up to its weight; the authors' 20 belong to 240 epochs."""


def dtkd_loss(student: Tensor, teacher: Tensor, *, alpha: float, beta: float, temperature: float) -> Tensor:
    """Return alpha · T_t T_s · KL of p(z_t / T_t) and q(z_s / T_s) + beta · T² · KL at T, averaged over the batch.

    T_t = 2uT / (u + v) and T_s = 2vT / (u + v), with u and v the highest logits of teacher and student; the gradient
    goes through v. A highest logit below 0.1 is taken for 0.1. Adding a constant to the logits changes the loss.

    Args:
        student: [B, C] logits; half precision is raised to float32, float64 is kept.
        teacher: logits of the same shape; a constant.

    Raises:
        ValueError: the tensors are not two of one shape [B, C].
    """
    own, shared = _parts(student, teacher, temperature=temperature)
    return alpha * own + beta * shared


def _parts(student: Tensor, teacher: Tensor, *, temperature: float) -> tuple[Tensor, Tensor]:
    ours, theirs = raised(student, teacher)
    return _own(ours, theirs, temperature), kd_loss(ours, theirs, temperature=temperature)


def _own(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return the KL at temperatures of each sample's own, times both of them."""
    scale = 1 / len(student)
    with torch.inference_mode():  # nothing to record: the gradient is worked out here
        highest, top = student.max(1, keepdim=True)
        v, u = (one.clamp_min(LEAST) for one in (highest, teacher.amax(1, keepdim=True)))
        share = 2 * temperature / (u + v)
        of_teacher, of_student = share * u, share * v
        log_q, log_p = (student / of_student).log_softmax(1), (teacher / of_teacher).log_softmax(1)
        p = log_p.exp()
        difference = log_p.sub_(log_q)
        divergence = torch.mul(p, difference, out=(product := torch.empty_like(p))).sum(1, keepdim=True)
        gradient = log_q.exp_().sub_(p)
        # the gradient through v, which makes the student's temperature rise and the teacher's fall
        by_student = of_teacher * divergence
        by_student -= of_teacher / of_student * torch.mul(gradient, student, out=product).sum(1, keepdim=True)
        by_teacher = of_student * divergence
        by_teacher -= of_student / of_teacher * p.mul_(difference.sub_(divergence)).mul_(teacher).sum(1, keepdim=True)
        through = (by_student - by_teacher) * (share * u / (u + v)) * (highest > LEAST)
        gradient.mul_(of_teacher).scatter_add_(1, top, through).mul_(scale)
    return known(student, of_teacher * of_student * divergence * scale, gradient)


DTKD_METHOD = Method(
    name="dtkd",
    title="DTKD",
    version=1,
    hyperparameters=DTKD,
    loss=dtkd_loss,
    term=of_parts(_parts, {"own": "alpha", "shared": "beta"}),
    summary="KL at temperatures by how sure teacher and student are of a sample, and at one temperature",
    source="arXiv:2404.12711",
    logs={"own": "KL at temperatures of each sample's own", "shared": "KL at the one temperature"},
    factors=("alpha", "beta"),
    dead=lambda values, _classes: ("temperature",) if values["alpha"] == 0 and values["beta"] == 0 else (),
    by_pair=(
        tuned(CIFAR, "resnet56>resnet20", "resnet110>resnet32", "wrn_40_2>wrn_40_1", alpha=1.0, beta=0.5),
        tuned(CIFAR, "wrn_40_2>shufflev1", alpha=2.0, beta=0.5),
        tuned(CIFAR, "resnet50>mobilenetv2", beta=2.0),
    ),
)
