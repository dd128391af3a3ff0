"""Where the files of a data set lie: a folder that the sweep file names, or one in KDSWEEP_DATA."""

import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from trainers.files.paths import expanded

P = ParamSpec("P")
T = TypeVar("T")

VARIABLE = "KDSWEEP_DATA"
"""Environment variable: a folder that holds the data sets of all sweep files that name none."""


class DataFilesError(ValueError):
    """Files of a data set are missing or are not what they should be; says what was looked for, and where."""


class DataNotFoundError(DataFilesError):
    """Files of a data set are nowhere that was looked; what is known of it as published is then all there is."""


def kept(read: Callable[P, T]) -> Callable[P, T]:
    """Remember the last two data sets that a function has read, by its arguments and by what the environment says: that
    is where the files lie if no root is given."""
    known = functools.lru_cache(maxsize=2)(lambda _shared, *args, **kwargs: read(*args, **kwargs))

    @functools.wraps(read)
    def found(*args: P.args, **kwargs: P.kwargs) -> T:
        return known(os.environ.get(VARIABLE), *args, **kwargs)  # type: ignore[arg-type]  # all can be hashed

    return found


def folder_with(
    name: str,
    root: Path | None,
    layouts: Sequence[str],
    files: Sequence[str],
    endings: Sequence[str] = ("",),
    by_hand: str | None = None,
) -> Path:
    """Return the folder that holds all these files.

    Args:
        name: of the data set, for the message.
        root: from the sweep file.
        layouts: folders below the root where the files may lie, the usual one first; `.` is the root itself.
        files: that must be there; one that ends with a slash is a folder.
        endings: any of which a file's name may have more.
        by_hand: as `ways` takes it.

    Raises:
        DataNotFoundError: no folder is known, or none of the layouts has them.
    """
    places = _places(name, root, by_hand)
    for place in places:
        for layout in layouts:
            if all(any(_is_there(place / layout, file + end) for end in endings) for file in files):
                return place / layout
    wanted = ", ".join(file if layouts[0] == "." else f"{layouts[0]}/{file}" for file in files)
    looked = ", ".join(f"{place}" if place.is_dir() else f"{place} (no such folder)" for place in places)
    others = [layout for layout in layouts[1:] if layout != "."]
    there = f" and below it in {', '.join(others)}" if others else ""
    raise DataNotFoundError(f"looked for {wanted} in {looked}{there}; {ways(name, by_hand)}")


def ways(name: str, by_hand: str | None = None) -> str:
    """Return how a person can say where a data set is.

    Args:
        by_hand: where its files come from, in words; None where they can be fetched.
    """
    if by_hand is None:
        return f"give datasets: {{{name}: {{root: FOLDER}}}}, set {VARIABLE}, or let download: on fetch it"
    return f"give datasets: {{{name}: {{root: FOLDER}}}} or set {VARIABLE}; {by_hand}"


def _is_there(folder: Path, file: str) -> bool:
    return (folder / file).is_dir() if file.endswith("/") else (folder / file).is_file()


def _places(name: str, root: Path | None, by_hand: str | None) -> list[Path]:
    if root is not None:
        return [root]
    own = shared_folder(name)
    if own is None:
        raise DataNotFoundError(f"nothing says where its files are; {ways(name, by_hand)}")
    return [own, own.parent]


def shared_folder(name: str) -> Path | None:
    """Return the folder of a data set below that of all; None where the environment names none."""
    shared = os.environ.get(VARIABLE)
    return expanded(shared) / name if shared else None
