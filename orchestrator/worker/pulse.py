"""The pulse of an attempt: a file that its worker touches as it makes steps.

Whoever waits for the attempt sees by it that the worker is not stuck; an older attempt that wakes up after it was
taken for lost sees by it that a newer one has taken its place. Only changes of the file are looked at, never its time
against a clock, so hosts need not agree on the time.

Attempts are counted by a ledger, and another ledger counts from 1 again: the file bears the ledger's life too.
On a cluster that is not ours the file is touched by way of the keeper, which writes into it which node's worker it is:
a worker that has lost sight of the home is not lost.
"""

import contextlib
import fnmatch
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

from orchestrator.worker.attempts import file_stem
from trainers.files.files import remove
from trainers.files.passing import steadily
from trainers.files.store import Store

BEAT_SECONDS = 1.0
SUFFIX = ".pulse"
HERE = Store(Path("/"))
"""Files as this process sees them."""


class Pulse:
    """While entered, `beat` touches the attempt's file, at most once a second.

    Args:
        folder: of the trial's checkpoints.
        number: of the attempt.
        clock: monotonic, in seconds.
        life: of the ledger that counts the attempts.
        through: who touches the file.
    """

    def __init__(
        self,
        folder: Path,
        number: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        life: str = "",
        through: Store = HERE,
    ) -> None:
        self._through = through
        self._number = number
        self._life = life
        self._path = pulse_file(folder, number, life)
        self._clock = clock
        self._next = 0.0

    def __enter__(self) -> "Pulse":
        steadily(lambda: self._through.touch(self._path))
        return self

    def beat(self) -> None:
        """Say that a step has been made. A file that cannot be touched stops nothing."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + BEAT_SECONDS
        with contextlib.suppress(OSError):
            self._through.beat(self._path)

    def is_of(self, key: str) -> bool:
        """Return whether it is of an attempt of this trial."""
        return self._path.parent.name == key

    def is_superseded(self) -> bool:
        """Return whether a newer attempt has begun, or the trial has ended."""
        return is_superseded(self._path.parent, self._number, self._life, self._through)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the file: a newer attempt is known by it until the trial's folder goes."""


def pulse_file(folder: Path, number: int, life: str = "") -> Path:
    """Return the file of an attempt's pulse."""
    return folder / f"{file_stem(number, life)}{SUFFIX}"


def is_superseded(folder: Path, number: int, life: str = "", through: Store = HERE) -> bool:
    """Return whether a newer attempt has begun, or the trial has ended and its folder is gone: a look that failed
    otherwise says nothing."""
    try:
        names = steadily(lambda: through.names(folder))
    except FileNotFoundError:
        return True
    except OSError:
        return False
    is_there = pulse_file(folder, number, life).name in names
    return not is_there or any(later > number for later in _attempts(names, life).values())


def node_of(folder: Path, number: int, life: str = "") -> str:
    """Return which node the worker of an attempt is on, as its pulse says; empty where it does not."""
    try:
        return pulse_file(folder, number, life).read_text(encoding="utf-8")
    except OSError:
        return ""


def clear_stale(folder: Path, number: int, life: str = "") -> None:
    """Remove the pulses that are not of an earlier attempt of this life: another ledger had counted them, or this one
    before it was set back. Their workers, where there are any, find themselves replaced."""
    names = [path.name for path in folder.glob(f"*{SUFFIX}")]
    earlier = {name for name, other in _attempts(names, life).items() if other < number}
    for name in names:
        if name not in earlier:
            remove(folder / name)


def _attempts(names: Iterable[str], life: str) -> dict[str, int]:
    """Return the pulses of one life's attempts among files, with the attempts' numbers."""
    found = {}
    for name in fnmatch.filter(names, f"attempt-*{SUFFIX}"):
        number, _, of = name.removeprefix("attempt-").removesuffix(SUFFIX).partition(".")
        if of == life and number.isdecimal():
            found[name] = int(number)
    return found


class StallWatch:
    """Finds attempts that have stopped making steps.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[Path, tuple[int, float]] = {}
        """By pulse file: its last change (0: it is not there), and when that was noticed."""

    def is_stalled(self, folder: Path, number: int, limit_seconds: float, life: str = "") -> bool:
        """Return whether the pulse of an attempt that has a worker has not changed for so long, since it was first
        looked at."""
        path = pulse_file(folder, number, life)
        try:
            changed = path.stat().st_mtime_ns
        except OSError:  # the worker has not begun: it may hang before it does
            changed = 0
        before = self._seen.get(path)
        if before is None or before[0] != changed:
            self._seen[path] = (changed, self._clock())
            return False
        return self._clock() - before[1] >= limit_seconds

    def begin_again(self) -> None:
        """Count for every attempt from now on."""
        self._seen.clear()

    def forget(self, folder: Path, number: int, life: str = "") -> None:
        """Drop what is kept of an attempt that has ended."""
        self._seen.pop(pulse_file(folder, number, life), None)
