"""ImageNet (ILSVRC 2012) or a subset of its classes, as torchvision prepares it, as Kaggle has it, or as published.

Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", 2015, arXiv:1409.0575. Classes are numbered in
the order of their WordNet ids, as everywhere but in the challenge's own development kit.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from trainers.data.formats.lists import Line, by_word, lines
from trainers.data.formats.picture_files import PictureFiles, picture_files
from trainers.data.formats.pictures import PictureData
from trainers.data.formats.places import DataFilesError, folder_with, kept
from trainers.data.formats.scan import Part, and_more, class_folders, class_names, class_parts, pictures_in, subfolders
from trainers.files.files import MOST_DATA_BYTES, regular_file

NAME = "imagenet"
BY_HAND = "its files must be fetched by hand from their owners (image-net.org)"
LAYOUTS = (".", "ILSVRC2012", "imagenet", "ILSVRC/Data/CLS-LOC")
CLASSES = 1000
KAGGLE = "LOC_val_solution.csv"
KIT = "ILSVRC2012_devkit_t12/data"
KIT_CLASSES = "ILSVRC2012_validation_ground_truth.txt"
KIT_IDS = "meta.mat"
ABOVE = 3
"""Folders above train/ and val/ in which the labels may lie as well: Kaggle's lie beside its ILSVRC/."""

Labels = Mapping[str, tuple[str, Line]]
"""By the name of a picture without its ending: its WordNet id, and the line that says so."""


@kept
def imagenet_files(root: Path | None) -> PictureFiles:
    """Return the files. The classes are those that train/ holds.

    Where val/ has no folders, its pictures of other classes are left out: the lists of labels are for all 1,000.

    Raises:
        DataFilesError: files are missing or broken, or do not belong together.
    """
    folder = folder_with(NAME, root, LAYOUTS, ("train/", "val/"), by_hand=BY_HAND)
    for part in ("train", "val"):
        strange = [name for name in subfolders(folder, part) if not re.fullmatch(r"n\d{8}", name)]
        if strange:
            raise DataFilesError(f"{folder / part / strange[0]} must be called by its WordNet id{and_more(strange)}")
    if subfolders(folder, "val"):
        classes, train, test = class_parts(folder, "train", "val")
    else:
        classes = class_names(folder, "train")
        test = _flat(folder, classes)  # first: quick to fail
        train = class_folders(folder, "train", classes)
    return picture_files(NAME, folder, tuple(classes), train, test)


def _flat(folder: Path, classes: Sequence[str]) -> Part:
    """Return the pictures of val/ without folders, by their names."""
    found = pictures_in(folder, "val")
    stems = [Path(name).stem for name in found.names]
    labels, source = _labels(folder)
    number = {wnid: i for i, wnid in enumerate(classes)}
    there = set(stems)
    missing = [stem for stem, (wnid, _) in labels.items() if wnid in number and stem not in there]
    if missing:
        _, line = labels[missing[0]]
        raise line.refusal(f"{folder / 'val' / missing[0]}.JPEG is not there{and_more(missing)}")
    unlabelled = [name for name, stem in zip(found.names, stems, strict=True) if stem not in labels]
    if unlabelled:
        raise DataFilesError(f"{folder / unlabelled[0]} has no label in {source}{and_more(unlabelled)}")
    wnids = [labels[stem][0] for stem in stems]
    kept = [i for i, wnid in enumerate(wnids) if wnid in number]
    return Part(
        files=np.array([found.names[i] for i in kept], dtype=np.str_),
        sizes=np.array([found.sizes[i] for i in kept], dtype=np.int64),
        targets=np.array([number[wnids[i]] for i in kept], dtype=np.int64),
    )


def _labels(folder: Path) -> tuple[Labels, Path]:
    """Return the labels of the pictures of val/, and the file that they are from."""
    places = (folder, *folder.absolute().parents[:ABOVE])
    for place in places:
        if (place / KAGGLE).is_file():
            return _kaggle_labels(place / KAGGLE), place / KAGGLE
        if (place / KIT / KIT_CLASSES).is_file():
            return _kit_labels(place / KIT / KIT_CLASSES, place / KIT / KIT_IDS), place / KIT / KIT_CLASSES
    raise DataFilesError(
        f"{folder / 'val'} has no class folders, so labels were looked for: {KAGGLE} or {KIT}/{KIT_CLASSES} in "
        f"{', '.join(map(str, places))}; {BY_HAND}"
    )


def _kaggle_labels(path: Path) -> Labels:
    head, *rows = lines(path, words=2, separator=",")
    if head.words != ("ImageId", "PredictionString"):
        raise head.refusal(f"must be ImageId,PredictionString, got {','.join(head.words)[:80]!r}")
    return {stem: (_wnid(line), line) for stem, line in by_word(rows).items()}


def _wnid(line: Line) -> str:
    wnid = line.words[1].split(" ")[0]
    if not re.fullmatch(r"n\d{8}", wnid):
        raise line.refusal(f"must begin with a WordNet id, got {line.words[1][:80]!r}")
    return wnid


def _kit_labels(classes: Path, ids: Path) -> Labels:
    """Return the labels by the development kit: line n has the class of picture n by the kit's own numbers."""
    wnids = _kit_ids(ids)
    return {
        f"ILSVRC2012_val_{line.number:08d}": (wnids[line.whole(0, 1, CLASSES)], line)
        for line in lines(classes, words=1)
    }


def _kit_ids(path: Path) -> dict[int, str]:
    """Return the WordNet ids of the kit's numbers 1 … 1000; higher ones are of groups of classes."""
    import scipy.io  # seldom needed

    try:
        with regular_file(path, MOST_DATA_BYTES) as file:
            synsets = scipy.io.loadmat(file, squeeze_me=True, variable_names=["synsets"])["synsets"]
        pairs = zip(synsets["ILSVRC2012_ID"], synsets["WNID"], strict=True)
        wnids = {int(number): str(wnid) for number, wnid in pairs if int(number) <= CLASSES}
    except Exception as error:
        raise DataFilesError(f"{path} cannot be read: {type(error).__name__}: {error}") from error
    if sorted(wnids) != list(range(1, CLASSES + 1)):
        raise DataFilesError(f"{path} must have the ids 1 to {CLASSES}, got {len(wnids)} of them")
    return wnids


IMAGENET = PictureData(
    name=NAME,
    summary="1,281,167 + 50,000 pictures of 1,000 classes (ILSVRC 2012); "
    "train/ and val/ with a folder for each class, or val/ flat with LOC_val_solution.csv or the development kit",
    files=imagenet_files,
    views="rrc224-flip",
    count=16,
    recipe="imagenet",
    published=(1000, 1_281_167, 50_000),
).entry()
