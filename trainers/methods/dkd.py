"""Decoupled distillation: the target against the rest, and the rest among themselves.

Zhao, Cui, Song, Qiu, Liang, "Decoupled Knowledge Distillation", CVPR 2022, arXiv:2203.08679, equation 7.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from trainers.late import Tensor
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log, Temperature
from trainers.methods.record.method import Method
from trainers.methods.record.tuned import CIFAR, LARGE, R34_R18, R50_MV1, tuned
from trainers.methods.terms.bound import of_groups
from trainers.methods.terms.groups import Comparison, compare_groups
from trainers.methods.terms.tensors import labelled, raised


class DKD(DistilledLogits):
    alpha: Annotated[Factor, Log(0.5, 4)] = 1.0
    """Factor of the KL between the masses of target and rest."""
    beta: Annotated[Factor, Log(0.5, 16)] = 8.0
    """Factor of the KL among the classes that are not the target."""
    temperature: Temperature = 4.0
    """Divides the logits; 1 leaves the probabilities as they are."""
    warmup_epochs: Factor = 20.0
    """Epochs over which the method's term ramps up to its weight; the paper's 20 belong to 240 epochs."""


def dkd_loss(
    student_BC: Tensor, teacher_BC: Tensor, target_B: Tensor, *, alpha: float, beta: float, temperature: float
) -> Tensor:
    """Return T² · (alpha · KL of target and rest + beta · KL among the rest), in nats, averaged over the batch.

    Args:
        student_BC: logits; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.
        target_B: class numbers.

    Raises:
        ValueError: the logits are not two tensors of one shape [B, C], C at least 2, or there is not one target a
            sample.
    """
    return _compare(student_BC, teacher_BC, target_B, alpha=alpha, beta=beta, temperature=temperature).loss


def _compare(
    student_BC: Tensor, teacher_BC: Tensor, target_B: Tensor, *, alpha: float, beta: float, temperature: float
) -> Comparison:
    student, teacher = raised(student_BC, teacher_BC)
    labelled(student, target_B)
    return compare_groups(student, teacher, (1,), alpha, (0.0, beta), temperature, top_BK=target_B.unsqueeze(1))


TUNED = (
    tuned(CIFAR, "resnet56>resnet20", "resnet110>resnet32", beta=2.0),
    tuned(CIFAR, "vgg13>vgg8", "vgg13>mobilenetv2", "wrn_40_2>wrn_16_2", "wrn_40_2>wrn_40_1", beta=6.0),
    tuned(LARGE, temperature=1.0, alpha=0.5, beta=1.0),
    tuned(LARGE, R34_R18, alpha=1.0, beta=0.5),
    tuned(LARGE, R50_MV1, alpha=1.0, beta=2.0),
)
"""Of mdistiller's configuration files (the DKD authors' code); of the GDKD authors' for other pairs on ImageNet."""

DKD_METHOD = Method(
    name="dkd",
    title="DKD",
    version=2,
    hyperparameters=DKD,
    loss=dkd_loss,
    term=of_groups(_compare, inside=(2,)),
    summary="target against rest, and the rest among themselves",
    source="arXiv:2203.08679",
    logs={"between": "KL between the masses of target and rest", "within_2": "KL inside the rest"},
    factors=("alpha", "beta"),
    dead=lambda _values, classes: ("beta",) if classes == 2 else (),  # the rest is one class then
    by_pair=TUNED,
)
