"""What a data set is to the rest of the trainers: a description, and images in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from trainers.data.formats.picture_files import PictureFiles

Task = Literal["classification", "segmentation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataInfo:
    """What can be said of a data set before a network sees it."""

    name: str
    classes: int
    channels: int
    size: int
    """Height of a view in pixels; its width too unless `across` says otherwise."""
    digest: str
    """SHA-256 of the content; part of every trial key."""
    fit: int
    """Training images that a search trains on."""
    validation: int
    """Training images that a search is scored on; a reported trial trains on them as well."""
    test: int
    view_set: str
    """Name of the numbered set of augmentations (trainers.views.views)."""
    views: int
    """Views an image has in that set."""
    recipe: str
    """Name of the recipe that a sweep file gets when it names none."""
    task: Task = "classification"
    """Whether a network names one class for an image or one for every pixel."""
    across: int = 0
    """Width of a view in pixels; 0: as its height."""
    unvalidated: int = 0
    """Classes of whose training images none is held out for validation: they have one."""
    found: bool = True
    """Whether the files are there; False: what is known of the data set as published."""

    @property
    def width(self) -> int:
        """Of a view, in pixels."""
        return self.across or self.size

    def trained_on(self, split: Literal["search", "full"]) -> int:
        """Return how many images a trial of a split is trained on."""
        return self.fit if split == "search" else self.fit + self.validation


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """A data set that fits in memory. N images of `channels` x `size` x `size`, uint8.

    The first `info.fit` training images are the fit images, the others the validation images.
    """

    info: DataInfo
    train_images: NDArray[np.uint8]
    train_targets: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_targets: NDArray[np.int64]
    fill: int
    """The grey value that stands outside an image when it is shifted."""
    mean: tuple[float, ...] | None = None
    """Of each channel, for values in 0 … 1; None: that of the training images."""
    std: tuple[float, ...] | None = None
    """Likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A registry entry."""

    name: str
    summary: str
    describe: Callable[[Path | None], DataInfo]
    load: "Callable[[Path | None], Images | PictureFiles]"
    fetch: Callable[[Path | None], None] | None = None
    """Fetches the files; None where nobody may."""
    published: DataInfo | None = None
    """What is known of it without its files; None where nothing is."""
