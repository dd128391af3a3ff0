"""CIFAR-10 and CIFAR-100, read from the python version that its authors publish.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. Augmentation, mean and standard deviation of
CIFAR-100 are those of the KD literature (RepDistiller, mdistiller).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainers.data.formats.memory import MemoryData, Part
from trainers.data.formats.pickles import read_pickle
from trainers.data.formats.places import DataFilesError, folder_with

SIZE = 32
CHANNELS = 3


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the files lie."""

    name: str
    classes: int
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    labels: str
    """Key of the classes in the files."""

    def read(self, root: Path | None) -> tuple[Part, Part]:
        folder = folder_with(self.name, root, (self.folder, "."), (*self.train, *self.test))
        return self._joined(folder, self.train), self._joined(folder, self.test)

    def _joined(self, folder: Path, names: Sequence[str]) -> Part:
        """Return images and classes of these files, one after the other."""
        images, targets = zip(*(self._file(folder / name) for name in names), strict=True)
        return np.concatenate(images), np.concatenate(targets)

    def _file(self, path: Path) -> Part:
        content = read_pickle(path)
        missing = [key for key in ("data", self.labels) if key not in content]
        if missing:
            raise DataFilesError(f"{path} is not a file of {self.name}: it has no {', '.join(map(repr, missing))}")
        data = np.asarray(content["data"])
        targets = np.asarray(content[self.labels], dtype=np.int64)
        if data.dtype != np.uint8 or data.shape != (len(targets), CHANNELS * SIZE * SIZE):
            raise DataFilesError(f"{path} is not a file of {self.name}: {data.dtype} of shape {data.shape}")
        if targets.min(initial=0) < 0 or targets.max(initial=0) >= self.classes:
            raise DataFilesError(f"{path}: its classes must be 0 to {self.classes - 1}")
        return data.reshape(-1, CHANNELS, SIZE, SIZE), targets


CIFAR100 = MemoryData(
    name="cifar100",
    summary="50,000 + 10,000 colour images of 32 x 32 pixels in 100 classes; cifar-100-python/ with train, test",
    read=_Layout("cifar100", 100, "cifar-100-python", ("train",), ("test",), "fine_labels").read,
    classes=100,
    channels=CHANNELS,
    size=SIZE,
    published=(50_000, 10_000),
    view_set="pad4-crop-flip",
    mean=(0.5071, 0.4867, 0.4408),
    std=(0.2675, 0.2565, 0.2761),
    torchvision="CIFAR100",
).entry()

BATCHES = tuple(f"data_batch_{i}" for i in range(1, 6))
CIFAR10 = MemoryData(
    name="cifar10",
    summary="50,000 + 10,000 colour images of 32 x 32 pixels in 10 classes; "
    "cifar-10-batches-py/ with data_batch_1 … 5, test_batch",
    read=_Layout("cifar10", 10, "cifar-10-batches-py", BATCHES, ("test_batch",), "labels").read,
    classes=10,
    channels=CHANNELS,
    size=SIZE,
    published=(50_000, 10_000),
    view_set="pad4-crop-flip",
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    torchvision="CIFAR10",
).entry()
