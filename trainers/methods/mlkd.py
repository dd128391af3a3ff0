"""Multi-level distillation: match samples, the relations between classes, and those between samples.

Jin, Wang, Lin, "Multi-Level Logit Distillation", CVPR 2023.
Shapes: B = batch, C = classes.

The paper trains on a weak and a strong view of every image (`views`); one view is the released code's variant without
the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import Field, field_validator

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Linear, Log
from trainers.methods.record.method import Couples, Method, Problem, Values
from trainers.methods.record.outputs import Output, TermValue
from trainers.methods.record.tuned import IMAGENET, tuned
from trainers.methods.terms.standardize import standardize
from trainers.methods.terms.tensors import raised

Mask = Literal["none", "released", "described"]
TEMPERATURES = (2.0, 3.0, 4.0, 5.0, 6.0)
Views = Literal["one", "released", "described"]
TWICE = 2
"""Temperatures, the last ones, at which the released code compares the weak view once more in place of the strong."""


class MLKD(DistilledLogits):
    temperatures: tuple[Annotated[float, Field(ge=0.001, le=100)], ...] = TEMPERATURES
    """Each divides the logits in turn; the terms of all are added."""
    mask: Mask = "released"
    """Which samples and classes count: none leaves all in; released scales the terms by the share that the teacher is
    least sure of, as the authors' code does; described leaves the others out."""
    quantile: Annotated[float, Field(gt=0, lt=1), Linear(0.1, 0.9)] = 0.5
    """Samples and classes up to this quantile of the teacher's confidence count; nothing without a mask."""
    ce_weight: Factor = 0.1
    weight: Annotated[Factor, Log(0.5, 9)] = 0.9
    standardize: bool = False
    """Standardize the logits of teacher and student first, for the KL of the samples only."""

    views: Views = "one"
    """Of each image: one; or a strong one beside it, compared as in the authors' code, which at the last two of the
    temperatures (theirs are 4, 3, 5, 2, 6) takes the weak one again, or as described in the paper."""

    @field_validator("temperatures")
    @classmethod
    def _some(cls, temperatures: tuple[float, ...]) -> tuple[float, ...]:
        if not temperatures:
            raise ValueError("must have at least one temperature, got an empty list")
        return temperatures


Logits: TypeAlias = "tuple[Tensor, Tensor]"
"""Student's and teacher's [B, C]."""


class _Levels(NamedTuple):
    """The three terms, summed over the temperatures."""

    instance: Tensor
    classes: Tensor
    batch: Tensor


def mlkd_loss(
    student_BC: Tensor,
    teacher_BC: Tensor,
    *,
    student_strong: Tensor | None = None,
    teacher_strong: Tensor | None = None,
    temperatures: Sequence[float],
    mask: Mask = "none",
    quantile: float = 0.5,
    views: Views = "one",
    standardize: bool = False,
) -> Tensor:
    """Return Σ over T of T² · KL(teacher || student) + ‖PᵀP − QᵀQ‖² / C + ‖PPᵀ − QQᵀ‖² / B.

    P and Q [B, C] are the teacher's and the student's probabilities at T; the KL is in nats and averaged over the
    batch. 0 where the logits differ by a constant for each sample.

    With a mask, samples count whose highest teacher probability at T 1 is at most its quantile over the batch, and
    classes whose teacher probability summed over the batch is at most its quantile over the classes. `released`
    multiplies the terms of samples and of classes by the share that counts; `described` leaves out the KL and the
    row of PPᵀ of a sample, and the row of PᵀP of a class, that do not.

    Of two views `described` adds all terms of the strong one, with its own masks. `released` adds the KL alone, without
    masks, of the strong view, and at the last two temperatures of the weak one once more.

    Args:
        student_BC: logits; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.
        student_strong, teacher_strong: the same of a strong view of each image.
        standardize: the KL compares standardized logits.

    Raises:
        ValueError: the tensors are not two of one shape [B, C], or those of the strong view are missing.
    """
    weak = raised(student_BC, teacher_BC)
    strong = None
    if views != "one":
        if student_strong is None or teacher_strong is None:
            raise ValueError(f"views {views} needs the logits of a strong view from student and teacher")
        strong = raised(student_strong, teacher_strong)
    instance, classes, batch = _all_levels(weak, strong, temperatures, mask, quantile, views, standardize)
    return instance + classes + batch


