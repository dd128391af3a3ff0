"""The pulse of an attempt: a file that its worker touches as it makes steps.

Whoever waits for the attempt sees by it that the worker is not stuck; an older attempt that wakes up after it was
taken for lost sees by it that a newer one has taken its place. Only changes of the file are looked at, never its time
against a clock, so hosts need not agree on the time.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from trainers.files import remove

BEAT_SECONDS = 1.0
SUFFIX = ".pulse"


class Pulse:
    """While entered, `beat` touches the attempt's file, at most once a second.

    Args:
        folder: of the trial's checkpoints.
        number: of the attempt.
        clock: monotonic, in seconds.
    """

    def __init__(self, folder: Path, number: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = pulse_file(folder, number)
        self._clock = clock
        self._next = 0.0

    def __enter__(self) -> "Pulse":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch()
        return self

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


def pulse_file(folder: Path, number: int) -> Path:
    """Return the file of an attempt's pulse."""
    return folder / f"attempt-{number:03d}{SUFFIX}"


def is_superseded(folder: Path, number: int) -> bool:
    """Return whether a newer attempt has begun, or the trial has ended and its folder is gone."""
    own = pulse_file(folder, number)
    return not own.exists() or any(path.name > own.name for path in folder.glob(f"*{SUFFIX}"))


def clear_pulses(folder: Path, number: int) -> None:
    """Remove pulses of this and of newer attempts, which a ledger that is gone had counted."""
    first = pulse_file(folder, number).name
    for path in folder.glob(f"*{SUFFIX}"):
        if path.name >= first:
            remove(path)


class StallWatch:
    """Finds attempts that have stopped making steps.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[Path, tuple[int, float]] = {}
        """By pulse file: its last change (0: it is not there), and when that was noticed."""

    def is_stalled(self, folder: Path, number: int, limit_seconds: float) -> bool:
        """Return whether the pulse of an attempt that has a worker has not changed for so long, since it was first
        looked at."""
        path = pulse_file(folder, number)
        try:
            changed = path.stat().st_mtime_ns
        except OSError:  # the worker has not begun: it may hang before it does
            changed = 0
        before = self._seen.get(path)
        if before is None or before[0] != changed:
            self._seen[path] = (changed, self._clock())
            return False
        return self._clock() - before[1] >= limit_seconds

    def forget(self, folder: Path, number: int) -> None:
        """Drop what is kept of an attempt that has ended."""
        self._seen.pop(pulse_file(folder, number), None)
