"""CIFAR-10 and CIFAR-100, read from the python version that its authors publish.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. Augmentation, mean and standard deviation of
CIFAR-100 are those of the KD literature (RepDistiller, mdistiller).
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainers.data._base import DataInfo, DataSet, Images
from trainers.data.formats.fetch import fetch
from trainers.data.formats.memory import as_published, in_memory
from trainers.data.formats.pickles import read_pickle
from trainers.data.formats.places import DataFilesError, folder_with, kept

SIZE = 32
CHANNELS = 3
VIEWS = "pad4-crop-flip"


@dataclass(frozen=True, slots=True)
class _Cifar:
    name: str
    classes: int
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    labels: str
    """Key of the classes in the files."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def load(self, root: Path | None) -> Images:
        """Return the images.

        Raises:
            DataFilesError: files are missing or broken.
        """
        return _load(self, root)

    def describe(self, root: Path | None) -> DataInfo:
        """Return the description; the files are read for it."""
        return self.load(root).info

    def published(self) -> DataInfo:
        """Return what is known without the files."""
        return as_published(
            self.name,
            classes=self.classes,
            channels=CHANNELS,
            size=SIZE,
            train=50_000,
            test=10_000,
            view_set=VIEWS,
            recipe="cifar",
        )


@kept
def _load(kind: _Cifar, root: Path | None) -> Images:
    folder = folder_with(kind.name, root, (kind.folder, "."), (*kind.train, *kind.test))
    train, test = (_read(kind, folder, names) for names in (kind.train, kind.test))
    return in_memory(
        kind.name,
        classes=kind.classes,
        train=train,
        test=test,
        view_set=VIEWS,
        recipe="cifar",
        mean=kind.mean,
        std=kind.std,
    )


def _read(kind: _Cifar, folder: Path, names: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images [N, 3, 32, 32] and classes [N] of these files, one after the other."""
    parts = [_read_file(kind, folder / name) for name in names]
    images, targets = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    return images, targets


def _read_file(kind: _Cifar, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    content = read_pickle(path)
    missing = [key for key in ("data", kind.labels) if key not in content]
    if missing:
        raise DataFilesError(f"{path} is not a file of {kind.name}: it has no {', '.join(map(repr, missing))}")
    data = np.asarray(content["data"])
    targets = np.asarray(content[kind.labels], dtype=np.int64)
    if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != CHANNELS * SIZE * SIZE or len(data) != len(targets):
        raise DataFilesError(f"{path} is not a file of {kind.name}: {data.dtype} of shape {data.shape}")
    if targets.min(initial=0) < 0 or targets.max(initial=0) >= kind.classes:
        raise DataFilesError(f"{path}: its classes must be 0 to {kind.classes - 1}")
    return data.reshape(-1, CHANNELS, SIZE, SIZE), targets


_CIFAR100 = _Cifar(
    "cifar100", 100, "cifar-100-python", ("train",), ("test",), "fine_labels",
    (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761),
)  # fmt: skip
_CIFAR10 = _Cifar(
    "cifar10", 10, "cifar-10-batches-py", tuple(f"data_batch_{i}" for i in range(1, 6)), ("test_batch",), "labels",
    (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616),
)  # fmt: skip

CIFAR100 = DataSet(
    name="cifar100",
    summary="50,000 + 10,000 colour images of 32 x 32 pixels in 100 classes; cifar-100-python/ with train, test",
    describe=_CIFAR100.describe,
    load=_CIFAR100.load,
    fetch=functools.partial(fetch, "cifar100", "CIFAR100"),
    published=_CIFAR100.published(),
)
CIFAR10 = DataSet(
    name="cifar10",
    summary="50,000 + 10,000 colour images of 32 x 32 pixels in 10 classes; "
    "cifar-10-batches-py/ with data_batch_1 … 5, test_batch",
    describe=_CIFAR10.describe,
    load=_CIFAR10.load,
    fetch=functools.partial(fetch, "cifar10", "CIFAR10"),
    published=_CIFAR10.published(),
)
