"""One for all: the teacher's probabilities with the target's raised, for pairs of different architectures.

Hao, Guo, Han, Tang, Hu, Wang, Xu, "One-for-All: Bridge the Gap Between Heterogeneous Architectures in Knowledge
Distillation", NeurIPS 2023, arXiv:2310.19444; its loss on logits, without the branches of the student's stages.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log, Temperature
from trainers.methods.record.method import Method
from trainers.methods.record.tuned import IMAGENET, tuned
from trainers.methods.terms.tensors import dot, known, labelled, raised


class OFA(DistilledLogits):
    epsilon: Annotated[float, Field(gt=0, le=10), Log(0.5, 4)] = 1.0
    """Exponent of the teacher's probabilities, the target's being raised by 1; 1 leaves them as they are."""
    temperature: Temperature = 1.0
    """Divides the logits; 1 leaves the probabilities as they are."""
    weight: Annotated[Factor, Log(0.25, 8)] = 1.0
    """Factor of the method's term beside the cross-entropy."""


def ofa_loss(student: Tensor, teacher: Tensor, target: Tensor, *, epsilon: float, temperature: float) -> Tensor:
    """Return −Σ over classes of ((p + 1 at the target)^epsilon − 1 at the target) · log q, averaged over the batch.

    p and q are the probabilities of teacher and student at T; there is no T². A cross-entropy: at equal logits the loss
    is not 0.

    Args:
        student: [B, C] logits; half precision is raised to float32, float64 is kept.
        teacher: logits of the same shape; a constant.
        target: [B] class numbers.

    Raises:
        ValueError: the logits are not two tensors of one shape [B, C], or there is not one target a sample.
    """
    ours, theirs = raised(student, teacher)
    labelled(ours, target)
    scale, label = 1 / len(ours), target[:, None]
    with torch.inference_mode():  # nothing to record: the gradient is worked out here
        log_q, soft = (ours / temperature).log_softmax(1), (theirs / temperature).log_softmax(1)
        raised_label = (soft.gather(1, label).exp_() + 1).pow_(epsilon) - 1
        soft.mul_(epsilon).exp_().scatter_(1, label, raised_label)
        value = dot(soft, log_q) * -scale
        gradient = log_q.exp_().mul_(soft.sum(1, keepdim=True)).sub_(soft).mul_(scale / temperature)
    return known(ours, value, gradient)


OFA_METHOD = Method(
    name="ofa",
    title="OFA-KD",
    version=1,
    hyperparameters=OFA,
    loss=ofa_loss,
    summary="cross-entropy with the teacher's powered probabilities, the target's raised by 1",
    source="arXiv:2310.19444",
    by_pair=(tuned(IMAGENET, epsilon=1.5),),
)
