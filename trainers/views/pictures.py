"""Pictures that are read one by one: from files, or from arrays in memory. What a loader's worker process holds."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trainers.data.formats.picture_files import read_label_map, read_picture
from trainers.data.formats.places import DataFilesError

IGNORED = 255
"""In a label map: a pixel that belongs to no class."""


class Pictures(Protocol):
    """A numbered series of pictures. Travels to worker processes, so it holds nothing that cannot be pickled."""

    @property
    def fill(self) -> int:
        """The grey value that stands outside a picture."""

    def __len__(self) -> int:
        """Return how many there are."""

    def picture(self, number: int) -> Image.Image:
        """Return a picture, RGB or grey.

        Raises:
            DataFilesError: its file is broken.
        """

    def labels(self, number: int) -> NDArray[np.uint8] | None:
        """Return the class of every pixel [H, W], or None where a picture has one class."""


@dataclass(frozen=True, slots=True)
class FilePictures:
    """Pictures in files.

    Attributes:
        files: relative to the folder, as the file system has them: a quarter of the memory that text takes in every
            process.
        label_files: label maps, likewise; None where a picture has one class.
        label_table: [256] class of each value in a label map.
    """

    folder: Path
    files: NDArray[np.bytes_]
    label_files: NDArray[np.bytes_] | None = None
    label_table: NDArray[np.uint8] | None = None
    fill: int = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.files)

    def picture(self, number: int) -> Image.Image:
        """Return a picture in RGB."""
        return read_picture(self.folder / os.fsdecode(bytes(self.files[number])))

    def labels(self, number: int) -> NDArray[np.uint8] | None:
        """Return the class of every pixel [H, W].

        Raises:
            DataFilesError: the label map is broken, or of another size than its picture.
        """
        if self.label_files is None:
            return None
        assert self.label_table is not None
        path = self.folder / os.fsdecode(bytes(self.label_files[number]))
        classes = read_label_map(path, self.label_table)
        with Image.open(self.folder / os.fsdecode(bytes(self.files[number]))) as picture:  # reads its first bytes alone
            size = (picture.height, picture.width)
        if classes.shape != size:
            sizes = f"{size[0]} x {size[1]} pixels, got {classes.shape[0]} x {classes.shape[1]}"
            raise DataFilesError(f"{path} must be of its picture's {sizes}")
        return classes


@dataclass(frozen=True, slots=True)
class ArrayPictures:
    """Pictures in an array [N, C, H, W] with one or three channels."""

    images: NDArray[np.uint8]
    fill: int = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.images)

    def picture(self, number: int) -> Image.Image:
        """Return a picture, grey where it has one channel."""
        image = self.images[number]
        return Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))

    def labels(self, number: int) -> None:
        """Return None: a picture has one class."""
        return
