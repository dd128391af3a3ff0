"""Views: the augmentations of a data set as a finite, numbered set.

A view is one deterministic augmentation of one image. Because (image, view) is all that a teacher's answer depends on,
the answer can be kept (trainers.teachers.bank); the seed only draws which views come when.

Shapes: N = images in memory, B = batch, C = channels, S = size in pixels.
"""

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

Size = tuple[int, int]
"""Height and width in pixels."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch:
    """Views that a network sees together.

    Attributes:
        images, views: numbers [B], on the CPU.
        here: the images' numbers on the device.
        pixels: uint8 [B, C, H, W] on the device. Whoever sees the batch leaves them as they are: others see it too.
        targets: classes [B], or of every pixel [B, H, W] with 255 for none.
        sized: the same views at other sizes that were asked for.
        start: place of the first one among all that were asked for.
        tapped: teachers that somebody who sees the batch asks for more than logits, by their names; of each, by the
            ways of asking for logits, whether those are bit for bit the same: what a batch has shown, for all.
    """

    images: Tensor
    views: Tensor
    here: Tensor
    pixels: Tensor
    targets: Tensor
    sized: dict[Size, Tensor] = field(default_factory=dict)
    start: int = 0
    tapped: dict[str, dict[str, bool]] = field(default_factory=dict)
    _known: dict[Hashable, Any] = field(default_factory=dict)

    def at(self, size: Size | None) -> Tensor:
        """Return the pixels at this size, where the batch has it; else as they are."""
        return self.pixels if size is None else self.sized.get(size, self.pixels)

    def once(self, name: Hashable, find: Callable[[], T]) -> T:
        """Return what is found out about the batch under this name: by the first who asks, for all who see it. They
        leave it as it is."""
        if name not in self._known:
            found = find()
            self._known[name] = found, written(found)
        known: tuple[T, list[int]] = self._known[name]
        assert written(known[0]) == known[1], "what others see was written to"
        return known[0]


def written(found: object) -> list[int]:
    """Return how often each of the tensors in a value has been written to in place; torch lets nobody write to those
    that were made for inference."""
    if isinstance(found, Tensor):
        return [] if found.is_inference() else [found._version]
    if dataclasses.is_dataclass(found):
        return written([getattr(found, field.name) for field in dataclasses.fields(found)])
    return [count for part in found for count in written(part)] if isinstance(found, list | tuple) else []


class Views(Protocol):
    """Numbered views of numbered images."""

    @property
    def count(self) -> int:
        """Views an image has."""

    @property
    def centre(self) -> int:
        """The number of the view in which an image is scored."""

    def batches(
        self, images_N: Tensor, views_N: Tensor, rows: int | list[int], sizes: Sequence[Size] = ()
    ) -> Iterator[Batch]:
        """Yield the views with these numbers, on the CPU, in batches of `rows`, the last one smaller.

        Args:
            rows: of every batch, or of each.
            sizes: others that the same parts are wanted at; views in memory leave that to whoever looks.
        """


@dataclass(frozen=True, slots=True)
class ShiftViews:
    """Every crop of an image padded on all sides, numbered row by row, then all of them mirrored.

    Attributes:
        padded_NCPP: uint8 images with `pad` pixels of fill on each side.
        targets_N: their classes, on the same device.
        size: S, pixels of a crop.
        flip: views from (2 pad + 1)² on are those before them, mirrored left to right.
    """

    padded_NCPP: Tensor  # noqa: N815 (shape letters)
    targets_N: Tensor  # noqa: N815
    size: int
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

    def pixels(self, images_B: Tensor, views_B: Tensor) -> Tensor:
        """Return the views [B, C, S, S] in uint8 of the images with these numbers, which are on the device."""
        crops = self.padded_NCPP.unfold(2, self.size, 1).unfold(3, self.size, 1)  # a view of memory: N C side side S S
        place = views_B % self._side**2 if self.flip else views_B
        top, left = place // self._side, place % self._side
        batch = crops[images_B, :, top, left]
        if self.flip:
            mirrored = (views_B >= self._side**2)[:, None, None, None]
            batch = torch.where(mirrored, batch.flip(3), batch)
        return batch

    def batches(
        self, images_N: Tensor, views_N: Tensor, rows: int | list[int], sizes: Sequence[Size] = ()
    ) -> Iterator[Batch]:
        """Yield the views with these numbers in batches of `rows`, the last one smaller."""
        whole = (images_N, views_N, *(one.to(self.padded_NCPP.device) for one in (images_N, views_N)))  # once a pass
        start = 0
        for images, views, here, views_here in zip(*(one.split(rows) for one in whole), strict=True):
            yield Batch(
                images=images,
                views=views,
                here=here,
                pixels=self.pixels(here, views_here),
                targets=self.targets_N[here],
                start=start,
            )
            start += len(images)


def shift_views(images_NCSS: Tensor, targets_N: Tensor, *, pad: int, fill: int, flip: bool = False) -> ShiftViews:
    """Return the views of uint8 images by shifts of up to `pad` pixels, `fill` outside; pad 0 without flip leaves one
    view."""
    padded = torch.nn.functional.pad(images_NCSS, (pad, pad, pad, pad), value=fill)
    return ShiftViews(padded, targets_N, images_NCSS.shape[-1], flip)


def statistics(images_NCSS: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation [C, 1, 1] of uint8 images, each channel for itself, in grey values."""
    values = images_NCSS.to(torch.float64)
    mean, std = values.mean(dim=(0, 2, 3)), values.std(dim=(0, 2, 3))
    return mean.float()[:, None, None], std.float()[:, None, None]
