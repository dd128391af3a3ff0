"""Probabilistic knowledge transfer: each image's distribution of similarity over the rest of the batch.

Passalis, Tefas, "Learning Deep Representations with Probabilistic Knowledge Transfer", ECCV 2018, arXiv:1803.10837.
Shapes: B = batch, D = width of the vector (may differ between the networks).
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import Distilled, Factor, Log
from trainers.methods.record.method import Couples, Method, Needs
from trainers.methods.terms.bound import of_loss
from trainers.methods.terms.layers import vectors

EPS = 1e-7


class PKT(Distilled):
    weight: Annotated[Factor, Log(3000, 100000)] = 30000.0


def pkt_loss(student_vector: Tensor, teacher_vector: Tensor) -> Tensor:
    """Return the mean over i, j of P_teacher · log((P_teacher + ε) / (P_student + ε)), in nats, ε = 1e-7.

    P [B, B] = (cosine + 1) / 2 of every two images, each row divided by its sum.

    Args:
        student_vector: [B, D].
        teacher_vector: [B, D] of any width; a constant.
    """
    ours, theirs = _probabilities(student_vector), _probabilities(teacher_vector.detach())
    return (theirs * ((theirs + EPS) / (ours + EPS)).log()).mean()


def _probabilities(vectors_BD: Tensor) -> Tensor:
    length = torch.linalg.vector_norm(vectors_BD, dim=1, keepdim=True)
    scaled = torch.where(length > 0, vectors_BD / (length + EPS), 0.0)  # a vector of zeros gets no gradient
    similarity = (scaled @ scaled.T + 1) / 2
    return similarity / similarity.sum(1, keepdim=True)


PKT_METHOD = Method(
    name="pkt",
    title="PKT",
    version=1,
    hyperparameters=PKT,
    loss=pkt_loss,
    term=of_loss("pkt", pkt_loss, partial(vectors, "pkt")),
    needs=Needs.FEATURES,
    summary="each image's distribution of similarity over the batch",
    source="arXiv:1803.10837",
    least_batch=2,
    couples=Couples.VECTORS,
)
