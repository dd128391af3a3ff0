"""The costs of moving between classes."""

import math

import torch
from torch import Tensor, nn

from trainers.methods.record.method import Values
from trainers.methods.record.outputs import Output, Setting, TermValue
from trainers.methods.wkd import class_costs, sides


class Transport(nn.Module):
    """Holds the costs; without a linear layer of the teacher all different classes are as far from each other as those
    with rows at right angles."""

    cost: Tensor | None

    def __init__(self, values: Values, setting: Setting) -> None:
        super().__init__()
        rows, self._sharpness = setting.class_weights, float(values["sharpness"])
        costs = None if rows is None else class_costs(rows.detach().double(), self._sharpness).float()
        self.register_buffer("cost", costs)
        self._gamma, self._epochs = float(values["gamma"]), setting.epochs
        self._decay_from = float(values["decay_from"]) * setting.epochs
        self._settings = (float(values["regularization"]), int(values["iterations"]))
        self._temperature = float(values["temperature"])

    def forward(self, student: Output, teacher: Output, target_B: Tensor, epoch: int) -> TermValue:
        cost = self._equal(student.logits) if self.cost is None else self.cost
        ours, theirs = student.logits, teacher.logits
        label, transport = sides(ours, theirs, target_B, self._temperature, cost, *self._settings)
        loss = label + self._gamma * _decay(epoch, self._decay_from, self._epochs) * transport
        return loss, {"label": label.detach(), "transport": transport.detach()}

    def _equal(self, logits_BC: Tensor) -> Tensor:
        return class_costs(
            torch.eye(logits_BC.shape[1], dtype=logits_BC.dtype, device=logits_BC.device), self._sharpness
        )


def _decay(epoch: int, start: float, end: float) -> float:
    """Return the factor of gamma: 1 up to the start, then a cosine down to 0 at the end."""
    if epoch <= start or start == end:
        return 1.0
    return (1 + math.cos(math.pi * min((epoch - start) / (end - start), 1.0))) / 2
