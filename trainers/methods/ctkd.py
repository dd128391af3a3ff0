"""Curriculum temperature: distillation at a temperature that is trained to make the student's task harder.

Li, Li, Yang, Zhao, Song, Luo, Li, Yang, "Curriculum Temperature for Knowledge Distillation", AAAI 2023,
arXiv:2211.16231; the variant with one temperature for all samples.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainers.late import Tensor, late
from trainers.methods.kd import kd_loss
from trainers.methods.record.hyperparameters import DistilledLogits, Factor, Log
from trainers.methods.record.method import Method


class CTKD(DistilledLogits):
    temperature_start: Annotated[float, Field(ge=0.001, le=100)] = 1.0
    """The lowest temperature that can be learned."""
    temperature_range: Annotated[float, Field(ge=0, le=100)] = 20.0
    """The highest one is so much higher."""
    initial: Annotated[float, Field(ge=-20, le=20)] = 1.0
    """The learned number at the start; the temperature is start + range · sigmoid of it: 15.6 at the defaults."""
    reversal_fraction: Annotated[float, Field(ge=0, le=1)] = 10 / 240
    """Fraction of the training over which the reversal of the temperature's gradient grows from none to whole."""
    ce_weight: Factor = 0.1
    weight: Annotated[Factor, Log(0.5, 9)] = 0.9


def ctkd_loss(student_BC: Tensor, teacher_BC: Tensor, *, temperature: float | Tensor) -> Tensor:
    """Return T² · KL(teacher || student) at T, in nats, averaged over the batch.

    The gradient reaches the temperature where it is a tensor, through T² and both softened distributions.

    Args:
        student_BC: logits; half precision is raised to float32, float64 is kept.
        teacher_BC: logits of the same shape; a constant.
        temperature: greater than 0; a tensor is of one number.

    Raises:
        ValueError: the tensors are not two of one shape [B, C].
    """
    return kd_loss(student_BC, teacher_BC, temperature=temperature)


CTKD_METHOD = Method(
    name="ctkd",
    title="CTKD",
    version=1,
    hyperparameters=CTKD,
    module=late("trainers.methods.modules.ctkd", "Curriculum"),
    summary="kd at a temperature that is trained against the student",
    source="arXiv:2211.16231",
    logs={"ctkd": "its term, before weight and warm-up", "temperature": "the temperature that it has learned"},
    dead=lambda values, _classes: ("initial", "reversal_fraction") if values["temperature_range"] == 0 else (),
)
