"""DeepKD: the task, the target and the other classes, each part with a momentum of its own.

Huang, Chen, Xiong, Liu, Zhang, "DeepKD: A Deeply Decoupled and Denoised Knowledge Distillation Trainer", NeurIPS 2025,
arXiv:2505.15133.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trainers.late import Tensor, late, torch
from trainers.methods.record.hyperparameters import BELOW_CLASSES, DistilledLogits, Factor, Log, Temperature
from trainers.methods.record.method import Method, Momentum, Values
from trainers.methods.terms.decoupled import decoupled
from trainers.methods.terms.ranking import top_ranks
from trainers.methods.terms.tensors import known, labelled, raised

Form = Literal["dkd", "kd"]
Momenta = Literal["released", "described", "one"]
Delta = Annotated[float, Field(gt=-0.9, lt=0.1)]
FIRST = 0.05
"""Share of the classes that a growing mask keeps at the start."""


class DeepKD(DistilledLogits):
    form: Form = "dkd"
    """How target and others are weighed: by alpha and beta, or as in kd, the others by the teacher's mean mass of
    them."""
    alpha: Annotated[Factor, Log(0.5, 4)] = 1.0
    """Factor of the KL between the masses of target and others; only where form is dkd."""
    beta: Annotated[Factor, Log(0.5, 16)] = 8.0
    """Factor of the KL among the others; only where form is dkd."""
    temperature: Temperature = 4.0
    """Divides the logits; 1 leaves the probabilities as they are."""
    mask: Literal["constant", "growing"] = "constant"
    """Which of the others are compared: the teacher's k highest, or as many as rise evenly from 5 % of the classes in
    the first epoch to all in the last."""
    k: Annotated[int, Field(ge=0), BELOW_CLASSES] = 0
    """How many of the teacher's highest classes are compared; 0: all. Only where the mask is constant."""
    momenta: Momenta = "released"
    """Momentum of each part: released as in the authors' code, where the task has the target's; described as in the
    paper; one: that of the recipe for all, in one backward pass. One by AdamW, too."""
    delta_task: Delta = 0.075
    """The task's momentum is so much more than the recipe's; only where the momenta are described."""
    delta_target: Delta = -0.075
    """Likewise the target's; if the momenta are released, the task's too."""
    delta_others: Delta = 0.05
    """Likewise the others'."""
    warmup_epochs: Factor = 20.0
    """Epochs over which the method's term ramps up to its weight; the authors' 20 belong to 240 epochs."""


def deepkd_loss(
    student: Tensor,
    teacher: Tensor,
    target: Tensor,
    *,
    temperature: float,
    k: int = 0,
    form: Form = "dkd",
    alpha: float = 1.0,
    beta: float = 8.0,
) -> Tensor:
    """Return what the target and what the others add, in nats.

    dkd: alpha · T² · KL between the masses of target and others + beta · T² · KL among the others, averaged over the
    batch. kd: the former without a factor, the latter times the mean of the teacher's mass of the others, as in the
    authors' code.

    Args:
        student: [B, C] logits; half precision is raised to float32, float64 is kept.
        teacher: logits of the same shape; a constant.
        target: [B] class numbers.
        k: only the teacher's k highest classes are compared among the others, the target counting as one of them where
            it is; 0: all. Where that leaves none, there is nothing to compare.

    Raises:
        ValueError: the logits are not two tensors of one shape [B, C], there is not one target a sample, or k is not
            less than the number of classes.
    """
    of_target, of_others = parts(student, teacher, target, temperature, k, form)
    return of_target + of_others if form == "kd" else alpha * of_target + beta * of_others


def parts(
    student: Tensor, teacher: Tensor, target: Tensor, temperature: float, k: int, form: Form
) -> tuple[Tensor, Tensor]:
    """Return what target and others add, without alpha and beta."""
    ours, theirs = raised(student, teacher)
    labelled(ours, target)
    scale = 1 / len(ours)
    with torch.inference_mode():  # nothing to record: the gradient is worked out here
        kept = None
        if k:
            first = top_ranks(theirs, k)
            kept = torch.zeros_like(theirs, dtype=torch.bool).scatter_(1, first, True)
            kept.scatter_(1, target[:, None], False)
        found = decoupled(ours, theirs, target, temperature, kept)
        of_others: float | Tensor = scale
        if form == "kd":
            mass = 1 - (theirs / temperature).softmax(1).gather(1, target[:, None])
            of_others = scale * mass.mean()
        of_target = (found.target.mul_(scale), found.target_slope.mul_(scale))
        among = (found.others.mul_(of_others), found.others_slope.mul_(of_others))
    return known(ours, *of_target), known(ours, *among)


def kept_at(epoch: int, epochs: int, classes: int) -> int:
    """Return how many classes a growing mask keeps in an epoch, from 1; 0: all."""
    done = (epoch - 1) / (epochs - 1) if epochs > 1 else 1.0
    kept = round(classes * (FIRST + (1 - FIRST) * done))
    return 0 if kept >= classes else max(kept, 1)


def _momenta(values: Values) -> tuple[Momentum, ...]:
    """Return the parts in the order in which they move the weights."""
    if values["momenta"] == "one":
        return ()
    task = values["delta_target" if values["momenta"] == "released" else "delta_task"]
    return (
        Momentum("task", task),
        Momentum("others", values["delta_others"]),
        Momentum("target", values["delta_target"], decays=True),
    )


def _dead(values: Values, classes: int) -> tuple[str, ...]:
    """What the other form, mask and momenta ask for; with two classes there is one other: nothing to compare."""
    dead = [] if values["form"] == "dkd" else ["alpha", "beta"]
    if values["mask"] == "growing":
        dead.append("k")
    if classes == 2:
        dead += ["mask", "k", *(["beta"] if values["form"] == "dkd" else [])]
    if values["momenta"] != "described":
        dead.append("delta_task")
    if values["momenta"] == "one":
        dead += ["delta_target", "delta_others"]
    if values["form"] == "dkd" and values["alpha"] == 0 and (values["beta"] == 0 or classes == 2):
        dead += ["temperature", "mask", "k"]
    return tuple(dict.fromkeys(dead))


DEEPKD_METHOD = Method(
    name="deepkd",
    title="DeepKD",
    version=1,
    hyperparameters=DeepKD,
    module=late("trainers.methods.modules.deepkd", "Parts"),
    summary="target and others, each with the task in a part and a momentum of its own",
    source="arXiv:2505.15133",
    logs={"target": "the target's part", "others": "the other classes' part"},
    factors=("alpha", "beta"),
    momenta=_momenta,
    dead=_dead,
)
