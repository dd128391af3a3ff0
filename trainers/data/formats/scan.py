"""Finding picture files: names and sizes, in the order of torchvision's ImageFolder; none is opened.

Names are relative to the data set's folder, with forward slashes.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainers.data.formats.places import DataFilesError

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Of a picture's name, in lower case; those of torchvision."""


@dataclass(frozen=True, slots=True)
class Found:
    """Files, and how many bytes each has."""

    names: list[str]
    sizes: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the two parts of a data set, N pictures."""

    files: NDArray[np.str_]
    sizes: NDArray[np.int64]
    targets: NDArray[np.int64]
    labels: NDArray[np.str_] | None = None
    """The label map of each picture."""
    label_sizes: NDArray[np.int64] | None = None


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataFilesError(f"{error.filename} cannot be read: {error.strerror}") from error


@_told()
def subfolders(folder: Path, below: str) -> list[str]:
    """Return the names of the folders in a folder, sorted.

    Raises:
        DataFilesError: one is hidden, or a link leads nowhere.
    """
    entries = _entries(folder, below)
    for entry in entries:
        if entry.is_symlink() and not Path(entry.path).exists():
            raise DataFilesError(f"{entry.path} is a link to {Path(entry.path).readlink()}, which is not there")
    return sorted(entry.name for entry in entries if _is_folder(entry))


@_told()
def pictures_in(folder: Path, below: str, ending: str | tuple[str, ...] = ENDINGS) -> Found:
    """Return the pictures right in a folder, sorted.

    Args:
        ending: of their names, in lower case.
    """
    return _pictures(_entries(folder, below), below, ending)


@_told()
def pictures_below(folder: Path, below: str) -> Found:
    """Return the pictures in a folder and in all folders in it: a folder's own first, folders sorted by their paths."""
    found = {}
    waiting = [below]
    while waiting:
        place = waiting.pop()
        entries = _entries(folder, place)
        found[place] = _pictures(entries, place, ENDINGS)
        waiting += [f"{place}/{entry.name}" for entry in entries if _is_folder(entry)]
    parts = [found[place] for place in sorted(found)]
    return Found([name for part in parts for name in part.names], [size for part in parts for size in part.sizes])


def class_parts(folder: Path, train: str, test: str) -> tuple[list[str], Part, Part]:
    """Return the classes, and the pictures for training and for testing, of a folder for each class in each part.

    Raises:
        DataFilesError: the classes of the parts differ, a class has no pictures, or pictures lie beside the classes.
    """
    classes = class_names(folder, train)
    refuse_other_classes(folder, test, subfolders(folder, test), classes, f"{folder / train}")
    _refuse_loose(folder, test)
    return classes, class_folders(folder, train, classes), class_folders(folder, test, classes)


def class_names(folder: Path, part: str) -> list[str]:
    """Return the classes of a part that has a folder for each.

    Raises:
        DataFilesError: there is at most one, or pictures lie beside the folders.
    """
    classes = subfolders(folder, part)
    if len(classes) < 2:
        raise DataFilesError(f"{folder / part} must hold a folder for each class, at least 2, got {len(classes)}")
    _refuse_loose(folder, part)
    return classes


def refuse_other_classes(folder: Path, part: str, found: Sequence[str], known: Sequence[str], source: str) -> None:
    """Refuse a part whose class folders are not those that are known.

    Raises:
        DataFilesError: it has others, or lacks some.
    """
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise DataFilesError(f"{folder / part / unknown[0]} is a class that {source} does not have{and_more(unknown)}")
    missing = sorted(set(known) - set(found))
    if missing:
        raise DataFilesError(f"{folder / part} has no folder {missing[0]!r}, a class in {source}{and_more(missing)}")


def class_folders(folder: Path, part: str, classes: Sequence[str]) -> Part:
    """Return the pictures of a part that has a folder for each class, class by class.

    Raises:
        DataFilesError: a class has no pictures.
    """
    files, sizes, counts = [], [], []
    for name in classes:
        found = pictures_below(folder, f"{part}/{name}")
        if not found.names:
            raise DataFilesError(f"{folder / part / name} holds no pictures ({', '.join(ENDINGS)})")
        files.append(np.array(found.names))  # class by class: a million names at once as Python's take 100 MB more
        sizes.append(np.array(found.sizes, dtype=np.int64))
        counts.append(len(found.names))
    targets = np.repeat(np.arange(len(classes), dtype=np.int64), counts)
    return Part(files=np.concatenate(files), sizes=np.concatenate(sizes), targets=targets)


def and_more(names: Sequence[object]) -> str:
    """Return how many there are besides the first, for the end of a message."""
    return f" (and {len(names) - 1:,} more)" if len(names) > 1 else ""


def _entries(folder: Path, below: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder / below) as entries:
        return list(entries)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    if not entry.is_dir():
        return False
    _refuse_hidden(entry)
    path = Path(entry.path)
    if entry.is_symlink() and path.parent.resolve().is_relative_to(path.resolve()):
        raise DataFilesError(f"{path} is a link to a folder that it lies in: the pictures would have no end")
    return True


def _pictures(entries: Sequence[os.DirEntry[str]], below: str, ending: str | tuple[str, ...]) -> Found:
    found = []
    for entry in entries:  # a million times
        if entry.name.lower().endswith(ending) and not entry.is_dir():
            _refuse_hidden(entry)
            found.append((f"{below}/{entry.name}", entry.stat().st_size))
    found.sort()
    return Found([name for name, _ in found], [size for _, size in found])


def _refuse_loose(folder: Path, part: str) -> None:
    loose = pictures_in(folder, part).names
    if loose:
        raise DataFilesError(f"{folder / loose[0]} lies in no class folder{and_more(loose)}")


def _refuse_hidden(entry: os.DirEntry[str]) -> None:
    if entry.name.startswith("."):
        raise DataFilesError(f"{entry.path} is hidden, and ImageFolder would read it: remove it, or rename it")
