"""CUB-200-2011: 200 species of birds in the official split, without boxes.

Wah, Branson, Welinder, Perona, Belongie, "The Caltech-UCSD Birds-200-2011 Dataset", CNS-TR-2011-001, 2011.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from trainers.data.formats.lists import Line, by_word, lines, refuse_differences
from trainers.data.formats.picture_files import PictureFiles, picture_files
from trainers.data.formats.pictures import PictureData
from trainers.data.formats.places import DataFilesError, folder_with, kept
from trainers.data.formats.scan import Part, and_more, pictures_below

NAME = "cub200"
BY_HAND = "its files must be fetched by hand from their owners (data.caltech.edu, CUB_200_2011.tgz)"
LISTS = ("images.txt", "image_class_labels.txt", "train_test_split.txt")
"""Each has a line for each picture, which begins with the picture's id."""


@kept
def cub200_files(root: Path | None) -> PictureFiles:
    """Return the files, in the order of images.txt.

    Raises:
        DataFilesError: files are missing or broken, or do not belong together.
    """
    folder = folder_with(NAME, root, ("CUB_200_2011", "."), (*LISTS, "classes.txt", "images/"), by_hand=BY_HAND)
    names = _class_names(folder / "classes.txt")
    pictures, classes, split = (by_word(lines(folder / name, words=2)) for name in LISTS)
    for other, name in ((classes, LISTS[1]), (split, LISTS[2])):
        _refuse_other_ids(pictures, other, folder / LISTS[0], folder / name)

    found = pictures_below(folder, "images")
    listed = {f"images/{path}": line for path, line in by_word(pictures.values(), word=1).items()}
    refuse_differences(listed, found, folder, folder / LISTS[0])
    size = dict(zip(found.names, found.sizes, strict=True))

    files = np.array(list(listed))
    sizes = np.array([size[name] for name in listed], dtype=np.int64)
    targets = np.array([classes[picture].whole(1, 1, len(names)) - 1 for picture in pictures], dtype=np.int64)
    in_train = np.array([split[picture].whole(1, 0, 1) for picture in pictures], dtype=bool)
    train, test = (Part(files=files[of], sizes=sizes[of], targets=targets[of]) for of in (in_train, ~in_train))
    return picture_files(NAME, folder, names, train, test)


def _class_names(path: Path) -> tuple[str, ...]:
    found = lines(path, words=2)
    for number, line in enumerate(found, 1):
        line.whole(0, number, number)
    return tuple(line.words[1] for line in found)


def _refuse_other_ids(pictures: Mapping[str, Line], other: Mapping[str, Line], source: Path, path: Path) -> None:
    missing = [picture for picture in pictures if picture not in other]
    if missing:
        raise DataFilesError(f"{path} has no line for picture {missing[0]} of {source}{and_more(missing)}")
    unknown = [picture for picture in other if picture not in pictures]
    if unknown:
        raise other[unknown[0]].refusal(f"picture {unknown[0]!r} is not in {source}{and_more(unknown)}")


CUB200 = PictureData(
    name=NAME,
    summary="5,994 + 5,794 pictures of 200 kinds of birds (CUB-200-2011, official split); "
    "CUB_200_2011/ with images.txt, the other lists, images/",
    files=cub200_files,
    views="rrc224-flip",
    count=64,
    recipe="cub200",
    published=(200, 5_994, 5_794),
).entry()
