"""A data set whose pictures are files: which files it has, and how one is read when it is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from trainers.data._split import held_out_last
from trainers.data.formats.memory import content_digest
from trainers.data.formats.places import DataFilesError
from trainers.data.formats.scan import Part, and_more

if TYPE_CHECKING:
    from PIL import Image

DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
"""Pillow's names of greys with more than 8 bits; it would cut them off at 255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFiles:
    """A data set whose pictures are files. The first `fit` training files are the fit images, the others validation's.

    N names of files are relative to `folder`, with forward slashes.
    """

    name: str
    folder: Path
    classes: int
    class_names: tuple[str, ...]
    fit: int
    train_files: NDArray[np.str_]
    train_targets: NDArray[np.int64]
    """Class of each picture; where there are label maps, the number of its city: nothing is trained on it."""
    test_files: NDArray[np.str_]
    test_targets: NDArray[np.int64]
    """Likewise; cities are numbered in each part by itself."""
    train_labels: NDArray[np.str_] | None = None
    """Segmentation: the label map of each training picture."""
    test_labels: NDArray[np.str_] | None = None
    label_table: NDArray[np.uint8] | None = None
    """[256]: class of each value in a label map; 255 is ignored."""
    digest: str
    """SHA-256 over names, sizes in bytes and classes of all files, in their order: no file is opened for it."""


def picture_files(
    name: str,
    folder: Path,
    class_names: tuple[str, ...],
    train: Part,
    test: Part,
    label_table: NDArray[np.uint8] | None = None,
) -> PictureFiles:
    """Return the data set, its validation pictures held out and put last.

    Raises:
        DataFilesError: a file has no bytes, or a class has no pictures in one of the parts.
    """
    for part, which in ((train, "training"), (test, "test")):
        _refuse_empty_files(folder, part.files, part.sizes)
        if part.labels is not None and part.label_sizes is not None:
            _refuse_empty_files(folder, part.labels, part.label_sizes)
        else:
            _refuse_empty_classes(folder, class_names, part.targets, which)
    order, fit = held_out_last(train.targets, name)
    train_files, train_targets = train.files[order], train.targets[order]
    train_labels = None if train.labels is None else train.labels[order]
    train_label_sizes = None if train.label_sizes is None else train.label_sizes[order]
    content = (
        *(train_files, train.sizes[order], train_targets, train_labels, train_label_sizes),
        *(test.files, test.sizes, test.targets, test.labels, test.label_sizes),
    )
    return PictureFiles(
        name=name,
        folder=folder.absolute(),  # workers may be started elsewhere
        classes=len(class_names),
        class_names=class_names,
        fit=fit,
        train_files=train_files,
        train_targets=train_targets,
        test_files=test.files,
        test_targets=test.targets,
        train_labels=train_labels,
        test_labels=test.labels,
        label_table=label_table,
        digest=content_digest(*(array for array in content if array is not None)),
    )


def read_picture(path: Path) -> "Image.Image":
    """Return a picture in RGB: grey, CMYK and palettes are converted, transparency is dropped.

    A rotation that its EXIF data ask for is not made: the literature's readers make none.

    Raises:
        DataFilesError: the file is missing, broken or cut, or has more than 8 bits a channel.
    """
    with opened(path, "picture") as image:
        return (image.convert("RGBA") if image.mode == "P" else image).convert("RGB")  # Pillow warns of clear palettes


def read_label_map(path: Path, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the class of every pixel [H, W].

    Args:
        table: [256] class of each value in the file.

    Raises:
        DataFilesError: the file is missing, broken, cut or not of 8-bit greys.
    """
    with opened(path, "label map") as image:
        classes: NDArray[np.uint8] = table[np.asarray(image)]
        return classes


@contextmanager
def opened(path: Path, what: Literal["picture", "label map"]) -> Iterator["Image.Image"]:
    """Open a picture whose head says that it is one.

    Raises:
        DataFilesError: it says otherwise, or what is done with the picture shows that it is broken or cut.
    """
    from PIL import Image  # a tenth of a second, and describing needs none

    try:
        with Image.open(path) as image:
            if what == "picture" and image.mode in DEEP_MODES:
                raise DataFilesError(f"{path} must have 8 bits a channel, got Pillow's mode {image.mode!r}")
            if what == "label map" and image.mode != "L":
                raise DataFilesError(f"{path} must be a label map of 8-bit greys, got Pillow's mode {image.mode!r}")
            yield image
    except DataFilesError:
        raise
    except Exception as error:
        raise DataFilesError(f"{path} cannot be read as a {what}: {type(error).__name__}: {error}") from error


def _refuse_empty_files(folder: Path, files: NDArray[np.str_], sizes: NDArray[np.int64]) -> None:
    empty = np.flatnonzero(sizes == 0)
    if len(empty):
        first = folder / str(files[empty[0]])  # what is no file, such as a pipe, has no size either
        told = "has no bytes" if first.is_file() else "is no regular file"
        raise DataFilesError(f"{first} {told}{and_more(empty.tolist())}")


def _refuse_empty_classes(folder: Path, names: tuple[str, ...], targets: NDArray[np.int64], which: str) -> None:
    empty = np.flatnonzero(np.bincount(targets, minlength=len(names)) == 0).tolist()
    if empty:
        raise DataFilesError(f"{folder} has no {which} pictures of class {names[empty[0]]!r}{and_more(empty)}")
