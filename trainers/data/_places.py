"""Where the files of a data set lie: a folder that the sweep file names, or one in KDSWEEP_DATA."""

import os
from collections.abc import Sequence
from pathlib import Path

VARIABLE = "KDSWEEP_DATA"
"""Environment variable: a folder that holds the data sets of all sweep files that name none."""


class DataFilesError(ValueError):
    """Files of a data set are missing or are not what they should be; says what was looked for, and where."""


def folder_with(
    name: str,
    root: Path | None,
    layouts: Sequence[str],
    files: Sequence[str],
    endings: Sequence[str] = ("",),
) -> Path:
    """Return the folder that holds all these files.

    Args:
        name: of the data set, for the message.
        root: from the sweep file.
        layouts: folders below the root where the files may lie, the usual one first; `.` is the root itself.
        files: that must be there.
        endings: any of which a file's name may have more.

    Raises:
        DataFilesError: no folder is known, or none of the layouts has them.
    """
    places = _places(name, root)
    for place in places:
        for layout in layouts:
            if all(any((place / layout / (file + end)).is_file() for end in endings) for file in files):
                return place / layout
    wanted = ", ".join(str(Path(layouts[0]) / file) for file in files)
    looked = ", ".join(str(place) for place in places)
    raise DataFilesError(f"looked for {wanted} in {looked}; {ways(name)}")


def ways(name: str) -> str:
    """Return how a person can say where a data set is."""
    return f"give datasets: {{{name}: {{root: FOLDER}}}}, set {VARIABLE}, or let download: on fetch it"


def _places(name: str, root: Path | None) -> list[Path]:
    if root is not None:
        return [root]
    own = shared_folder(name)
    if own is None:
        raise DataFilesError(f"nothing says where its files are; {ways(name)}")
    return [own, own.parent]


def shared_folder(name: str) -> Path | None:
    """Return the folder of a data set below that of all; None where the environment names none."""
    shared = os.environ.get(VARIABLE)
    return Path(shared) / name if shared else None
