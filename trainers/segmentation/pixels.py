"""Pixels as the rows of a batch: what lets every loss on logits [B, C] compare two segmentation networks.

The comparison is at the size of the student's logits, an eighth of the image, as in CIRKD (arXiv:2204.06986), DIST
(arXiv:2205.10536) and the GDKD authors' code; each loss is then a mean over pixels. Pixels without a class are left
out, as the latter offers; CIRKD and DIST keep them in the distillation.

Shapes: B = batch, C = classes, H, W = size of the labels, h, w = size of the logits, N = pixels that count.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from trainers.texts.counting import counted

IGNORE = 255
"""The label of a pixel that has no class: it is in no loss and no score."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """The pixels of a batch that count, at the size of some logits."""

    numbers: Tensor
    """[N] their places among the B · h · w pixels."""
    targets: Tensor
    """[N] their classes."""
    shape: tuple[int, int, int]
    """B, h and w."""

    def rows(self, logits_BChw: Tensor) -> Tensor:
        """Return the logits [N, C] of the pixels that count.

        Raises:
            ValueError: the logits have another size.
        """
        batch, _, *size = logits_BChw.shape
        if (batch, *size) != self.shape:
            raise ValueError(f"logits must be of {_words(self.shape)}, got {_words((batch, *size))}")
        return logits_BChw.permute(0, 2, 3, 1).flatten(0, 2).index_select(0, self.numbers)


def counted_pixels(labels_BHW: Tensor, height: int, width: int, ignore: int = IGNORE) -> Pixels:
    """Return the pixels that have a class, at the size of logits; each takes the nearest label up and to the left, as
    PyTorch's `nearest` does.

    How many count is not known before the labels are looked at: on a GPU this waits for them, once a batch.

    Args:
        labels_BHW: class numbers of any whole type.
    """
    rows, columns = (
        torch.arange(small, device=labels_BHW.device) * large // small
        for small, large in zip((height, width), labels_BHW.shape[1:], strict=True)
    )
    labels = labels_BHW[:, rows[:, None], columns].flatten()
    numbers = (labels != ignore).nonzero().squeeze(1)
    return Pixels(numbers, labels.index_select(0, numbers).long(), (len(labels_BHW), height, width))


def resized(logits_BChw: Tensor, height: int, width: int) -> Tensor:
    """Return logits brought to a size, in between bilinear, in float32 (float64 for float64).

    The outer pixels lie on the outer pixels (`align_corners=True`), as in the code that the literature's numbers on
    Cityscapes are from.
    """
    logits = logits_BChw if logits_BChw.dtype == torch.float64 else logits_BChw.float()
    if logits.shape[2:] == (height, width):
        return logits
    return functional.interpolate(logits, (height, width), mode="bilinear", align_corners=True)


def _words(shape: tuple[int, ...]) -> str:
    batch, height, width = shape
    return f"{counted(batch, 'image')} of {height} x {width}"
