"""Telling, off the scheduling loop: a thread that empties the ledger's outbox into MLflow and Optuna.

Training never waits for it. A target that is away is tried again, less and less often; what is still untold at the end
stays in the outbox for the next run.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from orchestrator.ledger import Ledger
from trainers.addresses import without_password

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
FINAL_PAUSE_SECONDS = 5.0
IDLE_SECONDS = 0.5
FAILURES_IN_A_ROW = 3
"""So many things in a row that cannot be told mean that the target is away."""
SWEEP_EVERY_SECONDS = 15.0
"""How often a sweep's table of members is brought up to date while it grows."""

log = logging.getLogger("kdsweep")


class Target(Protocol):
    """Somebody who is told. `tell` raises when it cannot; telling twice changes nothing."""

    def tell(self, ref: str) -> None: ...


class Teller:
    """Empties the outbox of one target.

    Args:
        open_target: makes the target from the ledger connection of the telling thread.
    """

    def __init__(self, name: str, ledger_path: Path, open_target: Callable[[Ledger], Target]) -> None:
        self.name = name
        self._ledger_path = ledger_path
        self._open_target = open_target
        self._stop = threading.Event()
        self._final = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"tell-{name}", daemon=True)
        self._delay_seconds = 0.0
        self._stuck: set[int] = set()
        """What could not be told when it was last tried."""
        self._sweep_told = -SWEEP_EVERY_SECONDS
        self.problem = ""
        self.told = 0

    def start(self, delay_seconds: float = 0.0) -> None:
        """Start telling, after a delay: what a run starts with has the machine to itself."""
        self._delay_seconds = delay_seconds
        self._thread.start()

    def drain(
        self,
        patience_seconds: float,
        *,
        give_up: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> bool:
        """Tell what is left, as long as something gets told at least every `patience_seconds`; end the thread.

        Args:
            give_up: asked again and again; nothing more is waited for once it says so.

        Returns whether everything has been told.
        """
        self._final.set()
        told, since = self.told, clock()
        while self._thread.is_alive() and clock() - since < patience_seconds and not give_up():
            self._thread.join(0.1)
            if self.told != told:
                told, since = self.told, clock()
        done = not self._thread.is_alive()
        self.stop()
        return done and not self.problem

    def stop(self) -> None:
        """End the thread after what it is telling now."""
        self._stop.set()
        self._thread.join(1.0)

    def _work(self) -> None:
        try:
            self._tell_until_stopped()
        except Exception as error:
            self.problem = _words(error)
            log.debug("telling %s ended", self.name, exc_info=error)

    def _tell_until_stopped(self) -> None:
        self._final.wait(self._delay_seconds)
        ledger = Ledger(self._ledger_path)
        with contextlib.closing(ledger):
            target = self._open_target(ledger)
            pause = FIRST_PAUSE_SECONDS
            while not self._stop.is_set():
                try:
                    worked = self._tell_all(ledger, target)
                    self.problem, pause = "", FIRST_PAUSE_SECONDS
                except Exception as error:
                    self.problem = _words(error)
                    log.debug("telling %s failed", self.name, exc_info=error)
                    self._pause(pause)
                    pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
                    continue
                if not worked:
                    if self._final.is_set() and not ledger.untold(self.name, 1):
                        return
                    self._stop.wait(IDLE_SECONDS)

    def _pause(self, seconds: float) -> None:
        """Wait before the next try; at the end of a run the first one comes at once, and they come often."""
        if self._final.is_set():
            self._stop.wait(min(seconds, FINAL_PAUSE_SECONDS))
        else:
            self._final.wait(seconds)

    def _tell_all(self, ledger: Ledger, target: Target) -> bool:
        """Tell what is in the outbox now; return whether there was anything.

        Raises:
            Exception: the first of what kept something from being told.
        """
        batch = self._batch(ledger)
        first_error: Exception | None = None
        in_a_row = 0
        for sequence, ref in batch:
            if self._stop.is_set() or in_a_row >= FAILURES_IN_A_ROW:
                break
            try:
                target.tell(ref)
            except Exception as error:  # noqa: BLE001 (one thing that cannot be told must not keep the others back)
                first_error, in_a_row = first_error or error, in_a_row + 1
                self._stuck.add(sequence)
                continue
            ledger.mark_told(sequence)
            self.told, in_a_row = self.told + 1, 0
        if first_error is not None:
            raise first_error
        return bool(batch)

    def _batch(self, ledger: Ledger) -> list[tuple[int, str]]:
        """Return what to tell next: trials first; a sweep, which lists its trials' runs, when none is left, and not
        at every proposal."""
        untold = sorted(ledger.untold(self.name), key=lambda item: item[0] in self._stuck)  # stable: stuck ones last
        trials = [item for item in untold if not item[1].startswith("sweep:")]
        sweeps = [item for item in untold if item[1].startswith("sweep:")]
        due = self._final.is_set() or time.monotonic() - self._sweep_told > SWEEP_EVERY_SECONDS
        if not due or any(sequence not in self._stuck for sequence, _ in trials):
            return trials
        self._sweep_told = time.monotonic()
        return [*sweeps, *trials]


def _words(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return without_password(f"{type(error).__name__}: {lines[0] if lines else 'no further word'}")
