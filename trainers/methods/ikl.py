"""Improved KL: the differences of logits between the pairs of classes, weighed by the teacher.

Cui, Tian, Zhong, Qi, Yu, Zhang, "Decoupled Kullback-Leibler Divergence Loss", NeurIPS 2024, arXiv:2305.13948.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trainers.late import Tensor, late, torch
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log, Temperature
from trainers.methods.record.method import Method, Values
from trainers.methods.record.tuned import CIFAR, IMAGENET, R34_R18, R50_MV1, tuned
from trainers.methods.terms.tensors import dot, known, raised

Weights = Literal["sample", "prior"]


class IKL(DistilledLogits):
    alpha: Annotated[Factor, Log(0.5, 8)] = 1.0
    """Factor of the cross-entropy with the softened teacher."""
    beta: Annotated[Factor, Log(0.5, 16)] = 8.0
    """Factor of the differences between pairs of classes."""
    temperature: Temperature = 4.0
    """Divides the logits in the cross-entropy; 1 leaves the probabilities as they are."""
    weights: Weights = "sample"
    """What weighs the classes: what the teacher says of the image, or of its class on average in the epoch before."""
    weight_temperature: Annotated[float, Field(ge=0.001, le=1000), Log(1, 200)] = 100.0
    """Divides the teacher's logits for those weights."""
    warmup_epochs: Factor = 20.0
    """Epochs over which the method's term ramps up to its weight; the authors' 20 belong to 240 epochs."""


def ikl_loss(
    student: Tensor,
    teacher: Tensor,
    target: Tensor | None = None,
    prior: Tensor | None = None,
    *,
    alpha: float,
    beta: float,
    temperature: float,
    weights: Weights = "sample",
    weight_temperature: float = 100.0,
) -> Tensor:
    """Return alpha · CE(p, q) + beta · ¼ Σ over i, j of w(i) w(j) (d(i) − d(j))², averaged over the batch.

    p and q are the probabilities of teacher and student at T, d the teacher's logits less the student's. The
    cross-entropy holds the teacher's entropy, so at equal logits the loss is not 0.

    Args:
        student: [B, C] logits; half precision is raised to float32, float64 is kept.
        teacher: logits of the same shape; a constant.
        target: [B] class numbers; where the weights are those of a prior.
        prior: [C, C] whose row of a sample's class are its weights w; else they are the teacher's probabilities at the
            temperature of weights.

    Raises:
        ValueError: the logits are not two tensors of one shape [B, C], or target or prior is missing.
    """
    ours, theirs = raised(student, teacher)
    with torch.inference_mode():  # nothing to record: the gradient is worked out here
        class_weights = weights_of(theirs, target, prior, weights, weight_temperature)
        size, spread, slope = pairwise(theirs - ours, class_weights)
        scale = beta / len(ours)
        pairs, slope = size * spread * (scale / 2), slope.mul_(size * scale)
        entropy = add_cross_entropy(ours, theirs, temperature, alpha, slope)
    return known(ours, torch.cat([pairs.view(-1), entropy]), slope)


def add_cross_entropy(student: Tensor, teacher: Tensor, temperature: float, alpha: float, gradient: Tensor) -> Tensor:
    """Return alpha · the cross-entropy [1] of the student with the teacher at T, averaged over the batch, and add its
    gradient."""
    soft, log_q = (teacher / temperature).softmax(1), (student / temperature).log_softmax(1)
    scale = alpha / len(student)
    value = -scale * dot(soft, log_q)
    gradient.add_(log_q.exp_().sub_(soft), alpha=scale / temperature)
    return value.view(1)


def weights_of(
    teacher: Tensor, target: Tensor | None, prior: Tensor | None, weights: Weights, temperature: float
) -> Tensor:
    """Return the weights [B, C] of the classes; a sample's own sum to 1.

    Raises:
        ValueError: the prior or the targets are missing.
    """
    if weights == "sample":
        return (teacher / temperature).softmax(1)
    if target is None or prior is None:
        raise ValueError("weights of a prior need the targets and the prior")
    return prior.detach().to(teacher.dtype)[target]


def pairwise(difference: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return Σ w and Σ w (d − mean)² of each sample [B, 1]; half their product is ¼ Σ w(i) w(j) (d(i) − d(j))². And
    half of the latter's gradient [B, C] with respect to the student's logits, which d falls with.

    The mean is taken out before anything is squared, so differences that have a large one are as exact as others.

    Args:
        difference, weights: are not needed afterwards.
    """
    size = weights.sum(1, keepdim=True)
    mean = (weights * difference).sum(1, keepdim=True) / size
    slope = weights.mul_(difference.sub_(mean))
    spread = difference.mul_(slope).sum(1, keepdim=True)
    return size, spread, slope.neg_()


def dead(values: Values, _classes: int) -> tuple[str, ...]:
    """What a part that does not count alone would ask for."""
    of_pairs = ("weights", "weight_temperature", *(("gamma",) if "gamma" in values else ()))
    return (*(("temperature",) if values["alpha"] == 0 else ()), *(of_pairs if values["beta"] == 0 else ()))


TUNED = (
    tuned(CIFAR, "resnet56>resnet20", "wrn_40_2>shufflev1", beta=4.0),
    tuned(CIFAR, "resnet110>resnet32", "vgg13>vgg8", "resnet50>mobilenetv2", beta=12.0),
    tuned(CIFAR, "wrn_40_2>wrn_16_2", "resnet32x4>shufflev2", alpha=3.0, beta=12.0),
    tuned(CIFAR, "vgg13>mobilenetv2", alpha=4.0, beta=12.0),
    tuned(IMAGENET, weights="prior", temperature=1.0, weight_temperature=1.0),
    tuned(IMAGENET, R34_R18, beta=0.5),
    tuned(IMAGENET, R50_MV1, alpha=4.0, beta=1.0),
)
"""Of the authors' scripts."""

IKL_METHOD = Method(
    name="ikl",
    title="IKL",
    version=1,
    hyperparameters=IKL,
    module=late("trainers.methods.modules.prior", "WithPrior"),
    summary="cross-entropy with the teacher, and differences of logits between pairs of classes",
    source="arXiv:2305.13948",
    logs={"ikl": "its term, before weight and warm-up"},
    factors=("alpha", "beta"),
    dead=dead,
    by_pair=TUNED,
)
