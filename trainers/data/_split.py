"""Validation images held out of a training set: stratified, and fixed by the data set alone."""

import numpy as np
from numpy.typing import NDArray

from trainers.trials.streams import stream_seed

SHARE = 0.1
"""Of each class's training images."""


def held_out_last(targets_N: NDArray[np.int64], name: str) -> tuple[NDArray[np.int64], int]:
    """Return an order of the training images with those held out for validation last, and how many come before them.

    Of every class a tenth is held out, at least one image; which, depends on the data set's name and the class alone.
    Within both parts the images keep their order.

    Args:
        targets_N: classes of the training images.
    """
    held = np.zeros(len(targets_N), dtype=bool)
    for label in np.unique(targets_N):
        members = np.flatnonzero(targets_N == label)
        random = np.random.Generator(np.random.Philox(key=stream_seed("held out", name, int(label))))
        count = min(max(1, round(SHARE * len(members))), len(members) - 1)
        held[random.choice(members, size=count, replace=False)] = True
    return np.concatenate([np.flatnonzero(~held), np.flatnonzero(held)]), int((~held).sum())


def unvalidated(targets_N: NDArray[np.int64], fit: int, classes: int) -> int:
    """Return how many classes have no image among those held out.

    Args:
        targets_N: classes of the training images in the order of `held_out_last`.
        fit: how many of them come before those held out.
    """
    return int((np.bincount(targets_N[fit:], minlength=classes) == 0).sum())
