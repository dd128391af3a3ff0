"""A data set that fits in memory, from the arrays in its files: split, digest, description."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from trainers.data._base import DataInfo, Images
from trainers.data._split import held_out_last, unvalidated
from trainers.data.view_sets import view_set as named_views

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images [N, C, S, S] and classes [N]."""


def in_memory(
    name: str,
    *,
    classes: int,
    train: Part,
    test: Part,
    view_set: str,
    recipe: str,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
) -> Images:
    """Return the data set, its validation images held out and put last.

    Args:
        mean, std: of each channel, for values in 0 … 1; None: those of the training images.
    """
    order, fit = held_out_last(train[1], name)
    images, targets = train[0][order], train[1][order]
    size = images.shape[-1]
    return Images(
        info=DataInfo(
            name=name,
            classes=classes,
            channels=images.shape[1],
            size=size,
            digest=content_digest(images, targets, *test),
            fit=fit,
            validation=len(targets) - fit,
            test=len(test[1]),
            view_set=view_set,
            views=named_views(view_set).enumerated or 1,
            recipe=recipe,
            unvalidated=unvalidated(targets, fit, classes),
        ),
        train_images=images,
        train_targets=targets,
        test_images=test[0],
        test_targets=test[1],
        fill=0,
        mean=mean,
        std=std,
    )


def as_published(
    name: str, *, classes: int, channels: int, size: int, train: int, test: int, view_set: str, recipe: str
) -> DataInfo:
    """Return what is known of a data set without its files; equal numbers of images in each class, a tenth held out.

    Args:
        train, test: images of the two parts.
    """
    return DataInfo(
        name=name,
        classes=classes,
        channels=channels,
        size=size,
        digest="",
        fit=train - train // 10,
        validation=train // 10,
        test=test,
        view_set=view_set,
        views=named_views(view_set).enumerated or 1,
        recipe=recipe,
        found=False,
    )


def content_digest(*arrays: NDArray[np.generic]) -> str:
    """Return the SHA-256 of arrays: types, shapes and values."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
