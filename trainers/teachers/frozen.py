"""The teacher as students meet it: frozen, in evaluation mode, answering with logits."""

import functools

import torch
from torch import Tensor, nn

from trainers import models
from trainers.data import DataInfo
from trainers.files.store import Store
from trainers.files.tensor_files import load_tensors, not_finite
from trainers.methods import Output
from trainers.models.taps import Taps, class_weights, tap
from trainers.trials.trial import Teacher, Value
from trainers.views.device_data import DeviceData
from trainers.views.lens import Lens, lens

ROWS_OF_MEMORY, ROWS_OF_FILES = 256, 64
"""Rows in one forward pass of the teacher whose logits are kept: of images in memory, which an epoch asks for together,
and of pictures in files, which each batch asks for. Always padded to this many: a row's logits then do not depend on
how many others were asked for with it."""

LOGIT_TYPES = {"float32": torch.float32, "float16": torch.float16}


class TeacherError(RuntimeError):
    """Nobody can learn from a teacher: its weights, or what it answers, are not finite."""


def check_learnable(model: str, network: nn.Module, *, answers_finite: bool) -> None:
    """Find out whether students can learn from a network that has been trained.

    Raises:
        TeacherError: its weights, or what it answered, are not all finite.
    """
    if wrong := not_finite(network.state_dict()):
        raise TeacherError(f"the teacher {model} cannot be learnt from: weights are not finite: {wrong}")
    if not answers_finite:
        raise TeacherError(f"the teacher {model} cannot be learnt from: not all that it answers is finite")


class FrozenTeacher:
    """A network that cannot change: no gradients, and never in training mode, so its BatchNorm cannot drift.

    Not an nn.Module on purpose: a student that held it as a submodule would switch it with `train()`.
    """

    def __init__(
        self, model: nn.Module, teacher: Teacher, device: torch.device, *, rows: int, lens: Lens | None = None
    ) -> None:
        self.lens = lens
        """How it sees pixels; None: as the student does."""
        self.rows = rows
        """In one forward pass, where logits are kept."""
        self._model = model.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)
        self._autocast = teacher.precision == "bfloat16"
        self._logit_type = LOGIT_TYPES[teacher.logit_type]
        self._device = device
        self._taps: Taps | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width in pixels of what it sees; None: as the student."""
        return None if self.lens is None else self.lens.size

    def logits(self, inputs: Tensor) -> Tensor:
        """Return logits [B, classes] in the stored logit type for normalised inputs [B, C, S, S]."""
        return self.as_kept(self.in_passes(inputs))

    @torch.inference_mode()
    def in_passes(self, inputs: Tensor) -> Tensor:
        """Return the same in what the network computes in."""
        return torch.cat([self._answer(rows) for rows in inputs.split(self.rows)])

    def at_once(self, inputs: Tensor) -> Tensor:
        """Return the same for a batch that is answered once and not kept: in one pass, whatever its size. The last
        digits may differ from those of `logits`.

        Not in inference mode: a method that learns a temperature keeps what it divides for the gradient.
        """
        return self.as_kept(self.in_one_pass(inputs))

    @torch.no_grad()
    def in_one_pass(self, inputs: Tensor) -> Tensor:
        """Return the same in what the network computes in."""
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            answer: Tensor = self._model(inputs)
        return answer

    @torch.no_grad()
    def as_kept(self, logits: Tensor) -> Tensor:
        """Return logits in the type in which they are kept."""
        return logits.to(self._logit_type)

    @torch.no_grad()
    def of_pixels(self, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the logits [B, classes, h, w] of a network that labels pixels, and its auxiliary head's, if any."""
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            logits, aux = self._model.forward_with_aux(inputs)  # type: ignore[operator]  # our own networks have it
        return logits.to(self._logit_type), None if aux is None else aux.to(self._logit_type)

    @torch.no_grad()
    def answers(self, inputs: Tensor) -> Output:
        """Return logits, feature maps and vector for normalised inputs [B, C, S, S], in what the network computes in.

        Not in inference mode: what it answers becomes a constant of the student's graph.
        """
        taps = self.taps(inputs)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            return taps(inputs)

    def taps(self, example: Tensor) -> Taps:
        """Return where the network is tapped, found out with these inputs."""
        if self._taps is None:
            self._taps = tap(self._model, example)
        return self._taps

    def class_weights(self) -> Tensor | None:
        """Return the rows [C, D] of the last linear layer; None where there is none."""
        return class_weights(self._model)

    def _answer(self, rows: Tensor) -> Tensor:
        count = len(rows)
        if count < self.rows:
            rows = torch.cat([rows, rows.new_zeros(self.rows - count, *rows.shape[1:])])
        rows = rows.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            answer: Tensor = self._model(rows)
        return answer[:count]


def load_teacher(teacher: Teacher, store: Store, info: DataInfo, device: torch.device) -> nn.Module:
    """Return the teacher's network with its weights; kept for the trials that follow in this process.

    Raises:
        FileNotFoundError: its weights are not in the store.
        RuntimeError: the weights are of another network; names the keys that differ.
    """
    arguments = tuple(sorted(teacher.model_args.items()))
    return _loaded(teacher.id, teacher.weights, teacher.model, arguments, store, info.classes, info.channels, device)


@functools.lru_cache(maxsize=4)
def _loaded(
    teacher_id: str,
    _weights: str,
    model: str,
    arguments: tuple[tuple[str, Value], ...],
    store: Store,
    classes: int,
    channels: int,
    device: torch.device,
) -> nn.Module:
    network = models.create(model, classes=classes, channels=channels, arguments=dict(arguments))
    tensors, _ = load_tensors(store.fetched(store.weights(teacher_id)))
    network.load_state_dict(tensors, strict=True)
    return network.to(device)


def frozen_teacher(teacher: Teacher, store: Store, data: DeviceData, device: torch.device) -> FrozenTeacher:
    """Return the trial's teacher, ready to answer."""
    network = load_teacher(teacher, store, data.info, device)
    rows = ROWS_OF_MEMORY if data.in_memory else ROWS_OF_FILES
    return FrozenTeacher(network, teacher, device, rows=rows, lens=_own_lens(teacher, data, device))


def _own_lens(teacher: Teacher, data: DeviceData, device: torch.device) -> Lens | None:
    size = (teacher.size, teacher.size) if teacher.size else None
    if teacher.mean:
        return lens(teacher.mean, teacher.std, device, size)
    return None if size is None else Lens(data.lens.mean, data.lens.std, size)
