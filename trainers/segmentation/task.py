"""Segmentation as a task of the training loop: a class for every pixel, scored by mean IoU."""

import torch
from torch import Tensor

from trainers.data import DataInfo
from trainers.methods import BuiltMethod
from trainers.mixing import Mix
from trainers.segmentation.losses import distill_pixels
from trainers.segmentation.miou import Confusion
from trainers.tasks import PixelReply, Reply, Student, Tally
from trainers.views import Batch


class Segmentation:
    """A class for every pixel."""

    scores = ("miou",)

    def __init__(self, info: DataInfo) -> None:
        self._classes = info.classes

    def terms(
        self,
        student: Student,
        inputs: Tensor,
        batch: Batch,
        teacher: Reply | PixelReply | None,
        method: BuiltMethod,
        epoch: int,
        mix: Mix | None,
        autocast: torch.autocast,
    ) -> dict[str, Tensor]:
        """Return the loss of a batch and its named parts."""
        assert mix is None, "a rule of the sweep file"
        with autocast:
            answer = student.network.forward_with_aux(inputs)  # type: ignore[operator]  # our own networks have it
        assert teacher is None or isinstance(teacher, tuple)
        return distill_pixels(method, answer, teacher, batch.targets, epoch)

    def tally(self, device: torch.device) -> Tally:
        """Return an empty tally of scored batches."""
        return _Overlap(Confusion(self._classes, device))


class _Overlap:
    """Mean IoU over all pixels that were scored."""

    def __init__(self, confusion: Confusion) -> None:
        self._confusion = confusion

    def add(self, logits: Tensor, targets: Tensor) -> None:
        self._confusion.add(logits, targets)

    def scores(self) -> dict[str, float]:
        return {"miou": self._confusion.miou()}
