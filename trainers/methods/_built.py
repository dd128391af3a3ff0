"""A method with its hyperparameters set: what the training loop calls."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from trainers.methods._base import Method, Value
from trainers.methods.standardize import standardize


@dataclass(frozen=True, slots=True)
class BuiltMethod:
    """Cross-entropy and the method's term, weighted and warmed up."""

    method: Method
    values: Mapping[str, Value]

    def __call__(
        self, student_BC: Tensor, teacher_BC: Tensor | None, target_B: Tensor, epoch: int
    ) -> dict[str, Tensor]:
        """Return `loss`, to be minimised, and named parts for the log, which carry no gradient.

        Args:
            student_BC: logits of any floating type; the loss is computed in float32 (float64 for float64).
            teacher_BC: logits of the same shape; None for a method that needs no teacher.
            target_B: class numbers.
            epoch: from 1.

        Raises:
            ValueError: the teacher's logits are missing, or the tensors do not fit.
        """
        with torch.autocast(student_BC.device.type, enabled=False):
            student = student_BC if student_BC.dtype == torch.float64 else student_BC.float()
            ce = functional.cross_entropy(student, target_B)
            parts = {"ce": ce.detach()}
            if not self.method.teacher:
                return {"loss": ce, **parts}
            if teacher_BC is None:
                raise ValueError(f"'{self.method.name}' needs a teacher's logits")
            term, more = self._term(student, teacher_BC.detach().to(student.dtype), target_B)
            loss = float(self.values["ce_weight"]) * ce + float(self.values["weight"]) * self._ramp(epoch) * term
        return {"loss": loss, **parts, **more}

    def _term(self, student: Tensor, teacher: Tensor, target: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        if self.values["standardize"]:
            student, teacher = standardize(student), standardize(teacher)
        return self.method.term(self.values, student, teacher, target)

    def _ramp(self, epoch: int) -> float:
        warmup = float(self.values["warmup_epochs"])
        return min(epoch / warmup, 1.0) if warmup > 0 else 1.0
