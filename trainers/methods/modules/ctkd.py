"""The temperature of curriculum distillation, which is learned."""

import math

import torch
from torch import Tensor, nn

from trainers.methods.ctkd import ctkd_loss
from trainers.methods.record.method import Values
from trainers.methods.record.outputs import Output, Setting, TermValue


class Curriculum(nn.Module):
    """Holds the learned number; the optimizer that lowers the loss raises it in the temperature."""

    def __init__(self, values: Values, setting: Setting) -> None:
        super().__init__()
        self.number = nn.Parameter(torch.tensor(float(values["initial"])))
        self._start, self._range = float(values["temperature_start"]), float(values["temperature_range"])
        self._ramp = float(values["reversal_fraction"]) * setting.epochs

    def forward(self, student: Output, teacher: Output, _target_B: Tensor, epoch: int) -> TermValue:
        temperature = self._start + self._range * _scaled(self.number, _reversal(epoch, self._ramp)).sigmoid()
        loss = ctkd_loss(student.logits, teacher.logits, temperature=temperature)
        return loss, {"ctkd": loss.detach(), "temperature": temperature.detach()}


def _reversal(epoch: int, ramp: float) -> float:
    """Return the factor of the temperature's gradient: a cosine from 0 to −1 over the first `ramp` epochs."""
    done = min(epoch / ramp, 1.0) if ramp > 0 else 1.0
    return (math.cos(math.pi * done) - 1) / 2


def _scaled(number: Tensor, factor: float) -> Tensor:
    """Return the number itself, its gradient times the factor."""
    constant = number.detach()
    return constant + factor * (number - constant)
