"""Tiny ImageNet: 200 classes, 64 x 64 pixels, as published or with val/ sorted into class folders.

Le, Yang, "Tiny ImageNet Visual Recognition Challenge", Stanford CS231n, 2015. The test set is val/: the labels of test/
were never published. Classes are numbered in the order of their WordNet ids.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trainers.data.formats.lists import by_word, lines, refuse_differences
from trainers.data.formats.picture_files import PictureFiles, picture_files
from trainers.data.formats.pictures import PictureData
from trainers.data.formats.places import DataFilesError, folder_with, kept
from trainers.data.formats.scan import Found, Part, class_folders, pictures_in, refuse_other_classes, subfolders

NAME = "tiny_imagenet"
BY_HAND = "its files must be fetched by hand from their owners (cs231n.stanford.edu/tiny-imagenet-200.zip)"
ANNOTATIONS = "val/val_annotations.txt"
WORDS = 6
"""Picture, class and a box; of a picture in train/ without the class."""


@kept
def tiny_imagenet_files(root: Path | None) -> PictureFiles:
    """Return the files.

    Raises:
        DataFilesError: files are missing or broken, or do not belong together.
    """
    folder = folder_with(NAME, root, ("tiny-imagenet-200", "."), ("wnids.txt", "train/", "val/"), by_hand=BY_HAND)
    classes = sorted(by_word(lines(folder / "wnids.txt", words=1)))
    refuse_other_classes(folder, "train", subfolders(folder, "train"), classes, f"{folder / 'wnids.txt'}")
    test = _test(folder, classes)
    train = class_folders(folder, "train", classes)
    _refuse_other_pictures(folder, classes, train)
    return picture_files(NAME, folder, tuple(classes), train, test)


def _test(folder: Path, classes: Sequence[str]) -> Part:
    found = pictures_in(folder, "val/images") if (folder / "val/images").is_dir() else Found([], [])
    if found.names:
        return _annotated(folder, found, classes)
    sorted_in = [name for name in subfolders(folder, "val") if name != "images"]  # sorting leaves it behind, empty
    if not sorted_in:
        raise DataFilesError(
            f"looked for pictures in {folder / 'val/images'} and for class folders in {folder / 'val'}"
        )
    refuse_other_classes(folder, "val", sorted_in, classes, f"{folder / 'wnids.txt'}")
    return class_folders(folder, "val", classes)


def _annotated(folder: Path, found: Found, classes: Sequence[str]) -> Part:
    """Return the pictures of val/images, by their names."""
    path = folder / ANNOTATIONS
    listed = {f"val/images/{name}": line for name, line in by_word(lines(path, WORDS)).items()}
    refuse_differences(listed, found, folder, path)
    number = {wnid: i for i, wnid in enumerate(classes)}
    for line in listed.values():
        if line.words[1] not in number:
            raise line.refusal(f"{line.words[1]!r} is not in {folder / 'wnids.txt'}")
    return Part(
        files=np.array(found.names),
        sizes=np.array(found.sizes, dtype=np.int64),
        targets=np.array([number[listed[name].words[1]] for name in found.names], dtype=np.int64),
    )


def _refuse_other_pictures(folder: Path, classes: Sequence[str], train: Part) -> None:
    """Refuse training pictures that are not those of the lists of boxes, where these are there."""
    ends = np.searchsorted(train.targets, np.arange(len(classes) + 1))
    for wnid, start, end in zip(classes, ends[:-1], ends[1:], strict=True):
        path = folder / f"train/{wnid}/{wnid}_boxes.txt"
        if path.is_file():
            listed = {f"train/{wnid}/images/{name}": line for name, line in by_word(lines(path, WORDS - 1)).items()}
            refuse_differences(listed, Found(train.files[start:end].tolist(), []), folder, path)


TINY_IMAGENET = PictureData(
    name=NAME,
    summary="100,000 + 10,000 pictures of 200 classes, 64x64, brought to 224x224; "
    "tiny-imagenet-200/ with wnids.txt, train/, val/",
    files=tiny_imagenet_files,
    views="rrc224-flip",
    count=64,
    recipe="tiny_imagenet",
    published=(200, 100_000, 10_000),
).entry()
