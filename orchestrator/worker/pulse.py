"""The pulse of an attempt: a file that its worker touches as it makes steps.

Whoever waits for the attempt sees by it that the worker is not stuck; an older attempt that wakes up after it was
taken for lost sees by it that a newer one has taken its place. Only changes of the file are looked at, never its time
against a clock, so hosts need not agree on the time.

Attempts are counted by a ledger, and another ledger counts from 1 again: the file bears the ledger's life too.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from orchestrator.worker.attempts import file_stem
from trainers.files.files import remove
from trainers.files.passing import is_gone, steadily

BEAT_SECONDS = 1.0
SUFFIX = ".pulse"


class Pulse:
    """While entered, `beat` touches the attempt's file, at most once a second.

    Args:
        folder: of the trial's checkpoints.
        number: of the attempt.
        clock: monotonic, in seconds.
        life: of the ledger that counts the attempts.
    """

    def __init__(
        self, folder: Path, number: int, clock: Callable[[], float] = time.monotonic, *, life: str = ""
    ) -> None:
        self._path = pulse_file(folder, number, life)
        self._clock = clock
        self._next = 0.0

    def __enter__(self) -> "Pulse":
        steadily(self._touch)
        return self

    def _touch(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch()

    def beat(self) -> None:
        """Say that a step has been made. A file that cannot be touched stops nothing."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + BEAT_SECONDS
        try:
            os.utime(self._path)
        except OSError:
            return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the file: a newer attempt is known by it until the trial's folder goes."""


def pulse_file(folder: Path, number: int, life: str = "") -> Path:
    """Return the file of an attempt's pulse."""
    return folder / f"{file_stem(number, life)}{SUFFIX}"


def is_superseded(folder: Path, number: int, life: str = "") -> bool:
    """Return whether a newer attempt has begun, or the trial has ended and its folder is gone."""
    own = pulse_file(folder, number, life)
    return is_gone(own) or any(later > number for later in _attempts(folder, life).values())


def clear_stale(folder: Path, number: int, life: str = "") -> None:
    """Remove the pulses that are not of an earlier attempt of this life: another ledger had counted them, or this one
    before it was set back. Their workers, where there are any, find themselves replaced."""
    earlier = {path for path, other in _attempts(folder, life).items() if other < number}
    for path in folder.glob(f"*{SUFFIX}"):
        if path not in earlier:
            remove(path)


def _attempts(folder: Path, life: str) -> dict[Path, int]:
    """Return the pulses of one life's attempts, with the attempts' numbers."""
    found = {}
    for path in folder.glob(f"attempt-*{SUFFIX}"):
        number, _, of = path.name.removeprefix("attempt-").removesuffix(SUFFIX).partition(".")
        if of == life and number.isdecimal():
            found[path] = int(number)
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

    def forget(self, folder: Path, number: int, life: str = "") -> None:
        """Drop what is kept of an attempt that has ended."""
        self._seen.pop(pulse_file(folder, number, life), None)
