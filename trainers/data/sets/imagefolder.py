"""Any folder of pictures with a sub-folder for each class, as torchvision's ImageFolder reads it."""

from pathlib import Path

from trainers.data.formats.picture_files import PictureFiles, picture_files
from trainers.data.formats.pictures import PictureData
from trainers.data.formats.places import DataFilesError, folder_with, kept
from trainers.data.formats.scan import class_parts

NAME = "imagefolder"
BY_HAND = "its pictures are your own, in train/CLASS/ and val/CLASS/"
TEST_FOLDERS = ("val", "valid", "validation", "test")
"""The first that is there holds the test set."""


@kept
def imagefolder_files(root: Path | None) -> PictureFiles:
    """Return the files.

    Raises:
        DataFilesError: files are missing, or the classes of the two parts differ.
    """
    folder = folder_with(NAME, root, (".",), ("train/",), by_hand=BY_HAND)
    test = next((name for name in TEST_FOLDERS if (folder / name).is_dir()), None)
    if test is None:
        raise DataFilesError(f"looked for {', '.join(f'{name}/' for name in TEST_FOLDERS)} in {folder}; it needs one")
    classes, train_part, test_part = class_parts(folder, "train", test)
    return picture_files(NAME, folder, tuple(classes), train_part, test_part)


IMAGEFOLDER = PictureData(
    name=NAME,
    summary="any folder with train/ and val/, in them a folder of pictures for each class",
    files=imagefolder_files,
    views="rrc224-flip",
    count=16,
    recipe="imagenet",
).entry()
