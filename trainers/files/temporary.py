"""Temporary folders whose names are short enough for sockets: a Unix socket's whole name has 107 bytes at most, and
jobs get a TMPDIR that is longer."""

import multiprocessing.process
import os
import shutil
import tempfile
from multiprocessing import util
from pathlib import Path

SOCKET_BYTES = 107
PLACES = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 (only a folder of our own is made in them)
LISTENER_BYTES = len("/pymp-12345678/listener-12345678")
"""What Python's multiprocessing puts behind its temporary folder in the name of a socket."""


def longest_for_sockets(behind: int) -> int:
    """Return how many bytes the name of a folder may have."""
    return SOCKET_BYTES - behind


def short_folder(behind: int, wanted: str | None = None) -> Path | None:
    """Return a folder for sockets whose names go on so many bytes behind it: the wanted one where it will do, else one
    that every machine has; None where none will do.

    Args:
        wanted: by default where temporary files go.
    """
    for place in (tempfile.gettempdir() if wanted is None else wanted, *PLACES):
        encoded = os.fsencode(place)
        fits = encoded.isascii() and place.isprintable() and len(encoded) <= longest_for_sockets(behind)
        if fits and _can_be_written(Path(place)):
            return Path(place)
    return None


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def keep_sockets_short() -> None:
    """Have Python's multiprocessing put its sockets where their names are short enough; nothing changes where they are
    already, or where no folder will do."""
    config = multiprocessing.process.current_process()._config  # type: ignore[attr-defined]
    if config.get("tempdir") is not None or len(os.fsencode(tempfile.gettempdir())) <= SOCKET_BYTES - LISTENER_BYTES:
        return
    folder = short_folder(LISTENER_BYTES)
    if folder is None:
        return
    made = tempfile.mkdtemp(prefix="pymp-", dir=folder)
    util.Finalize(None, shutil.rmtree, args=(made,), kwargs={"ignore_errors": True}, exitpriority=-100)
    config["tempdir"] = made
