"""A data set as a trial meets it: views on one device, loaded once a process and shared by every trial in it."""

import functools
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainers import data
from trainers.data import DataInfo, Images, PictureFiles
from trainers.data.view_sets import ViewSet, view_set
from trainers.views.lens import GREYS, Lens, lens
from trainers.views.loader import PictureViews
from trainers.views.pictures import ArrayPictures, FilePictures
from trainers.views.views import ShiftViews, Views, shift_views, statistics

FILE_NAMES = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
"""Names of files need not be text: what no encoding has comes back as the bytes that it was."""
ROWS_IN_MEMORY = 1000
PICTURES = 200
SCENES = 2
"""Images that are scored together: of a data set in memory, of pictures, of street scenes."""

Names = NDArray[np.str_]
"""Of files, [N]."""


@dataclass(frozen=True, slots=True)
class DeviceData:
    """Views of the training and test images, and their classes, on one device.

    Attributes:
        train: views of the training images; the first `info.fit` are the fit images.
        train_targets: classes of the training images, on the device.
        test: the test images, each in the view in which it is scored.
        lens: how a network sees them, unless it has one of its own.
        scored_together: rows of a batch that is scored.
    """

    info: DataInfo
    train: Views
    train_targets: Tensor
    test: Views
    test_images: int
    lens: Lens
    scored_together: int

    @property
    def in_memory(self) -> bool:
        """Whether a view costs nothing to make."""
        return isinstance(self.train, ShiftViews)


def on_device(
    name: str,
    root: Path | None,
    device: torch.device,
    views: str | None = None,
    count: int | None = None,
    loaders: int = 0,
) -> DeviceData:
    """Return the data set on the device.

    Args:
        views: name of the set of views; None: the data set's own.
        count: views an image has.
        loaders: processes that read pictures ahead.
    """
    info = data.describe(name, root)
    return _on_device(name, root, device, views or info.view_set, info.views if count is None else count, loaders)


@functools.lru_cache(maxsize=4)  # of a data set the usual views and the strong ones
def _on_device(name: str, root: Path | None, device: torch.device, views: str, count: int, loaders: int) -> DeviceData:
    found, named = data.load(name, root), view_set(views)
    info = data.seen_in(data.describe(name, root), views, count)
    if isinstance(found, PictureFiles):
        return _of_files(found, info, named, device, loaders)
    return _in_memory(found, info, named, device, loaders)


def _in_memory(images: Images, info: DataInfo, named: ViewSet, device: torch.device, loaders: int) -> DeviceData:
    """Normalised as the data set says, else by the training images, fit and validation together."""
    train, test = torch.from_numpy(images.train_images), torch.from_numpy(images.test_images)
    targets, test_targets = (torch.from_numpy(one).to(device) for one in (images.train_targets, images.test_targets))
    mean, std = (value.to(device) for value in _normalisation(images, train))
    views: Views
    if named.extras:
        pictures = ArrayPictures(images.train_images, images.fill)
        views = PictureViews(pictures, targets, named, count=info.views, device=device, loaders=loaders)
    else:
        views = shift_views(train.to(device), targets, pad=named.pad, fill=images.fill, flip=named.flip)
    return DeviceData(
        info=info,
        train=views,
        train_targets=targets,
        test=shift_views(test.to(device), test_targets, pad=0, fill=images.fill),
        test_images=len(test),
        lens=Lens(mean, std),
        scored_together=ROWS_IN_MEMORY,
    )


def _of_files(files: PictureFiles, info: DataInfo, named: ViewSet, device: torch.device, loaders: int) -> DeviceData:
    def views(names: Names, labels: Names | None, targets: Tensor, count: int) -> Views:
        packed = [None if one is None else np.char.encode(one, *FILE_NAMES) for one in (names, labels)]
        assert packed[0] is not None
        pictures = FilePictures(files.folder, packed[0], packed[1], files.label_table)
        return PictureViews(pictures, targets, named, count=count, device=device, loaders=loaders)

    targets, test_targets = torch.from_numpy(files.train_targets), torch.from_numpy(files.test_targets)
    return DeviceData(
        info=info,
        train=views(files.train_files, files.train_labels, targets, info.views),
        train_targets=targets.to(device),
        test=views(files.test_files, files.test_labels, test_targets, 1),
        test_images=len(files.test_files),
        lens=lens(data.PICTURE_MEAN, data.PICTURE_STD, device, None),
        scored_together=SCENES if info.task == "segmentation" else PICTURES,
    )


def _normalisation(images: Images, train_NCSS: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation [C, 1, 1] in grey values."""
    if images.mean is None or images.std is None:
        return statistics(train_NCSS)
    mean, std = (torch.tensor(values) * GREYS for values in (images.mean, images.std))
    return mean[:, None, None], std[:, None, None]
