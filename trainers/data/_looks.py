"""Looking at all pictures of a data set before anything is trained: at their heads, or at all of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainers.data.formats.picture_files import PictureFiles, opened, read_label_map, read_picture
from trainers.data.formats.places import DataFilesError

TOGETHER = 256
"""Pictures that a thread looks at in one go."""
THREADS = 16
"""Most of the time of a look is the file system's."""
Names = NDArray[np.str_]


def broken_pictures(files: PictureFiles, *, deep: bool = False) -> Iterator[str]:
    """Yield what is wrong with each picture and label map that cannot be read, in words with its path.

    Args:
        deep: decode each whole; else its head alone is read: what it is, its size and depth.
    """
    parts = ((files.train_files, files.train_labels), (files.test_files, files.test_labels))
    with ThreadPoolExecutor(THREADS) as pool:
        for names, labels in parts:
            of_labels = repeat(None) if labels is None else _pieces(labels)
            looked = pool.map(lambda piece, other: _looked(files, piece, other, deep), _pieces(names), of_labels)
            yield from chain.from_iterable(looked)


def count_pictures(files: PictureFiles) -> int:
    """Return how many files there are, label maps among them."""
    labels = (files.train_labels, files.test_labels)
    return len(files.train_files) + len(files.test_files) + sum(len(one) for one in labels if one is not None)


def newest_change(files: PictureFiles) -> int:
    """Return when a file was changed last, in nanoseconds since 1970 by the file system's clock; 0 without files."""
    return max((change for _, change in _changes(files)), default=0)


def changed_after(files: PictureFiles, since: int) -> list[str]:
    """Return the files that were changed, or put in the place of others, after a time in nanoseconds since 1970.

    A file's own time may be set back by whoever replaces it; when its entry was changed may not: the later counts.
    """
    return [name for name, change in _changes(files) if change > since]


def _looked(files: PictureFiles, names: Names, labels: Names | None, deep: bool) -> list[str]:
    found = []
    for number, name in enumerate(names):
        try:
            with opened(files.folder / str(name), "picture") as picture:
                size = picture.size
            if deep:
                read_picture(files.folder / str(name))
            if labels is not None:
                _look_at_labels(files, files.folder / str(labels[number]), size, deep)
        except DataFilesError as error:
            found.append(str(error))
    return found


def _look_at_labels(files: PictureFiles, path: Path, size: tuple[int, int], deep: bool) -> None:
    """Look at a label map, whose picture has this width and height."""
    assert files.label_table is not None
    with opened(path, "label map") as labels:
        found = labels.size
    if found != size:
        wanted = f"{size[1]} x {size[0]} pixels, got {found[1]} x {found[0]}"
        raise DataFilesError(f"{path} must be of its picture's {wanted}")
    if deep:
        read_label_map(path, files.label_table)


def _changes(files: PictureFiles) -> Iterator[tuple[str, int]]:
    parts = (files.train_files, files.train_labels, files.test_files, files.test_labels)

    def look(names: Names) -> list[tuple[str, int]]:
        stats = [(str(name), (files.folder / str(name)).stat()) for name in names]
        return [(name, max(found.st_mtime_ns, found.st_ctime_ns)) for name, found in stats]

    with ThreadPoolExecutor(THREADS) as pool:
        pieces = (piece for part in parts if part is not None for piece in _pieces(part))
        yield from chain.from_iterable(pool.map(look, pieces))


def _pieces(names: Names) -> Iterator[Names]:
    return (names[start : start + TOGETHER] for start in range(0, len(names), TOGETHER))
