"""MNIST and Fashion-MNIST, read from idx files, with or without gzip.

LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998; Xiao, Rasul, Vollgraf,
"Fashion-MNIST", 2017, arXiv:1708.07747.
"""

import functools
import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainers.data._base import DataInfo, DataSet, Images
from trainers.data.formats.fetch import fetch
from trainers.data.formats.memory import as_published, in_memory
from trainers.data.formats.places import DataFilesError, folder_with, kept
from trainers.files.files import MOST_DATA_BYTES, read_regular

UNSIGNED_BYTES = 0x08
"""The idx format's number for what these files hold."""
CLASSES = 10
SIZE = 28
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@dataclass(frozen=True, slots=True)
class _Mnist:
    name: str
    folder: str
    """That torchvision makes."""
    view_set: str

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
            classes=CLASSES,
            channels=1,
            size=SIZE,
            train=60_000,
            test=10_000,
            view_set=self.view_set,
            recipe="cifar",
        )


@kept
def _load(kind: _Mnist, root: Path | None) -> Images:
    folder = folder_with(kind.name, root, (f"{kind.folder}/raw", kind.folder, "raw", "."), FILES, endings=("", ".gz"))
    train, test = (_part(folder, *FILES[i : i + 2]) for i in (0, 2))
    return in_memory(kind.name, classes=CLASSES, train=train, test=test, view_set=kind.view_set, recipe="cifar")


def _part(folder: Path, images: str, labels: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    pictures, targets = read_idx(_file(folder, images)), read_idx(_file(folder, labels)).astype(np.int64)
    if pictures.ndim != 3 or pictures.shape[1:] != (SIZE, SIZE) or targets.shape != pictures.shape[:1]:
        raise DataFilesError(f"{folder}: {images} has shape {pictures.shape}, {labels} {targets.shape}")
    if targets.max(initial=0) >= CLASSES:
        raise DataFilesError(f"{folder / labels}: its classes must be 0 to {CLASSES - 1}")
    return pictures[:, None], targets


def _file(folder: Path, name: str) -> Path:
    return next(path for path in (folder / name, folder / f"{name}.gz") if path.is_file())


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the array in an idx file of unsigned bytes.

    Raises:
        DataFilesError: the file is cut or is none.
    """
    try:
        raw = read_regular(path, MOST_DATA_BYTES)
        content = gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (OSError, EOFError, ValueError, zlib.error) as error:  # a gzip file that is cut, or is none
        raise DataFilesError(f"{path} cannot be read: {error}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UNSIGNED_BYTES:
        raise DataFilesError(f"{path} is not an idx file of unsigned bytes")
    dimensions = content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataFilesError(f"{path} is cut: its head alone has {start} bytes, the file {len(content)}")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    expected = start + int(np.prod(shape, dtype=np.int64))
    if len(content) != expected:
        raise DataFilesError(f"{path} has {len(content):,} bytes, its head says {expected:,}")
    own = bytearray(content)  # of bytes an array could only be read, which torch warns of
    return np.frombuffer(own, dtype=np.uint8, offset=start).reshape(shape)


_MNIST = _Mnist("mnist", "MNIST", "pad2-crop")
_FASHION = _Mnist("fashion_mnist", "FashionMNIST", "pad4-crop-flip")

MNIST = DataSet(
    name="mnist",
    summary="60,000 + 10,000 grey images of 28 x 28 pixels, handwritten digits; as fashion_mnist",
    describe=_MNIST.describe,
    load=_MNIST.load,
    fetch=functools.partial(fetch, "mnist", "MNIST"),
    published=_MNIST.published(),
)
FASHION_MNIST = DataSet(
    name="fashion_mnist",
    summary="60,000 + 10,000 grey images of 28 x 28 pixels, ten kinds of clothing; train-images-idx3-ubyte and the "
    "other three, with or without .gz",
    describe=_FASHION.describe,
    load=_FASHION.load,
    fetch=functools.partial(fetch, "fashion_mnist", "FashionMNIST"),
    published=_FASHION.published(),
)
