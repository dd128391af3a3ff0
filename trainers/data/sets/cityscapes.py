"""Cityscapes: street scenes of 1024 x 2048 pixels, 19 classes, fine annotations. The test set is the official val.

Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", 2016, arXiv:1604.01685.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainers.data.formats.picture_files import PictureFiles, picture_files
from trainers.data.formats.pictures import PictureData
from trainers.data.formats.places import DataFilesError, folder_with, kept
from trainers.data.formats.scan import Found, Part, and_more, pictures_in, subfolders

NAME = "cityscapes"
BY_HAND = "its files must be fetched by hand from their owners (cityscapes-dataset.com, leftImg8bit and gtFine)"
IGNORED = 255
CLASSES = {
    "road": 7,
    "sidewalk": 8,
    "building": 11,
    "wall": 12,
    "fence": 13,
    "pole": 17,
    "traffic light": 19,
    "traffic sign": 20,
    "vegetation": 21,
    "terrain": 22,
    "sky": 23,
    "person": 24,
    "rider": 25,
    "car": 26,
    "truck": 27,
    "bus": 28,
    "train": 31,
    "motorcycle": 32,
    "bicycle": 33,
}
"""Ids of the classes that are scored, in the order of their training ids; all other ids are ignored."""
PICTURE = "_leftImg8bit.png"
IDS = "_gtFine_labelIds.png"
TRAIN_IDS = "_gtFine_labelTrainIds.png"


@kept
def cityscapes_files(root: Path | None) -> PictureFiles:
    """Return the files. A tenth of each city's training pictures is held out for validation.

    Raises:
        DataFilesError: files are missing.
    """
    wanted = tuple(f"{kind}/{part}/" for kind in ("leftImg8bit", "gtFine") for part in ("train", "val"))
    folder = folder_with(NAME, root, (".", "cityscapes"), wanted, by_hand=BY_HAND)
    cities = subfolders(folder, "gtFine/train")
    kind = IDS if any(pictures_in(folder, f"gtFine/train/{city}", IDS.lower()).names for city in cities) else TRAIN_IDS
    train, test = (_part(folder, part, kind) for part in ("train", "val"))
    return picture_files(NAME, folder, tuple(CLASSES), train, test, label_table(kind))


def label_table(kind: str) -> NDArray[np.uint8]:
    """Return the class [256] of each value in label maps of a kind, `IDS` or `TRAIN_IDS`."""
    table = np.full(256, IGNORED, dtype=np.uint8)
    table[list(CLASSES.values()) if kind == IDS else range(len(CLASSES))] = range(len(CLASSES))
    return table


def _part(folder: Path, part: str, kind: str) -> Part:
    """Return the pictures of all cities, with label maps of a kind."""
    cities = sorted({city for place in ("leftImg8bit", "gtFine") for city in subfolders(folder, f"{place}/{part}")})
    pictures, maps = Found([], []), Found([], [])
    targets: list[int] = []
    for number, city in enumerate(cities):
        for place, ending, found in (("leftImg8bit", PICTURE, pictures), ("gtFine", kind, maps)):
            of_city = pictures_in(folder, f"{place}/{part}/{city}", ending.lower())
            found.names.extend(of_city.names)
            found.sizes.extend(of_city.sizes)
        targets += [number] * (len(pictures.names) - len(targets))
    if not pictures.names:
        raise DataFilesError(f"looked for CITY/*{PICTURE} in {folder / 'leftImg8bit' / part}: there are none")
    labels = [f"gtFine{name.removeprefix('leftImg8bit')[: -len(PICTURE)]}{kind}" for name in pictures.names]
    _refuse_unpaired(folder, labels, maps.names, kind)
    size = dict(zip(maps.names, maps.sizes, strict=True))
    return Part(
        files=np.array(pictures.names),
        sizes=np.array(pictures.sizes, dtype=np.int64),
        targets=np.array(targets, dtype=np.int64),
        labels=np.array(labels),
        label_sizes=np.array([size[name] for name in labels], dtype=np.int64),
    )


def _refuse_unpaired(folder: Path, wanted: Sequence[str], there: Sequence[str], kind: str) -> None:
    """Refuse pictures without label maps, and label maps without pictures."""
    missing = sorted(set(wanted) - set(there))
    if missing:
        also = f" (nor are there any *{IDS})" if kind == TRAIN_IDS else ""
        raise DataFilesError(f"{folder / missing[0]} is not there, a picture's label map{also}{and_more(missing)}")
    strange = sorted(set(there) - set(wanted))
    if strange:
        raise DataFilesError(f"{folder / strange[0]} is the label map of no picture{and_more(strange)}")


CITYSCAPES = PictureData(
    name=NAME,
    summary="2,975 + 500 street scenes of 1024x2048 pixels, 19 classes for every pixel; "
    "leftImg8bit/ and gtFine/ with train/, val/",
    files=cityscapes_files,
    views="scale-crop512x1024-flip",
    count=1000,
    recipe="cityscapes",
    task="segmentation",
    published=(19, 2_975, 500),
).entry()
