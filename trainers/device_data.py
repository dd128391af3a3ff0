"""A data set as tensors on one device, loaded once a process and shared by every trial that runs in it."""

import functools
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from trainers import data
from trainers.data import DataInfo, Images
from trainers.view_sets import VIEW_SETS
from trainers.views import ShiftViews, shift_views, statistics

GREYS = 255.0
"""Grey value of full brightness."""


@dataclass(frozen=True, slots=True)
class DeviceData:
    """Views of the training and test images, and their classes, on one device.

    Attributes:
        train: views of the training images; the first `info.fit` are the fit images.
        test: the test images as they are (one view each).
    """

    info: DataInfo
    train: ShiftViews
    train_targets: Tensor
    test: ShiftViews
    test_targets: Tensor


@functools.lru_cache(maxsize=2)
def on_device(name: str, root: Path | None, device: torch.device) -> DeviceData:
    """Return the data set on the device. Normalised as the data set says, else by the training images, fit and
    validation together."""
    images = data.load(name, root)
    train, test = torch.from_numpy(images.train_images), torch.from_numpy(images.test_images)
    mean, std = (value.to(device) for value in _normalisation(images, train))
    views = VIEW_SETS[images.info.view_set]
    return DeviceData(
        info=images.info,
        train=shift_views(train.to(device), pad=views.pad, fill=images.fill, mean=mean, std=std, flip=views.flip),
        train_targets=torch.from_numpy(images.train_targets).to(device),
        test=shift_views(test.to(device), pad=0, fill=images.fill, mean=mean, std=std),
        test_targets=torch.from_numpy(images.test_targets).to(device),
    )


def _normalisation(images: Images, train_NCSS: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation [C, 1, 1] in grey values."""
    if images.mean is None or images.std is None:
        return statistics(train_NCSS)
    mean, std = (torch.tensor(values) * GREYS for values in (images.mean, images.std))
    return mean[:, None, None], std[:, None, None]
