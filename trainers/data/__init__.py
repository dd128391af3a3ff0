"""The data sets, by name."""

from pathlib import Path

from trainers.data._base import DataInfo, DataSet, Images
from trainers.data._looks import broken_pictures, changed_after, count_pictures, newest_change
from trainers.data._options import DataOptions, seen_in, with_options
from trainers.data.formats.picture_files import PictureFiles
from trainers.data.formats.pictures import PICTURE_MEAN, PICTURE_STD
from trainers.data.formats.places import DataFilesError, DataNotFoundError
from trainers.data.sets.cifar import CIFAR10, CIFAR100
from trainers.data.sets.cityscapes import CITYSCAPES
from trainers.data.sets.cub200 import CUB200
from trainers.data.sets.digits100 import DIGITS100
from trainers.data.sets.imagefolder import IMAGEFOLDER
from trainers.data.sets.imagenet import IMAGENET
from trainers.data.sets.mnist import FASHION_MNIST, MNIST
from trainers.data.sets.own import OPTIONS, Source, check_repeats, folder_of, source_of
from trainers.data.sets.own import entry as own_entry
from trainers.data.sets.tiny_imagenet import TINY_IMAGENET
from trainers.texts.nearest import unknown

__all__ = [
    "DATASETS",
    "OPTIONS",
    "PICTURE_MEAN",
    "PICTURE_STD",
    "DataFilesError",
    "DataInfo",
    "DataNotFoundError",
    "DataOptions",
    "DataSet",
    "Images",
    "PictureFiles",
    "Source",
    "broken_pictures",
    "changed_after",
    "check_repeats",
    "count_pictures",
    "describe",
    "describe_or_fetch",
    "folder_of",
    "get",
    "load",
    "names",
    "newest_change",
    "seen_in",
    "source_of",
    "with_options",
]

ALL = (
    *(DIGITS100, CIFAR100, CIFAR10, FASHION_MNIST, MNIST),
    *(IMAGENET, TINY_IMAGENET, CUB200, CITYSCAPES, IMAGEFOLDER),
)
DATASETS = {dataset.name: dataset for dataset in ALL}


def names() -> tuple[str, ...]:
    """Return the names of all data sets."""
    return tuple(DATASETS)


def get(name: str, root: Path | None = None) -> DataSet:
    """Return the registry entry.

    Args:
        root: where its files lie, or what tells a data set of somebody's own (`Source.root`).

    Raises:
        ValueError: there is no such data set; names the nearest one.
    """
    if name not in DATASETS and root is not None:
        return own_entry(name)
    if name not in DATASETS:
        raise ValueError(unknown("data set", name, names(), "datasets"))
    return DATASETS[name]


def describe(name: str, root: Path | None = None) -> DataInfo:
    """Return what is known of a data set without training on it. `root` is where its files lie, if it has any."""
    return get(name, root).describe(root)


def describe_or_fetch(name: str, root: Path | None = None) -> DataInfo:
    """Return what is known of a data set, whose files are fetched first where they are missing and may be."""
    fetch = get(name, root).fetch
    try:
        return describe(name, root)
    except DataFilesError:
        if fetch is None:
            raise
        fetch(root)
        return describe(name, root)


def load(name: str, root: Path | None = None) -> Images | PictureFiles:
    """Return the images of a data set that fits in memory, or the files of another."""
    return get(name, root).load(root)