def _all_levels(
    weak: Logits,
    strong: Logits | None,
    temperatures: Sequence[float],
    mask: Mask,
    quantile: float,
    views: Views,
    standardized: bool,
) -> _Levels:
    """Return the three terms of all views."""
    of_instance = _compared(weak, standardized)
    levels = _levels(weak, of_instance, temperatures, mask, quantile)
    if strong is None:
        return levels
    again = _compared(strong, standardized)
    if views == "described":
        more = _levels(strong, again, temperatures, mask, quantile)
        return _Levels(*(one + other for one, other in zip(levels, more, strict=True)))
    first, last = temperatures[:-TWICE], temperatures[-TWICE:]
    return levels._replace(instance=levels.instance + _divergences(again, first) + _divergences(of_instance, last))


def _compared(logits: Logits, standardized: bool) -> Logits:
    """Return the logits that the KL compares."""
    return (standardize(logits[0]), standardize(logits[1])) if standardized else logits


def _divergences(logits: Logits, temperatures: Sequence[float]) -> Tensor:
    """Return the KL summed over the temperatures, averaged over the batch."""
    total = logits[0].new_zeros(())
    for temperature in temperatures:
        total = total + temperature**2 * _divergence(logits, temperature).mean()
    return total


def _divergence(logits: Logits, temperature: float) -> Tensor:
    """Return the KL of each sample [B]."""
    ours, theirs = ((one / temperature).log_softmax(1) for one in logits)
    return (theirs.exp() * (theirs - ours)).sum(1)


def _levels(
    logits: Logits,
    instance_logits: Logits,
    temperatures: Sequence[float],
    mask: Mask,
    quantile: float,
) -> _Levels:
    """Return the three terms.

    Args:
        logits: student's and teacher's [B, C].
        instance_logits: those that the KL compares.
    """
    student, teacher = logits
    (samples, size), shares = student.shape, _shares(teacher, mask, quantile)
    total = _Levels(*student.new_zeros(3).unbind())
    with torch.autocast(student.device.type, enabled=False):  # products of matrices would be rounded to half precision
        for temperature in temperatures:
            divergence = _divergence(instance_logits, temperature)
            q, p = ((one / temperature).softmax(1) for one in logits)
            total = _Levels(
                total.instance + temperature**2 / samples * (shares[0] * divergence).sum(),
                total.classes + (shares[1] * (p.T @ p - q.T @ q).square().sum(1)).sum() / size,
                total.batch + (shares[0] * (p @ p.T - q @ q.T).square().sum(1)).sum() / samples,
            )
    return total


def _shares(teacher_BC: Tensor, mask: Mask, quantile: float) -> tuple[Tensor, Tensor]:
    """Return how much each sample [B] and each class [C] counts."""
    probabilities = teacher_BC.softmax(1)
    samples, classes = (
        (confidence <= confidence.quantile(quantile)).to(teacher_BC.dtype) if mask != "none" else confidence.new_ones(1)
        for confidence in (probabilities.amax(1), probabilities.sum(0))
    )
    return (samples.mean(), classes.mean()) if mask == "released" else (samples, classes)


def _term(values: Values, student: Output, teacher: Output, _target_B: Tensor) -> TermValue:
    strong = None
    if values["views"] != "one":
        assert student.strong is not None
        assert teacher.strong is not None
        strong = raised(student.strong, teacher.strong)
    levels = _all_levels(
        raised(student.logits, teacher.logits),
        strong,
        values["temperatures"],
        values["mask"],
        float(values["quantile"]),
        values["views"],
        values["standardize"],
    )
    instance, classes, batch = levels
    parts = {"instance": instance.detach(), "classes": classes.detach(), "batch": batch.detach()}
    return instance + classes + batch, parts


def _rules(values: Values, _classes: int | None) -> Sequence[Problem]:
    if values["views"] == "released" and len(values["temperatures"]) <= TWICE:
        message = f"must be at least {TWICE + 1} for views: released, got {len(values['temperatures'])}"
        return (Problem("temperatures", message),)
    return ()


MLKD_METHOD = Method(
    name="mlkd",
    title="MLKD",
    version=1,
    hyperparameters=MLKD,
    loss=mlkd_loss,
    term=_term,
    summary="KL at several temperatures, and relations of classes and samples",
    source="CVPR 2023",
    couples=Couples.LOGITS,
    logs={
        "instance": "KL, summed over the temperatures",
        "classes": "how the relations of classes differ",
        "batch": "how the relations of samples differ",
    },
    dead=lambda values, _classes: ("quantile",) if values["mask"] == "none" else (),
    rules=_rules,
    strong_view=lambda values: bool(values["views"] != "one"),
    later=("views",),
    by_pair=(tuned(IMAGENET, temperatures=(1.0, 2.0, 3.0, 5.0, 6.0), ce_weight=0.5, weight=0.5),),
    standardizes=True,
)
