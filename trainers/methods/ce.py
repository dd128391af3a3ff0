"""The student alone: cross-entropy with the labels, no teacher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.methods.record.hyperparameters import Hyperparameters
from trainers.methods.record.method import Method, Needs, Values

if TYPE_CHECKING:
    from torch import Tensor


class CE(Hyperparameters):
    """Nothing to set."""


def _term(
    _values: Values, student_BC: Tensor, _teacher_BC: Tensor | None, _target_B: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    return student_BC.new_zeros(()), {}


CE_METHOD = Method(
    name="ce",
    version=1,
    hyperparameters=CE,
    loss=None,
    term=_term,
    needs=Needs.NOTHING,
    summary="cross-entropy with the labels: the student trained alone",
    source="baseline",
    kind="baseline",
)
