"""Looks at the ledger now and then while a run goes on, and shows what it finds."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from orchestrator.display._base import Screen, View
from orchestrator.display.progress import busy_workers, left_seconds, sweep_progress
from orchestrator.display.words import fewer_lines
from orchestrator.ledger.ledger import Ledger
from search_spaces import Sweep
from trainers.errors import RequestError

REFRESH_SECONDS = 1.0
SHARE = 20
"""Looking may take a twentieth of the time: a ledger of ten thousand trials is looked at less often."""


class Watch:
    """While entered, a thread of its own shows how the sweeps stand; it writes nothing and stops nothing.

    Args:
        ledger_path: read with a connection of the thread's own.
        clock: monotonic, in seconds.

    Attributes:
        slots: workers that can train; 0 until they are there.
        stopped: the run ends before everything has: how it stands then stays to be seen.
    """

    def __init__(
        self, screen: Screen, ledger_path: Path, sweeps: Sequence[Sweep], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._screen = screen
        self._path = ledger_path
        self._sweeps = sweeps
        self._clock = clock
        self._started = clock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="watch", daemon=True)
        self.slots = 0
        self.stopped = False

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5.0)
        last = None
        with contextlib.suppress(sqlite3.Error, RequestError), contextlib.closing(Ledger(self._path)) as ledger:
            last = self.view(ledger)
        self._screen.close(last if self.stopped else None)
        if last is not None and not self.stopped:
            for line in fewer_lines(last):
                self._screen.say(line)

    def _work(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            with contextlib.suppress(sqlite3.Error, RequestError):  # busy, or on a disk that is full: later
                self._look()
            pause = REFRESH_SECONDS

    def _look(self) -> None:
        """Show how everything stands, until the end or the first trouble."""
        with contextlib.closing(Ledger(self._path)) as ledger:
            pause = 0.0
            while not self._stop.wait(pause):
                began = self._clock()
                self._screen.show(self.view(ledger))
                pause = max(REFRESH_SECONDS, SHARE * (self._clock() - began))

    def view(self, ledger: Ledger) -> View:
        """Return how everything stands now."""
        sweeps = [sweep_progress(sweep, ledger) for sweep in self._sweeps]
        elapsed = self._clock() - self._started
        known = [sweep.work_seconds for sweep in sweeps if sweep.work_seconds is not None]
        work = sum(known) if len(known) == len(sweeps) else None
        left = left_seconds(work, ledger, slots=self.slots, elapsed_seconds=elapsed)
        return View(
            sweeps=sweeps,
            slots=self.slots,
            busy=busy_workers(ledger),
            elapsed_seconds=elapsed,
            left_seconds=left,
            stopped=self.stopped,
        )
