"""The logit methods as a training script would write them: softmax, log, masks; for the benchmark and the tests.

Plain formulas of the papers in plain PyTorch, in the precision of their inputs, without care for hard inputs.
Shapes: B = batch, C = classes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def dist(student: Tensor, teacher: Tensor, *, temperature: float, beta: float, gamma: float) -> Tensor:
    """Return Pearson relations inside samples and inside classes."""
    ours, theirs = _softened(student, temperature), _softened(teacher, temperature)
    inter, intra = 1 - _pearson(ours, theirs).mean(), 1 - _pearson(ours.t(), theirs.t()).mean()
    return temperature**2 * (beta * inter + gamma * intra)


def mlkd(
    student: Tensor, teacher: Tensor, *, temperatures: Sequence[float], mask: str = "none", quantile: float = 0.5
) -> Tensor:
    """Return KL, class relations and sample relations, summed over temperatures."""
    batch, classes = student.shape
    certain = functional.softmax(teacher, dim=1)
    confidence, mass = certain.max(dim=1).values, certain.sum(dim=0)
    samples = (confidence <= torch.quantile(confidence, quantile)).to(student.dtype)
    columns = (mass <= torch.quantile(mass, quantile)).to(student.dtype)
    if mask == "none":
        samples, columns = torch.ones_like(samples), torch.ones_like(columns)
    if mask == "released":
        samples, columns = torch.ones_like(samples) * samples.mean(), torch.ones_like(columns) * columns.mean()
    loss = student.new_zeros(())
    for temperature in temperatures:
        ours, theirs = _softened(student, temperature), _softened(teacher, temperature)
        instance = functional.kl_div(ours.log(), theirs, reduction="none").sum(1)
        relation = (torch.mm(theirs.t(), theirs) - torch.mm(ours.t(), ours)) ** 2
        neighbour = (torch.mm(theirs, theirs.t()) - torch.mm(ours, ours.t())) ** 2
        loss = loss + temperature**2 * (samples * instance).mean()
        loss = loss + (columns[:, None] * relation).sum() / classes + (samples[:, None] * neighbour).sum() / batch
    return loss


def nkd(student: Tensor, teacher: Tensor, target: Tensor, *, gamma: float, temperature: float) -> Tensor:
    """Return the soft target's cross-entropy and that among the other classes."""
    soft = functional.softmax(teacher, dim=1).gather(1, target[:, None])
    label = -(soft * functional.softmax(student, dim=1).gather(1, target[:, None]).log()).mean()
    ours, theirs = _others(student, target) / temperature, _others(teacher, target) / temperature
    others = -(functional.softmax(theirs, dim=1) * functional.log_softmax(ours, dim=1)).sum(1).mean()
    return label + gamma * temperature**2 * others


def ttm(student: Tensor, teacher: Tensor, *, power: float) -> Tensor:
    """Return KL of the power-transformed teacher and the student."""
    powered = functional.softmax(teacher, dim=1).pow(power)
    powered = powered / powered.sum(1, keepdim=True)
    return functional.kl_div(functional.log_softmax(student, dim=1), powered, reduction="batchmean")


def wttm(student: Tensor, teacher: Tensor, *, power: float) -> Tensor:
    """Return the same, each sample weighted by the sum of its powers."""
    powered = functional.softmax(teacher, dim=1).pow(power)
    total = powered.sum(1)
    divergence = functional.kl_div(
        functional.log_softmax(student, dim=1), powered / total[:, None], reduction="none"
    ).sum(1)
    return (total * divergence).mean()


def rld(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    *,
    alpha: float,
    alpha_temperature: float,
    beta: float,
    temperature: float,
) -> Tensor:
    """Return the teacher's confidence for the target, and the classes below the target."""
    chosen = functional.one_hot(target, student.shape[1]).bool()
    highest = functional.one_hot(teacher.argmax(dim=1), student.shape[1]).bool()
    ours = _masses(_softened(student, alpha_temperature), chosen)
    theirs = _masses(_softened(teacher, alpha_temperature), highest)
    confidence = functional.kl_div(ours.log(), theirs, reduction="batchmean") * alpha_temperature**2
    out = teacher >= teacher.gather(1, target[:, None])
    kept_student = (student / temperature).masked_fill(out, -1e9)
    kept_teacher = (teacher / temperature).masked_fill(out, -1e9)
    below = functional.kl_div(
        functional.log_softmax(kept_student, dim=1), functional.softmax(kept_teacher, dim=1), reduction="none"
    )
    return alpha * confidence + beta * temperature**2 * (below * ~out).sum(1).mean()


def luminet(student: Tensor, teacher: Tensor, *, alpha: float, temperature: float) -> Tensor:
    """Return KL of the logits standardised class by class over the batch."""
    ours, theirs = (
        (logits - logits.mean(dim=0)) / torch.sqrt(logits.var(dim=0, unbiased=False) + 1e-5)
        for logits in (student, teacher)
    )
    log_ours = functional.log_softmax(ours / temperature, dim=1)
    return alpha**2 * functional.kl_div(log_ours, _softened(theirs, temperature), reduction="batchmean")


def wkd(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    *,
    gamma: float,
    temperature: float,
    cost: Tensor,
    regularization: float,
    iterations: int,
) -> Tensor:
    """Return the soft target's cross-entropy and the cost of Sinkhorn's plan among the other classes."""
    batch, classes = student.shape
    soft = functional.softmax(teacher, dim=1).gather(1, target[:, None])
    label = -(soft * functional.log_softmax(student, dim=1).gather(1, target[:, None])).mean()
    rest = ~functional.one_hot(target, classes).bool()
    both = rest[:, :, None] & rest[:, None, :]
    costs = cost.to(student.dtype).expand(batch, -1, -1)[both].reshape(batch, classes - 1, classes - 1)
    ours = _softened(_others(student, target), temperature)[:, :, None]
    theirs = _softened(_others(teacher, target), temperature)[:, :, None]
    kernel = torch.exp(-costs / regularization)
    left = torch.ones_like(ours)
    right = torch.ones_like(theirs)
    for _ in range(iterations):
        right = theirs / torch.bmm(kernel.transpose(1, 2), left)
        left = ours / torch.bmm(kernel, right)
    plan = left * kernel * right.transpose(1, 2)
    return label + gamma * (plan * costs).sum((1, 2)).mean()


def ctkd(student: Tensor, teacher: Tensor, *, temperature: float | Tensor) -> Tensor:
    """Return KL at a temperature that may be a tensor."""
    ours, theirs = functional.log_softmax(student / temperature, dim=1), _softened(teacher, temperature)
    return functional.kl_div(ours, theirs, reduction="batchmean") * temperature**2


def _softened(logits: Tensor, temperature: float | Tensor) -> Tensor:
    return functional.softmax(logits / temperature, dim=1)


def _pearson(left: Tensor, right: Tensor) -> Tensor:
    left, right = left - left.mean(1, keepdim=True), right - right.mean(1, keepdim=True)
    norms: Tensor = left.norm(dim=1) * right.norm(dim=1)
    return (left * right).sum(1) / (norms + 1e-8)


def _others(logits: Tensor, target: Tensor) -> Tensor:
    """Return the logits [B, C − 1] without the target's."""
    rest = ~functional.one_hot(target, logits.shape[1]).bool()
    return logits[rest].reshape(len(logits), -1)


def _masses(probabilities: Tensor, chosen: Tensor) -> Tensor:
    """Return the masses [B, 2] of the chosen classes and of the others."""
    return torch.stack(((probabilities * chosen).sum(1), (probabilities * ~chosen).sum(1)), dim=1)
