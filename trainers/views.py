"""Views: the augmentations of a data set as a finite, numbered set.

A view is one deterministic augmentation of one image. Because (image, view) is all that a teacher's answer depends on,
the answer can be kept (trainers.bank); the seed only draws which views come when.

Shapes: N = images in memory, B = batch, C = channels, S = size in pixels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class ShiftViews:
    """Every crop of an image padded on all sides, numbered row by row, then all of them mirrored.

    Attributes:
        padded_NCPP: uint8 images with `pad` pixels of fill on each side.
        size: S, pixels of a crop.
        mean, std: of the training images, in grey values; a view is (image - mean) / std in float32.
        flip: views from (2 pad + 1)² on are those before them, mirrored left to right.
    """

    padded_NCPP: Tensor  # noqa: N815 (shape letters)
    size: int
    mean: Tensor
    std: Tensor
    flip: bool = False

    @property
    def count(self) -> int:
        """Views an image has."""
        return self._side**2 * (1 + self.flip)

    @property
    def centre(self) -> int:
        """The number of the view that is the image as it is."""
        return self._side**2 // 2

    @property
    def _side(self) -> int:
        return self.padded_NCPP.shape[-1] - self.size + 1

    def batch(self, images_B: Tensor, views_B: Tensor) -> Tensor:
        """Return the normalised views [B, C, S, S] in float32 of the images with these numbers."""
        crops = self.padded_NCPP.unfold(2, self.size, 1).unfold(3, self.size, 1)  # a view of memory: N C side side S S
        place = views_B % self._side**2 if self.flip else views_B
        top, left = place // self._side, place % self._side
        batch = (crops[images_B, :, top, left].float() - self.mean) / self.std
        if self.flip:
            mirrored = (views_B >= self._side**2)[:, None, None, None]
            batch = torch.where(mirrored, batch.flip(3), batch)
        return batch.contiguous(memory_format=torch.channels_last)


def shift_views(
    images_NCSS: Tensor, *, pad: int, fill: int, mean: Tensor, std: Tensor, flip: bool = False
) -> ShiftViews:
    """Return the views of uint8 images by shifts of up to `pad` pixels, `fill` outside; pad 0 without flip leaves one
    view."""
    padded = torch.nn.functional.pad(images_NCSS, (pad, pad, pad, pad), value=fill)
    return ShiftViews(padded, images_NCSS.shape[-1], mean, std, flip)


def statistics(images_NCSS: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation [C, 1, 1] of uint8 images, each channel for itself, in grey values."""
    values = images_NCSS.to(torch.float64)
    mean, std = values.mean(dim=(0, 2, 3)), values.std(dim=(0, 2, 3))
    return mean.float()[:, None, None], std.float()[:, None, None]
