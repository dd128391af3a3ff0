"""What a network answers to the test images, collected batch by batch in the order of the images.

Shapes: N = test images, B = batch, C = classes, H, W = size of the labels, h, w = those over the stride.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from trainers.data import DataInfo
from trainers.files.tensor_files import save_tensors
from trainers.predictions.kept import stride_of
from trainers.predictions.measures import are_alike, measured
from trainers.ranks.ranks import Ranks
from trainers.segmentation.pixels import IGNORE, resized

LOWEST = torch.finfo(torch.float16).min


class Answers(Protocol):
    """The answers of one network, on the CPU."""

    def add(self, logits: Tensor, targets: Tensor) -> None:
        """Keep a batch; batches come in the order of this rank's images."""

    def together(self, ranks: Ranks) -> None:
        """Have what all ranks have."""

    def tensors(self) -> dict[str, Tensor]:
        """Return them by the names of the file."""


def answers_of(info: DataInfo, images: int, ranks: Ranks | None = None) -> Answers:
    """Return a place for answers to so many test images, of which a rank sees every `size`-th."""
    ranks = ranks or Ranks()
    numbers = torch.arange(images)[ranks.rank :: ranks.size]
    if info.task == "segmentation":
        return _Pixels(info.classes, images, numbers)
    return _Images(info.classes, images, numbers)


class _Images:
    def __init__(self, classes: int, images: int, numbers: Tensor) -> None:
        self._numbers, self._done = numbers, 0
        self._logits = torch.zeros(images, classes, dtype=torch.float16)
        self._targets = torch.zeros(images, dtype=torch.int32)

    def add(self, logits: Tensor, targets: Tensor) -> None:
        rows = logits.float()
        rows = (rows - rows.amax(1, keepdim=True)).clamp_min(LOWEST)
        places = self._numbers[self._done : self._done + len(rows)]
        self._logits[places] = rows.half().cpu()
        self._targets[places] = targets.int().cpu()
        self._done += len(rows)

    def together(self, ranks: Ranks) -> None:
        ranks.add(self._logits, self._targets)  # zeros where another rank has the image

    def tensors(self) -> dict[str, Tensor]:
        return {"logits": self._logits, "targets": self._targets}


class _Pixels:
    def __init__(self, classes: int, images: int, numbers: Tensor) -> None:
        self._numbers, self._done, self._images, self._count = numbers, 0, images, classes
        self._classes = torch.zeros(0, dtype=torch.uint8)
        self._confusion = torch.zeros(classes * classes + 1, dtype=torch.int64)

    def add(self, logits: Tensor, targets: Tensor) -> None:
        height, width = targets.shape[1:]
        stride = stride_of(self._images, height, width)
        if not len(self._classes):
            size = (self._images, -(-height // stride), -(-width // stride))
            self._classes = torch.zeros(size, dtype=torch.uint8)
        for one, labels in zip(logits, targets, strict=True):  # one by one to save memory
            taken = resized(one[None], height, width).argmax(1)[0]
            known = labels != IGNORE
            cells = torch.where(known, labels.long() * self._count + taken, self._count**2)
            self._confusion += torch.bincount(cells.flatten(), minlength=len(self._confusion)).cpu()
            kept = torch.where(known, taken, IGNORE)[::stride, ::stride]
            self._classes[self._numbers[self._done]] = kept.byte().cpu()
            self._done += 1

    def together(self, ranks: Ranks) -> None:
        ranks.add(self._classes, self._confusion)

    def tensors(self) -> dict[str, Tensor]:
        confusion = self._confusion[:-1].reshape(self._count, self._count)
        return {"classes": self._classes, "confusion": confusion}


def save_predictions(
    path: Path, answers: Answers, key: str, teacher: str = "", theirs: Mapping[str, Tensor] | None = None
) -> None:
    """Write a file of predictions, with what is measured of them.

    Args:
        key: of the trial.
        teacher: key of the trial that trained or scored the teacher, whose predictions `theirs` are; None where there
            are none.
    """
    tensors = answers.tensors()
    own = {name: tensor.numpy() for name, tensor in tensors.items()}
    beside = None if theirs is None else {name: tensor.numpy() for name, tensor in theirs.items()}
    measures, counts = measured(own, beside)
    compared = teacher if beside is not None and are_alike(own, beside) else ""
    counted = {name: torch.from_numpy(found) for name, found in counts.items()}
    save_tensors(path, tensors | counted, {"trial_key": key, "teacher": compared, "measures": measures})
