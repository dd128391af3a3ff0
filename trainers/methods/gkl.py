"""Generalised KL: as IKL, with the weights of the classes smoothed by a power.

Cui et al., "Generalized Kullback-Leibler Divergence Loss", TPAMI 2025, arXiv:2503.08038.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.late import Tensor, late, torch
from trainers.methods.ikl import IKL, TUNED, Weights, add_cross_entropy, dead, pairwise, weights_of
from trainers.methods.record.hyperparameters import Linear, Log
from trainers.methods.record.method import Couples, Method
from trainers.methods.record.tuned import IMAGENET, R34_R18, R50_MV1, tuned
from trainers.methods.terms.tensors import known, raised


class GKL(IKL):
    gamma: Annotated[float, Field(ge=0, le=1), Linear(0, 1)] = 0.3
    """Exponent of the weights of the classes: 0 weighs all alike, 1 is IKL."""
    weight_temperature: Annotated[float, Field(ge=0.001, le=1000), Log(1, 200)] = 4.0


def gkl_loss(
    student: Tensor,
    teacher: Tensor,
    target: Tensor | None = None,
    prior: Tensor | None = None,
    *,
    alpha: float,
    beta: float,
    gamma: float,
    temperature: float,
    weights: Weights = "sample",
    weight_temperature: float = 4.0,
) -> Tensor:
    """Return alpha · CE(p, q) + beta · Σ over samples of ¼ Σ over i, j of v(i) v(j) (d(i) − d(j))² / Σ (Σ v)².

    p and q are the probabilities of teacher and student at T, d the teacher's logits less the student's, v = w^gamma
    the weights. The cross-entropy is averaged over the batch and holds the teacher's entropy; samples are weighed in
    the other part by how even their weights are.

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
        smoothed = weights_of(theirs, target, prior, weights, weight_temperature).pow_(gamma)
        size, spread, slope = pairwise(theirs - ours, smoothed)
        scale = beta / size.square().sum()
        pairs, slope = size * spread * (scale / 2), slope.mul_(size * scale)
        entropy = add_cross_entropy(ours, theirs, temperature, alpha, slope)
    return known(ours, torch.cat([pairs.view(-1), entropy]), slope)


GKL_METHOD = Method(
    name="gkl",
    title="GKL",
    version=1,
    hyperparameters=GKL,
    module=late("trainers.methods.modules.prior", "WithPrior"),
    summary="as ikl, with the weights of the classes smoothed by a power",
    source="arXiv:2503.08038",
    couples=Couples.LOGITS,
    logs={"gkl": "its term, before weight and warm-up"},
    factors=("alpha", "beta"),
    dead=dead,
    by_pair=(*TUNED, tuned(IMAGENET, R34_R18, gamma=0.6), tuned(IMAGENET, R50_MV1, gamma=0.5)),
)
