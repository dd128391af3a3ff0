"""Images and labels of somebody's own as they were given, held to what a data set in memory must be."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainers.data.formats.places import DataFilesError
from trainers.files.files import MOST_DATA_BYTES
from trainers.texts.nearest import hint

PARTS = ("train_images", "train_labels", "test_images", "test_labels")
KERAS = dict(zip(("x_train", "y_train", "x_test", "y_test"), PARTS, strict=True))
"""Names of the same four in the files of Keras."""
Part = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images [N, C, S, S] and classes [N]."""


def parts_of(given: Mapping[str, Any]) -> tuple[Part, Part]:
    """Return the images for training and for testing.

    Raises:
        DataFilesError: one of the four arrays is missing or is not what it should be; says which, and the rule.
    """
    named = {KERAS.get(name, name): value for name, value in given.items()}
    missing = [name for name in PARTS if name not in named]
    if missing:
        near = hint(missing[0], given)
        raise DataFilesError(
            f"{missing[0]} is missing{near} (it must have {', '.join(PARTS)}, got {', '.join(map(str, given))})"
        )
    train, test = ((_images(named, f"{part}_images"), _labels(named, f"{part}_labels")) for part in ("train", "test"))
    for part, (images, labels) in (("train", train), ("test", test)):
        if len(images) != len(labels):
            raise DataFilesError(
                f"{part}_labels must be one for each of the {len(images):,} images, got {len(labels):,}"
            )
    if train[0].shape[1:] != test[0].shape[1:]:
        shapes = " and ".join(_shape(one[0]) for one in (train, test))
        raise DataFilesError(f"test_images must have the size of train_images, got {shapes}")
    _check_classes(train[1], test[1])
    return train, test


def _images(named: Mapping[str, Any], name: str) -> NDArray[np.uint8]:
    images = np.asarray(named[name])
    if images.dtype != np.uint8:
        rule = f"{name} must be of uint8, grey values from 0 to 255, got {images.dtype}"
        if images.dtype.kind == "f" and images.size:
            low, high = float(images.min()), float(images.max())
            rule += f" from {low:g} to {high:g}"
            rule += (
                "; multiply by 255 and round"
                if 0 <= low <= high <= 1
                else "; give them as they were before a Normalize"
            )
        raise DataFilesError(rule)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[3] not in (1, 3):
        swapped = images.ndim == 4 and images.shape[1] in (1, 3)
        way_out = "; put channels last: numpy.moveaxis(images, 1, 3)" if swapped else ""
        shape = "N, height, width, and 1 or 3 channels if there is a fourth number"
        raise DataFilesError(f"{name} must have the shape {shape}, got {list(np.shape(named[name]))}{way_out}")
    if not len(images):
        raise DataFilesError(f"{name} holds no image")
    if images.shape[1] != images.shape[2] or images.shape[1] < 8:
        raise DataFilesError(f"{name} must be square, of 8 pixels or more; got {images.shape[1]} x {images.shape[2]}")
    if images.nbytes > MOST_DATA_BYTES:
        rule = f"at most {MOST_DATA_BYTES / 2**30:g} GiB in memory, got {images.nbytes / 2**30:.1f}"
        raise DataFilesError(f"{name} may take {rule}; lay them as picture files for `imagefolder`")
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def _labels(named: Mapping[str, Any], name: str) -> NDArray[np.int64]:
    labels = np.asarray(named[name])
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        one_hot = "; give numpy.argmax(labels, 1)" if labels.ndim == 2 else ""
        raise DataFilesError(f"{name} must have the shape N, got {list(labels.shape)}{one_hot}")
    if labels.dtype.kind not in "iu":
        raise DataFilesError(f"{name} must be whole numbers from 0, a class each, got {labels.dtype}")
    return labels.astype(np.int64)


def _check_classes(train: NDArray[np.int64], test: NDArray[np.int64]) -> None:
    for name, labels in (("train_labels", train), ("test_labels", test)):
        if labels.min() < 0:
            raise DataFilesError(f"{name} must be whole numbers from 0, got {labels.min()}")
    classes = int(train.max()) + 1
    if classes < 2:
        raise DataFilesError(f"train_labels must hold at least 2 classes, got {classes}")
    if classes > len(train):
        raise DataFilesError(f"train_labels must be classes from 0 on, got {train.max()} among {len(train):,} images")
    empty = np.flatnonzero(np.bincount(train, minlength=classes) == 0)
    if len(empty):
        more = f" (and {len(empty) - 1} more)" if len(empty) > 1 else ""
        raise DataFilesError(f"train_labels must be classes from 0 on without a gap: none is {empty[0]}{more}")
    if test.max() >= classes:
        raise DataFilesError(f"test_labels must be classes of train_labels, below {classes}, got {test.max()}")


def _shape(images: NDArray[np.uint8]) -> str:
    return f"{images.shape[2]} x {images.shape[3]} with {images.shape[1]} channels"
