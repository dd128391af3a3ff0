"""The teacher as students meet it: frozen, in evaluation mode, answering with logits."""

import functools

import torch
from torch import Tensor, nn

from trainers import models
from trainers.data import DataInfo
from trainers.store import Store
from trainers.tensor_files import load_tensors
from trainers.trial import Teacher

ANSWER_ROWS = 256
"""Rows in one forward pass of the teacher. Always padded to this many: a row's logits then do not depend on how many
others were asked for with it."""

LOGIT_TYPES = {"float32": torch.float32, "float16": torch.float16}


class FrozenTeacher:
    """A network that cannot change: no gradients, and never in training mode, so its BatchNorm cannot drift.

    Not an nn.Module on purpose: a student that held it as a submodule would switch it with `train()`.
    """

    def __init__(self, model: nn.Module, teacher: Teacher, device: torch.device) -> None:
        self._model = model.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)
        self._autocast = teacher.precision == "bfloat16"
        self._logit_type = LOGIT_TYPES[teacher.logit_type]
        self._device = device

    @torch.inference_mode()
    def logits(self, inputs: Tensor) -> Tensor:
        """Return logits [B, classes] in the stored logit type for normalised inputs [B, C, S, S]."""
        return torch.cat([self._answer(rows) for rows in inputs.split(ANSWER_ROWS)])

    def _answer(self, rows: Tensor) -> Tensor:
        count = len(rows)
        if count < ANSWER_ROWS:
            rows = torch.cat([rows, rows.new_zeros(ANSWER_ROWS - count, *rows.shape[1:])])
        rows = rows.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            answer: Tensor = self._model(rows)
        return answer[:count].to(self._logit_type)


@functools.lru_cache(maxsize=4)
def load_teacher(teacher_id: str, model: str, store: Store, info: DataInfo, device: torch.device) -> nn.Module:
    """Return the teacher's network with its weights; kept for the trials that follow in this process.

    Raises:
        FileNotFoundError: its weights are not in the store.
        RuntimeError: the weights are of another network; names the keys that differ.
    """
    network = models.create(model, classes=info.classes, channels=info.channels)
    tensors, _ = load_tensors(store.weights(teacher_id))
    network.load_state_dict(tensors, strict=True)
    return network.to(device)


def frozen_teacher(teacher: Teacher, store: Store, info: DataInfo, device: torch.device) -> FrozenTeacher:
    """Return the trial's teacher, ready to answer."""
    network = load_teacher(teacher.id, teacher.model, store, info, device)
    return FrozenTeacher(network, teacher, device)
