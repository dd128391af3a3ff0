"""Views of pictures that are read as they are needed, by worker processes that read ahead.

Which process reads what changes no pixel: a view depends on the picture's number and the view's number alone.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from trainers.data.view_sets import ViewSet
from trainers.files.temporary import keep_sockets_short
from trainers.views.crops import SCORED, crop
from trainers.views.pictures import Pictures
from trainers.views.views import Batch, Size

AHEAD = 4
"""Batches that each worker reads ahead."""

Asked = tuple[int, int, tuple[Size, ...]]
"""Numbers of picture and view, and sizes besides the set's own."""


class PictureViews:
    """Numbered views of pictures, each read when it is asked for.

    Args:
        targets_N: classes of the pictures.
        count: views a picture has.
        device: on which batches are handed out.
        loaders: processes that read ahead; 0 reads in this one.
    """

    def __init__(
        self,
        pictures: Pictures,
        targets_N: Tensor,
        views: ViewSet,
        *,
        count: int,
        device: torch.device,
        loaders: int,
    ) -> None:
        self.count = count
        self.centre = SCORED
        self._targets = targets_N.to(device)
        self._device = device
        self._copies = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._order = _Order()
        if loaders > 0:
            keep_sockets_short()
        self._loader: DataLoader[Any] = DataLoader(
            _Views(pictures, views),
            batch_sampler=self._order,
            collate_fn=_collate,
            worker_init_fn=_end_with_parent,
            num_workers=loaders,
            persistent_workers=loaders > 0,
            prefetch_factor=AHEAD if loaders > 0 else None,
            multiprocessing_context="forkserver" if loaders > 0 else None,
            pin_memory=device.type == "cuda",
            generator=torch.Generator(),  # else it draws a number from the global one, which dropout draws from
        )

    def batches(
        self, images_N: Tensor, views_N: Tensor, rows: int | list[int], sizes: Sequence[Size] = ()
    ) -> Iterator[Batch]:
        """Yield the views with these numbers in batches of `rows`, the last one smaller; at other sizes too.

        One call must end before the next begins.
        """
        self._order.batches = [
            [(image, view, tuple(sizes)) for image, view in zip(images.tolist(), views.tolist(), strict=True)]
            for images, views in zip(images_N.split(rows), views_N.split(rows), strict=True)
        ]
        whole = (images_N, views_N, images_N.to(self._device))  # once a pass
        numbers, start = zip(*(one.split(rows) for one in whole), self._loader, strict=True), 0
        for images, views, here, (pixels, labels) in numbers:
            sent = self._sent([*pixels, *([] if labels is None else [labels])])
            yield Batch(
                images=images,
                views=views,
                here=here,
                pixels=sent[0],
                sized=dict(zip(sizes, sent[1:], strict=labels is None)),
                targets=self._targets[here] if labels is None else sent[-1],
                start=start,
            )
            start += len(images)

    def _sent(self, parts: list[Tensor]) -> list[Tensor]:
        """Copy a batch to the device. On a GPU, from pinned memory, beside what it still computes of the step before:
        only what is asked of it from now on waits for the copy. Was never run on one."""
        if self._copies is None:
            return [one.to(self._device) for one in parts]
        here = torch.cuda.current_stream(self._device)
        with torch.cuda.stream(self._copies):
            sent = [one.to(self._device, non_blocking=True) for one in parts]
        here.wait_stream(self._copies)
        for one in sent:
            one.record_stream(here)  # else its memory could be given away while that stream reads it
        return sent


class _Views(Dataset[Any]):
    """What a worker process holds."""

    def __init__(self, pictures: Pictures, views: ViewSet) -> None:
        self._pictures = _LastOne(pictures)
        self._views = views

    def __getitem__(self, asked: Asked) -> Any:
        number, view, sizes = asked
        return crop(self._pictures, self._views, number, view, sizes)


class _LastOne:
    """Pictures of which the last one stays at hand: when the bank is filled, an image's views follow one another."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._number = -1
        self._picture: Image.Image | None = None
        self.fill = pictures.fill

    def __len__(self) -> int:
        return len(self._pictures)

    def picture(self, number: int) -> Image.Image:
        if self._picture is None or number != self._number:
            self._number, self._picture = number, self._pictures.picture(number)
        return self._picture

    def labels(self, number: int) -> NDArray[np.uint8] | None:
        return self._pictures.labels(number)


class _Order:
    """The batches that are asked for next; set before each pass, read by the loader in this process."""

    def __init__(self) -> None:
        self.batches: list[list[Asked]] = []

    def __iter__(self) -> Iterator[list[Asked]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


def _end_with_parent(_number: int) -> None:
    """Have this worker process end when the one that reads from it is gone, however that ended.

    torch looks whether its parent has changed, but the parent of a process that a server forks is the server, which
    stays while any of them does. What closes with the reader is the pipe that the worker was started through.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_end, args=(parent.join,), name="watch", daemon=True).start()


def _wait_and_end(wait: Callable[[], None]) -> None:
    wait()
    os._exit(1)  # the main thread may be stuck in a pipe that nobody reads


def _collate(items: Sequence[Any]) -> tuple[list[Tensor], Tensor | None]:
    pixels = [torch.stack([torch.from_numpy(planes) for planes in same]) for same in zip(*(i.pixels for i in items))]  # noqa: B905
    labels = None if items[0].labels is None else torch.stack([torch.from_numpy(item.labels) for item in items])
    return pixels, labels
