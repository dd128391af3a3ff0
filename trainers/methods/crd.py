"""Contrastive representation distillation: tell the teacher's view of the same image from that of other classes.

Tian, Krishnan, Isola, "Contrastive Representation Distillation", ICLR 2020, arXiv:1910.10699. The scores are
normalised by an estimate from the batch's own, where the authors' code keeps that of the first batch: with that one,
the loss rises while the embeddings of the first epochs move, and depends on which images came first.
Shapes: B = batch, K = negatives an image, N = training images, D = width of the embeddings, C = classes.
"""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from trainers.late import Tensor, functional, late
from trainers.methods.record.hyperparameters import Distilled, Factor, Log
from trainers.methods.record.method import Couples, Method, Needs


class CRD(Distilled):
    negatives: Annotated[int, Field(ge=1), Log(256, 16384)] = 16384
    """Images of other classes that each image is told from; no more than there are of other classes."""
    dim: Annotated[int, Field(ge=1)] = 128
    """Width of the embeddings of both networks' vectors."""
    temperature: Annotated[float, Field(gt=0), Log(0.03, 0.3)] = 0.07
    """Divides the cosines."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the old embedding when a new one comes into the memory."""
    weight: Annotated[Factor, Log(0.1, 5)] = 0.8


def nce_loss(scores: Tensor, *, images: int) -> Tensor:
    """Return the noise-contrastive loss −log D(positive) − Σ log(1 − D(negative)), in nats, averaged over the batch.

    D = p / (p + K/N), with p the probability that the model gives an image and K/N that of being drawn as a negative.

    Args:
        scores: [B, 1 + K] log p, of the positive first.
        images: N.
    """
    ratios = scores - math.log((scores.shape[1] - 1) / images)
    positive, negatives = ratios[:, 0], ratios[:, 1:]
    return (functional.softplus(-positive).sum() + functional.softplus(negatives).sum()) / len(scores)


CRD_METHOD = Method(
    name="crd",
    title="CRD",
    version=1,
    hyperparameters=CRD,
    loss=nce_loss,
    module=late("trainers.methods.modules.crd", "Memory"),
    needs=Needs.FEATURES,
    summary="tell the same image from those of other classes",
    source="arXiv:1910.10699",
    couples=Couples.VECTORS,
    logs={
        "crd_student": "the student's embeddings against the teacher's memory",
        "crd_teacher": "the teacher's embeddings against the student's memory",
    },
)
