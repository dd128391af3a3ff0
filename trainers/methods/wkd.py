"""Wasserstein distillation of logits: what it costs to move the student's probabilities to the teacher's.

Lv, Yang, Li, "Wasserstein Distance Rivals Kullback-Leibler Divergence for Knowledge Distillation", NeurIPS 2024,
arXiv:2412.08139; its logit part, WKD-L.
Shapes: B = batch, C = classes, D = width of the vector before the classifier.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.late import Tensor, functional, late, torch
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log
from trainers.methods.record.method import Method, Values
from trainers.methods.record.tuned import CIFAR, IMAGENET, tuned
from trainers.methods.terms.tensors import raised


class WKD(DistilledLogits):
    gamma: Annotated[Factor, Log(10, 1000)] = 200.0
    """Factor of the transport cost among the classes that are not the target."""
    temperature: Annotated[float, Field(ge=0.001, le=100), Log(1, 16)] = 8.0
    """Divides the logits of the classes that are not the target; the target's own part is at 1."""
    sharpness: Annotated[float, Field(gt=0), Log(0.25, 4)] = 1.0
    """Moving between classes costs 1 − exp(−sharpness · (1 − cosine of the teacher's classifier rows))."""
    regularization: Annotated[float, Field(ge=0.02)] = 0.05
    """Weight of the entropy in the transport, in units of cost; less is closer to the true transport cost."""
    iterations: Annotated[int, Field(ge=1)] = 10
    """Sinkhorn iterations."""
    decay_from: Annotated[float, Field(ge=0, le=1)] = 150 / 240
    """Fraction of the training from which gamma falls to 0 along a cosine; 1 keeps it."""


def wkd_loss(
    student_BC: Tensor,
    teacher_BC: Tensor,
    target_B: Tensor,
    *,
    gamma: float,
    temperature: float,
    cost: Tensor,
    regularization: float,
    iterations: int,
) -> Tensor:
    """Return −p(y) · log q(y) + gamma · Σ over i, j of F(i, j) · cost(i, j), averaged over the batch.

    p and q are the teacher's and the student's probabilities at T 1 of the target y. F is the plan that moves the
    student's probabilities at T among the other classes to the teacher's, as Sinkhorn's iterations leave it: exactly
    the student's on one side, nearly the teacher's on the other. The gradient goes through the iterations. The plan
    is blurred by its entropy, so equal distributions cost a little more than 0.

    All samples share one cost, so a plan is never written out: B·C + C² numbers an iteration, where the textbook has
    B·C².

    Args:
        student_BC: logits, C at least 2; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.
        target_B: class numbers.
        cost: [C, C] of moving from a class to another, 0 or greater, 0 from a class to itself; a constant. In float32
            at most 80 times the regularization.

    Raises:
        ValueError: the logits are not two tensors of one shape [B, C], or the cost is not [C, C].
    """
    label, transport = sides(student_BC, teacher_BC, target_B, temperature, cost, regularization, iterations)
    return label + gamma * transport


def sides(
    student_BC: Tensor,
    teacher_BC: Tensor,
    target_B: Tensor,
    temperature: float,
    cost: Tensor,
    regularization: float,
    iterations: int,
) -> tuple[Tensor, Tensor]:
    student, teacher = raised(student_BC, teacher_BC)
    classes, target_B1 = student.shape[1], target_B[:, None]
    if cost.shape != (classes, classes):
        raise ValueError(f"a cost for {classes} classes must be [{classes}, {classes}], got {[*cost.shape]}")
    label = -(teacher.softmax(1).gather(1, target_B1) * student.log_softmax(1).gather(1, target_B1)).mean()
    ours, theirs = (
        (logits / temperature).scatter(1, target_B1, -torch.inf).log_softmax(1) for logits in (student, teacher)
    )
    with torch.autocast(student.device.type, enabled=False):  # products of matrices would be rounded to half precision
        return label, _transport(ours, theirs, cost.detach().to(student.dtype), regularization, iterations).mean()


def _transport(source_BC: Tensor, goal_BC: Tensor, cost: Tensor, regularization: float, iterations: int) -> Tensor:
    """Return the cost [B] of Sinkhorn's plan from one distribution to the other.

    Args:
        source_BC, goal_BC: logarithms of the probabilities; −∞ where both are 0.
    """
    kernel = (-cost / regularization).exp()
    source_scale = torch.zeros_like(source_BC).masked_fill(source_BC == -torch.inf, -torch.inf)
    for _ in range(iterations):
        goal_scale = goal_BC - _log_product(source_scale, kernel)
        source_scale = source_BC - _log_product(goal_scale, kernel.T)
    # the last step made the plan's rows sum to the source: each class pays the mean cost of where it goes
    scale = (goal_scale - _highest(goal_scale)).exp()
    paid = (scale @ (kernel * cost).T) / (scale @ kernel.T)
    return (source_BC.exp() * paid).sum(1)


def _log_product(log_BC: Tensor, kernel: Tensor) -> Tensor:
    """Return log(exp(x) @ kernel); never the logarithm of a 0, as the highest x stands for 1."""
    high = _highest(log_BC)
    return ((log_BC - high).exp() @ kernel).log() + high


def _highest(log_BC: Tensor) -> Tensor:
    return log_BC.detach().amax(1, keepdim=True)


def class_costs(rows_CD: Tensor, sharpness: float) -> Tensor:
    """Return the cost [C, C] of moving between classes that the rows of a classifier stand for."""
    unit = functional.normalize(rows_CD, dim=1)
    distance = (1 - unit @ unit.T).clamp(min=0).fill_diagonal_(0)
    return -torch.expm1(-sharpness * distance)


def _dead(values: Values, classes: int) -> tuple[str, ...]:
    """With two classes there is one other: nothing to move."""
    of_transport = ("temperature", "sharpness", "regularization", "iterations", "decay_from")
    if classes == 2:
        return ("gamma", *of_transport)
    return of_transport if values["gamma"] == 0 else ()


WKD_METHOD = Method(
    name="wkd",
    title="WKD-L",
    version=1,
    hyperparameters=WKD,
    module=late("trainers.methods.modules.wkd", "Transport"),
    summary="cost of moving probabilities between classes, near ones being cheap",
    source="arXiv:2412.08139",
    logs={"label": "the target's part", "transport": "the cost of transport"},
    dead=_dead,
    by_pair=(
        tuned(CIFAR, "resnet32x4>resnet8x4", gamma=600.0),
        tuned(CIFAR, "wrn_40_2>shufflev1", gamma=200.0),
        tuned(IMAGENET, gamma=30.0, temperature=2.0),
    ),
)
