"""The home: the folder that holds everything of one user's sweeps, and the lock that one driver holds on it."""

import contextlib
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from orchestrator.home.filesystem import filesystem_type
from trainers.errors import RequestError
from trainers.files.files import NO_LOCKS, NoLocksError, check_locks, remove, try_lock
from trainers.files.paths import expanded
from trainers.texts.words import is_url, shown

LOCK = "driver.lock"
LOCK_TRIES, LOCK_TRY_SECONDS = 5, 0.1
LOCK_LOOK_SECONDS = 0.5
"""How often, by one who waits for it, the lock is asked for."""


class HomeError(RequestError):
    """The home cannot be used: not a folder, not writable, or another driver is at work in it."""


def home_folder(given: str | None) -> Path:
    """Return the folder asked for, else KDSWEEP_HOME, else ./kdsweep_home; absolute."""
    named = given or os.environ.get("KDSWEEP_HOME") or "kdsweep_home"
    if is_url(named):
        raise HomeError(f"the home must be a folder on this machine, got {shown(named)}")
    return expanded(named).absolute()


def banks_folder(home: Path) -> Path:
    """Return the folder with the teachers' stored logits: KDSWEEP_BANKS, which may be a disk of each node's own, else
    one in the home."""
    given = os.environ.get("KDSWEEP_BANKS")
    if given and is_url(given):
        raise HomeError(f"KDSWEEP_BANKS must name a folder on this machine, got {shown(given)}")
    return expanded(given).absolute() if given else home / "banks"


def check_writable(home: Path) -> None:
    """Find out, without making anything, whether the home can be written and locked.

    Raises:
        HomeError: it cannot; says which folder stands in the way, or that its file system has no locks. Or the banks'
            own folder is none of this machine's.
    """
    banks_folder(home)
    try:
        str(home).encode()
    except UnicodeEncodeError as error:  # no address of a database can hold it
        shown = os.fsencode(home).decode(errors="replace")
        raise HomeError(f"the home {shown} has a name that is not UTF-8; give another with --home") from error
    try:
        if home.exists() and not home.is_dir():
            raise HomeError(f"the home {home} is a file, not a folder; give another with --home")
        existing = existing_part(home)
        if not existing.is_dir():
            raise HomeError(f"the home {home} cannot be made: {existing} is a file; give another with --home")
        check_usable(home)
    except NoLocksError as error:
        raise HomeError(_no_locks(home, error)) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise HomeError(f"the home {home} cannot be written: {reason}; give another with --home") from error


def existing_part(folder: Path) -> Path:
    """Return the folder, or the nearest above it that is there."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def check_usable(folder: Path) -> None:
    """Write and lock a file without a name where the folder is, or will be: asked of the file system itself, for root
    passes every other question.

    Raises:
        OSError: it cannot be written, or (`NoLocksError`) not be locked.
    """
    with tempfile.TemporaryFile(dir=existing_part(folder)) as handle:
        check_locks(handle)


def _no_locks(home: Path, error: NoLocksError) -> str:
    reason = error.strerror or type(error).__name__
    if error.errno not in NO_LOCKS:
        return f"the home {home} cannot be locked: {reason}; try again, or give another with --home"
    kind = filesystem_type(existing_part(home))
    return (
        f"the file system of the home {home}{f' ({kind})' if kind else ''} has no locks: {reason}; without them two "
        "drivers would spoil one another's work. Mount it with locks (Lustre: the option flock; NFS: without nolock), "
        "or give a home on another file system with --home"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The driver that works in a home, as it says of itself in the lock file."""

    pid: int
    host: str
    sweeps: tuple[str, ...]
    started_at: float
    """Wall clock in seconds."""
    slots: int = 0
    """Trials at a time; 0 until the workers are there."""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, {'sweep ' + ', '.join(self.sweeps) if self.sweeps else 'sync'}"


class DriverLock:
    """The lock while it is held."""

    def __init__(self, handle: IO[str], sweeps: list[str]) -> None:
        self._handle = handle
        self._holder = Holder(pid=os.getpid(), host=platform.node(), sweeps=tuple(sweeps), started_at=time.time())
        self.tell(0)

    def tell(self, slots: int) -> None:
        """Let others know how many trials run at a time."""
        self._handle.truncate(0)
        self._handle.write(json.dumps(asdict(self._holder) | {"slots": slots}))
        self._handle.flush()


@contextlib.contextmanager
def driver_lock(
    home: Path,
    sweeps: list[str],
    *,
    wait_seconds: float = 0.0,
    say: Callable[[str], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[DriverLock]:
    """Hold the home for one driver; freed when the process ends, however it ends.

    Args:
        wait_seconds: so long may another driver still hold it: a job that is just ending.
        say: called with a line where there is one.
        clock: monotonic, in seconds; `pause` lets them pass.

    Raises:
        HomeError: another driver holds it; names its process, host and sweeps. Or its file system has no locks.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle = (home / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise HomeError(f"the home {home} cannot be written: {error.strerror}; give another with --home") from error
    with handle:
        try:
            taken = _take(handle, pause)
            if not taken and wait_seconds:
                say(f"{_taken_by(home)}; its end is waited for, {wait_seconds:g} s")
                started = clock()
                while not taken and clock() - started < wait_seconds:
                    pause(LOCK_LOOK_SECONDS)
                    taken = _take(handle, pause)
        except NoLocksError as error:
            raise HomeError(_no_locks(home, error)) from error
        if not taken:
            raise HomeError(_taken_by(home) + (f"; still after {wait_seconds:g} s" if wait_seconds else ""))
        lock = DriverLock(handle, sweeps)
        _tidy(home)
        yield lock
        handle.truncate(0)


def _taken_by(home: Path) -> str:
    return f"another driver works in {home}: {_read_holder(home) or 'nobody known'}"


def _take(handle: IO[str], pause: Callable[[float], None]) -> bool:
    """Return whether the lock could be had; tried for a moment, for others look at it now and then.

    Raises:
        NoLocksError: the file system has none.
    """
    for left in reversed(range(LOCK_TRIES)):
        try:
            if try_lock(handle):
                return True
        except NoLocksError:
            if not left:
                raise
        pause(LOCK_TRY_SECONDS)
    return False


def _tidy(home: Path) -> None:
    """Remove what a killed driver has left half-made: only drivers write these, and the lock is ours."""
    for leftover in [
        *home.glob(".*.db.*.tmp"),
        *home.glob("weights/.*.tmp"),
        *home.glob("predictions/.*.tmp"),
        home / "ray",
    ]:
        remove(leftover)


def lock_holder(home: Path) -> Holder | None:
    """Return who works in the home now; None where nobody does: without locks nobody can. Makes nothing."""
    try:
        with (home / LOCK).open("rb") as handle:
            return None if try_lock(handle, shared=True) else _read_holder(home)
    except FileNotFoundError:
        return None
    except NoLocksError as error:
        return None if error.errno in NO_LOCKS else _read_holder(home)
    except OSError:
        return _read_holder(home)


def _read_holder(home: Path) -> Holder | None:
    try:
        content = json.loads((home / LOCK).read_text(encoding="utf-8"))
        return Holder(**content | {"sweeps": tuple(content["sweeps"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
