"""LumiNet: compare logits after each class was standardised over the batch.

Hossain et al., "LumiNet: The Bright Side of Perceptual Knowledge Distillation", arXiv:2310.03669.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.late import Tensor
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log
from trainers.methods.record.method import Couples, Method
from trainers.methods.record.tuned import CIFAR, IMAGENET, R34_R18, R50_MV1, tuned
from trainers.methods.terms.tensors import raised

EPSILON = 1e-5
"""Added to the variance, which is of logits squared."""


class LumiNet(DistilledLogits):
    alpha: Annotated[float, Field(ge=0, le=1000), Log(2, 80)] = 31.0
    """Its square is the factor of the KL; there is no T²."""
    temperature: Annotated[float, Field(ge=0.001, le=100), Log(0.7, 8)] = 4.0
    """Divides the standardised logits."""
    ce_weight: Factor = 2.0
    warmup_epochs: Factor = 20.0
    """Epochs over which the method's term ramps up to its weight; the authors' 20 belong to 240 epochs."""
    standardize: bool = False
    """Standardize the logits of teacher and student first, over the classes of each sample."""


def luminet_loss(student_BC: Tensor, teacher_BC: Tensor, *, alpha: float, temperature: float) -> Tensor:
    """Return alpha² · KL(teacher || student) at T of (z − mean) / √(variance + 1e-5), in nats, averaged over the batch.

    Mean and variance are those of a class over the batch, the variance with B. 0 where the logits differ by a constant
    for each class; 0 for a batch of 1, which has nothing to tell.

    Args:
        student_BC: logits; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.

    Raises:
        ValueError: the tensors are not two of one shape [B, C].
    """
    student, teacher = raised(student_BC, teacher_BC)
    student_log = (_perception(student) / temperature).log_softmax(1)
    teacher_log = (_perception(teacher) / temperature).log_softmax(1)
    return (teacher_log.exp() * (teacher_log - student_log)).sum() * (alpha**2 / len(student))


def _perception(logits_BC: Tensor) -> Tensor:
    """Return each class standardised over the batch."""
    centred = logits_BC - logits_BC.mean(0)
    return centred * (centred.square().mean(0) + EPSILON).rsqrt()


LUMINET_METHOD = Method(
    name="luminet",
    title="LumiNet",
    version=1,
    hyperparameters=LumiNet,
    loss=luminet_loss,
    summary="KL of logits standardised class by class over the batch",
    source="arXiv:2310.03669",
    factors=("alpha",),
    least_batch=2,
    couples=Couples.LOGITS,
    dead=lambda values, _classes: ("temperature",) if values["alpha"] == 0 else (),
    by_pair=(
        tuned(CIFAR, "resnet32x4>resnet8x4", alpha=34.0),
        tuned(CIFAR, "vgg13>vgg8", alpha=11.0, temperature=2.0, ce_weight=1.3),
        tuned(CIFAR, "vgg13>mobilenetv2", alpha=70.0, temperature=8.0),
        tuned(CIFAR, "resnet50>mobilenetv2", alpha=70.0, temperature=8.0),
        tuned(CIFAR, "wrn_40_2>wrn_40_1", alpha=75.0, temperature=8.0, ce_weight=1.0),
        tuned(CIFAR, "wrn_40_2>shufflev1", alpha=35.0),
        tuned(IMAGENET, R34_R18, alpha=2.0, temperature=1.0, ce_weight=0.7),
        tuned(IMAGENET, R50_MV1, alpha=2.0, temperature=0.7, ce_weight=1.0),
    ),
)
