"""MNIST and Fashion-MNIST, read from idx files, with or without gzip.

LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998; Xiao, Rasul, Vollgraf,
"Fashion-MNIST", 2017, arXiv:1708.07747.
"""

import functools
import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainers.data.formats.memory import MemoryData, Part
from trainers.data.formats.places import DataFilesError, folder_with
from trainers.files.files import MOST_DATA_BYTES, read_regular

UNSIGNED_BYTES = 0x08
"""The idx format's number for what these files hold."""
CLASSES = 10
SIZE = 28
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def _read(name: str, folder: str, root: Path | None) -> tuple[Part, Part]:
    """Return the images.

    Args:
        folder: that torchvision makes.
    """
    place = folder_with(name, root, (f"{folder}/raw", folder, "raw", "."), FILES, endings=("", ".gz"))
    return _part(place, *FILES[:2]), _part(place, *FILES[2:])


def _part(folder: Path, images: str, labels: str) -> Part:
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


MNIST = MemoryData(
    name="mnist",
    summary="60,000 + 10,000 grey images of 28 x 28 pixels, handwritten digits; as fashion_mnist",
    read=functools.partial(_read, "mnist", "MNIST"),
    classes=CLASSES,
    channels=1,
    size=SIZE,
    published=(60_000, 10_000),
    view_set="pad2-crop",
    torchvision="MNIST",
).entry()
FASHION_MNIST = MemoryData(
    name="fashion_mnist",
    summary="60,000 + 10,000 grey images of 28 x 28 pixels, ten kinds of clothing; train-images-idx3-ubyte and the "
    "other three, with or without .gz",
    read=functools.partial(_read, "fashion_mnist", "FashionMNIST"),
    classes=CLASSES,
    channels=1,
    size=SIZE,
    published=(60_000, 10_000),
    view_set="pad4-crop-flip",
    torchvision="FashionMNIST",
).entry()
