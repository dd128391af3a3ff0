"""Scale-decoupled distillation: a logit loss on every region of the image, more where it disagrees with the whole.

Luo, Cao, Zhu, Hu, Chen, "Scale Decoupled Distillation", CVPR 2024, arXiv:2403.13512.
Shapes: B = batch, C = classes, N = regions, the first being the whole image.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from trainers.late import Tensor, late, torch
from trainers.methods.record.hyperparameters import Distilled, Factor, Log, Temperature
from trainers.methods.record.method import Method, Needs, Values
from trainers.methods.record.tuned import CIFAR, tuned
from trainers.methods.terms.decoupled import decoupled
from trainers.methods.terms.layers import classified
from trainers.methods.terms.tensors import known, labelled, raised

Form = Literal["dkd", "nkd"]


class SDD(Distilled):
    grids: tuple[Annotated[int, Field(ge=1, le=16)], ...] = (1, 2)
    """The last map is cut into so many rows and columns of cells, grid after grid; the first is 1, the whole image."""
    form: Form = "dkd"
    """The loss of each region."""
    alpha: Annotated[Factor, Log(0.5, 4)] = 1.0
    """Factor of the KL between the masses of target and rest; only where form is dkd."""
    beta: Annotated[Factor, Log(0.5, 16)] = 8.0
    """Factor of the KL among the classes that are not the target; only where form is dkd."""
    gamma: Annotated[Factor, Log(0.5, 8)] = 1.5
    """Factor of the softened cross-entropy; only where form is nkd."""
    temperature: Temperature = 4.0
    """Divides the logits; 1 leaves the probabilities as they are."""
    disagreeing: Annotated[float, Field(gt=0), Log(1, 4)] = 2.0
    """Factor of the regions on which the teacher is right where it is wrong on the whole, or the other way round."""
    warmup_epochs: Factor = 20.0
    """Epochs over which the method's term ramps up to its weight; the authors' 20 belong to 240 epochs."""

    @field_validator("grids")
    @classmethod
    def _whole_first(cls, grids: tuple[int, ...]) -> tuple[int, ...]:
        if grids[:1] != (1,):
            raise ValueError(f"must start with 1, the whole image, got {[*grids]}")
        return grids


def sdd_loss(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    *,
    temperature: float,
    disagreeing: float = 2.0,
    alpha: float = 1.0,
    beta: float = 8.0,
    gamma: float | None = None,
    form: Form | None = None,
) -> Tensor:
    """Return the mean over all regions of all samples of a logit loss, times `disagreeing` where the teacher is right
    on the region and wrong on the whole image, or the other way round.

    dkd: T² · (alpha · KL of target and rest + beta · KL among the rest). nkd: −p(y) · log q(y) at temperature 1 −
    gamma · T² · Σ p · log q at T over all classes, the target among them, as in the authors' code.

    Args:
        student: [B, C, N] logits of regions; half precision is raised to float32, float64 is kept.
        teacher: logits of the same shape; a constant.
        target: [B] class numbers.
        gamma: of nkd alone.
        form: by default nkd where gamma is given, else dkd.

    Raises:
        ValueError: the tensors are not two of one shape [B, C, N], or there is not one target a sample.
    """
    if student.ndim != 3 or student.shape != teacher.shape:
        raise ValueError(
            f"logits of regions must be two tensors of one shape [B, C, N], got {[*student.shape]} and "
            f"{[*teacher.shape]}"
        )
    labelled(student, target)
    size = student.shape[2]
    ours, theirs = raised(*(one.transpose(1, 2).flatten(0, 1) for one in (student, teacher)))
    with torch.inference_mode():  # nothing to record: the gradient is worked out here
        right = (theirs.argmax(1) == target.repeat_interleave(size)).view(-1, size)
        weights = torch.where(right == right[:, :1], 1.0, disagreeing).to(ours.dtype).view(-1, 1) / len(ours)
        targets = target.repeat_interleave(size)
        if form == "nkd" or (form is None and gamma is not None):
            each, slope = _normalised(ours, theirs, targets, 1.5 if gamma is None else gamma, temperature)
        else:
            found = decoupled(ours, theirs, targets, temperature)
            each = found.target.mul_(alpha).add_(found.others, alpha=beta)
            slope = found.target_slope.mul_(alpha).add_(found.others_slope, alpha=beta)
        each, slope = each * weights, slope.mul_(weights)
    return known(ours, each, slope)


def _normalised(
    student: Tensor, teacher: Tensor, target: Tensor, gamma: float, temperature: float
) -> tuple[Tensor, Tensor]:
    """Return the loss of each row [B, 1] and its gradient [B, C] with respect to the student's logits."""
    label = target[:, None]
    share, log_q = teacher.softmax(1).gather(1, label), student.log_softmax(1)
    of_label = share * -log_q.gather(1, label)
    slope = log_q.exp_().mul_(share)
    slope.scatter_add_(1, label, -share)
    soft, log_q = (teacher / temperature).softmax(1), (student / temperature).log_softmax(1)
    each = (soft * log_q).sum(1, keepdim=True).mul_(-gamma * temperature**2).add_(of_label)
    return each, slope.add_(log_q.exp_().sub_(soft), alpha=gamma * temperature)


def _dead(values: Values, classes: int) -> tuple[str, ...]:
    """What the other form asks for; with two classes there is nothing among the rest. One region cannot disagree."""
    alone = ("disagreeing",) if set(values["grids"]) == {1} else ()
    if values["form"] == "nkd":
        return ("alpha", "beta", *alone, *(("temperature",) if values["gamma"] == 0 else ()))
    rest = ("beta",) if classes == 2 else ()
    nothing = values["alpha"] == 0 and (values["beta"] == 0 or bool(rest))
    return ("gamma", *alone, *rest, *(("temperature", *({"disagreeing"} - {*alone})) if nothing else ()))


SDD_METHOD = Method(
    name="sdd",
    title="SDD",
    version=1,
    hyperparameters=SDD,
    module=late("trainers.methods.modules.regions", "Regions"),
    needs=Needs.FEATURES,
    summary="a logit loss on every region of the last map, more where it disagrees with the whole",
    source="arXiv:2403.13512",
    factors=("alpha", "beta"),
    dead=_dead,
    fits=lambda _values, student, teacher: classified("sdd", student, teacher),
    by_pair=(
        tuned(
            CIFAR,
            "resnet32x4>shufflev1",
            "resnet32x4>shufflev2",
            "wrn_40_2>shufflev1",
            "vgg13>mobilenetv2",
            "resnet50>mobilenetv2",
            "resnet50>vgg8",
            grids=(1, 2, 4),
        ),
    ),
)
