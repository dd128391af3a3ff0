"""Data sets that fit in memory, as registry entries: what is read of their files, split, digest, description."""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainers.data._base import DataInfo, DataSet, Images
from trainers.data._split import held_out_last, unvalidated
from trainers.data.formats.places import DataFilesError, kept, shared_folder, ways
from trainers.data.view_sets import view_set

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images [N, C, S, S] and classes [N]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryData:
    """How the images of a data set are used."""

    name: str
    summary: str
    read: Callable[[Path | None], tuple[Part, Part]]
    """Returns the parts for training and for testing; raises a DataFilesError where files are missing or broken."""
    classes: int
    channels: int
    size: int
    published: tuple[int, int]
    """Training and test images of the data set as published; as many of each class."""
    view_set: str
    recipe: str = "cifar"
    mean: tuple[float, ...] | None = None
    """Of each channel, for values in 0 … 1; None: that of the training images."""
    std: tuple[float, ...] | None = None
    """Likewise."""
    torchvision: str
    """Name of torchvision's class, which fetches the files."""

    def entry(self) -> DataSet:
        """Return the registry entry."""
        train, test = self.published
        return DataSet(
            name=self.name,
            summary=self.summary,
            describe=lambda root: _load(self, root).info,
            load=functools.partial(_load, self),
            fetch=functools.partial(_fetch, self.name, self.torchvision),
            published=self.info(train - train // 10, train // 10, test, found=False),
        )

    def info(
        self, fit: int, validation: int, test: int, *, digest: str = "", unvalidated: int = 0, found: bool = True
    ) -> DataInfo:
        """Return the description of so many images."""
        return DataInfo(
            name=self.name,
            classes=self.classes,
            channels=self.channels,
            size=self.size,
            digest=digest,
            fit=fit,
            validation=validation,
            test=test,
            view_set=self.view_set,
            views=view_set(self.view_set).enumerated or 1,
            recipe=self.recipe,
            unvalidated=unvalidated,
            found=found,
        )


@kept
def _load(data: MemoryData, root: Path | None) -> Images:
    """Return the data set, its validation images held out and put last."""
    train, test = data.read(root)
    order, fit = held_out_last(train[1], data.name)
    images, targets = train[0][order], train[1][order]
    without = unvalidated(targets, fit, data.classes)
    digest = content_digest(images, targets, *test)
    return Images(
        info=data.info(fit, len(targets) - fit, len(test[1]), digest=digest, unvalidated=without),
        train_images=images,
        train_targets=targets,
        test_images=test[0],
        test_targets=test[1],
        fill=0,
        mean=data.mean,
        std=data.std,
    )


def content_digest(*arrays: NDArray[np.generic]) -> str:
    """Return the SHA-256 of arrays: types, shapes and values."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _fetch(name: str, torchvision_name: str, root: Path | None) -> None:
    """Let torchvision fetch a data set into its folder, where it is not there yet.

    Raises:
        DataFilesError: no folder is known, or the files cannot be fetched.
    """
    folder = root or shared_folder(name)
    if folder is None:
        raise DataFilesError(f"nothing says where its files are to go; {ways(name)}")
    import torchvision  # type: ignore[import-untyped]  # seconds to import, and seldom needed

    kind = getattr(torchvision.datasets, torchvision_name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for train in (True, False):
            kind(folder, train=train, download=True)
    except Exception as error:
        raise DataFilesError(f"cannot be fetched into {folder}: {error}") from error
