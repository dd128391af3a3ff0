"""The home: the folder that holds everything of one user's sweeps, and the lock that one driver holds on it."""

import contextlib
import fcntl
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

from trainers.errors import RequestError
from trainers.files import remove

LOCK = "driver.lock"


class HomeError(RequestError):
    """The home cannot be used: not a folder, not writable, or another driver is at work in it."""


def home_folder(given: str | None) -> Path:
    """Return the folder asked for, else KDSWEEP_HOME, else ./kdsweep_home; absolute."""
    return Path(given or os.environ.get("KDSWEEP_HOME") or "kdsweep_home").absolute()


def check_writable(home: Path) -> None:
    """Find out, without making anything, whether the home can be written.

    Raises:
        HomeError: it cannot; says which folder stands in the way.
    """
    try:
        if home.exists() and not home.is_dir():
            raise HomeError(f"the home {home} is a file, not a folder; give another with --home")
        existing = next(folder for folder in (home, *home.parents) if folder.exists())
        if not existing.is_dir():
            raise HomeError(f"the home {home} cannot be made: {existing} is a file; give another with --home")
        with tempfile.TemporaryFile(dir=existing):  # asked of the file system itself: root passes every other question
            pass
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise HomeError(f"the home {home} cannot be written: {reason}; give another with --home") from error


@contextlib.contextmanager
def driver_lock(home: Path, sweeps: list[str]) -> Iterator[None]:
    """Hold the home for one driver; freed when the process ends, however it ends.

    Raises:
        HomeError: another driver holds it; names its process, host and sweeps.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle = (home / LOCK).open("a+")
    except OSError as error:
        raise HomeError(f"the home {home} cannot be written: {error.strerror}; give another with --home") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise HomeError(f"another driver works in {home}: {lock_holder(home)}") from error
        handle.truncate(0)
        handle.write(json.dumps({"pid": os.getpid(), "host": platform.node(), "sweeps": sweeps}))
        handle.flush()
        _tidy(home)
        yield
        handle.truncate(0)


def _tidy(home: Path) -> None:
    """Remove what a killed driver has left half-made: only drivers write these, and the lock is ours."""
    for leftover in [*home.glob(".*.db.*.tmp"), home / "ray"]:
        remove(leftover)


def lock_holder(home: Path) -> str:
    """Return who holds the lock, in words; "nobody" where nobody does or says so."""
    try:
        content = json.loads((home / LOCK).read_text())
    except (OSError, ValueError):
        return "nobody known"
    return f"process {content['pid']} on {content['host']}, sweep {', '.join(content['sweeps'])}"
