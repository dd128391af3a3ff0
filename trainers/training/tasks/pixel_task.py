"""Segmentation as a task of the training loop: a class for every pixel, scored by mean IoU."""

import torch
from torch import Tensor

from trainers.data import DataInfo
from trainers.methods import BuiltMethod
from trainers.ranks.ranks import Ranks
from trainers.segmentation.losses import distill_pixels
from trainers.segmentation.miou import Confusion
from trainers.training.tasks.collapse import Answers
from trainers.training.tasks.tasks import Seen, Student, Tally


class Segmentation:
    """A class for every pixel."""

    scores = ("miou",)

    def __init__(self, info: DataInfo, ranks: Ranks) -> None:
        self._classes = info.classes
        self._ranks = ranks

    def terms(self, student: Student, method: BuiltMethod, seen: Seen) -> dict[str, Tensor]:
        """Return the loss of a batch and its named parts."""
        assert seen.mix is None, "a rule of the sweep file"
        assert seen.teacher is None or isinstance(seen.teacher, tuple)
        with seen.autocast:
            answer = student.network.forward_with_aux(seen.inputs)  # type: ignore[operator]  # our own networks have it
        return distill_pixels(method, answer, seen.teacher, seen.batch.targets, seen.epoch, self._ranks)

    def tally(self, device: torch.device) -> Tally:
        """Return an empty tally of scored batches."""
        return _Overlap(Confusion(self._classes, device))


class _Overlap:
    """Mean IoU over all pixels that were scored."""

    def __init__(self, confusion: Confusion) -> None:
        self._confusion = confusion
        self._images = 0

    def add(self, logits: Tensor, targets: Tensor) -> None:
        self._confusion.add(logits, targets)
        self._images += len(targets)

    def together(self, ranks: Ranks) -> None:
        ranks.add(self._confusion.matrix)
        self._images = sum(ranks.everyones(self._images))

    def scores(self) -> dict[str, float]:
        return {"miou": self._confusion.miou()}

    def answers(self) -> Answers:
        matrix = self._confusion.matrix
        return Answers(
            labelled=matrix.sum(1).tolist(),
            answered=matrix.sum(0).tolist(),
            right=int(matrix.trace()),
            images=self._images,
            what="pixels",
        )
