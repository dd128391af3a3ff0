"""Telling, off the scheduling loop: a thread that empties the ledger's outbox into MLflow and Optuna.

Training never waits for it. A target that is away is tried again, less and less often; what is still untold at the end
stays in the outbox for the next run.
"""

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from orchestrator.ledger.ledger import Ledger
from trainers.texts.addresses import without_password

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
FINAL_PAUSE_SECONDS = 5.0
"""The longest at the end of a run, when somebody waits."""
IDLE_SECONDS = 0.5
FAILURES_IN_A_ROW = 3
"""So many things in a row that cannot be told mean that the target is away."""
SWEEP_EVERY_SECONDS = 15.0
"""How often a sweep's table of members is brought up to date while it grows."""
PROBLEM_CHARACTERS = 500
BATCH = 1000
"""Things in one go over the outbox."""

log = logging.getLogger("kdsweep")


class RefusedError(Exception):
    """Something that a target will not take however often it is told; the message says why, and the way out."""


class Target(Protocol):
    """Somebody who is told."""

    def verify(self) -> list[str]:
        """Hold what has been told against what is there, and put what is gone into the outbox; return what people are
        to know of it. Called before anything is told."""

    def tell(self, ref: str) -> None:
        """Bring one thing up to date; raises when that cannot be done. Telling twice changes nothing."""

    @property
    def notes(self) -> list[str]:
        """What people are to know of what was told, in sentences."""

    def settle(self) -> bool:
        """Tell again what a request that was given up may have changed since; return whether to ask again soon."""


class Teller:
    """Empties the outbox of one target, in a thread that never keeps the process from ending.

    Args:
        open_target: makes the target from the ledger connection of the telling thread.
        clock: monotonic, in seconds.

    Attributes:
        told: how many things have been told.
        problem: why the last try failed, or why something is refused, in one line without any password; else empty.
        notes: what people are to know, in sentences; whole at the end.
    """

    def __init__(
        self,
        name: str,
        ledger_path: Path,
        open_target: Callable[[Ledger], Target],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._ledger_path = ledger_path
        self._open_target = open_target
        self._stop = threading.Event()
        self._final = threading.Event()
        self._all_told = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"tell-{name}", daemon=True)
        self._delay_seconds = 0.0
        self._stuck: set[int] = set()
        """What could not be told when it was last tried."""
        self._clock = clock
        self._refused: dict[int, str] = {}
        """What the target will not take, with the reason."""
        self._verified = False
        self._sweep_told = -math.inf
        self.problem = ""
        self.notes: list[str] = []
        self.told = 0

    def start(self, delay_seconds: float = 0.0) -> None:
        """Start telling, after a delay: what a run starts with has the machine to itself."""
        self._delay_seconds = delay_seconds
        self._thread.start()

    def drain(
        self,
        patience_seconds: float,
        *,
        limit_seconds: float = math.inf,
        give_up: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Tell what is left, as long as something gets told at least every `patience_seconds`; end the thread.

        Args:
            limit_seconds: no longer than this in all, whatever gets told.
            give_up: asked again and again whether to end at once.

        Returns whether everything has been told.
        """
        self._final.set()
        started = self._clock()
        told, since = self.told, started
        while self._thread.is_alive() and self._clock() - since < patience_seconds:
            if self._clock() - started >= limit_seconds or give_up():
                break
            self._thread.join(0.1)
            if self.told != told:
                told, since = self.told, self._clock()
        done = self._all_told.is_set() and not self.problem
        self.stop()
        return done

    def stop(self) -> None:
        """End the thread after what it is telling now; one that hangs in a request is left to itself."""
        self._stop.set()
        self._final.set()
        self._thread.join(1.0)

    def _work(self) -> None:
        try:
            self._final.wait(self._delay_seconds)
            with contextlib.closing(Ledger(self._ledger_path)) as ledger:
                self._tell_until_stopped(ledger, self._open_target(ledger))
        except Exception as error:
            self.problem = _in_one_line(error)
            log.debug("telling %s ended", self.name, exc_info=error)

    def _tell_until_stopped(self, ledger: Ledger, target: Target) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            final = self._final.is_set()
            try:
                if not self._verified:
                    self.notes += target.verify()
                    self._verified = True
                worked = self._tell_all(ledger, target)
                if final and not worked and not self._left(ledger):
                    self._all_told.set()
                again_soon = not worked and target.settle()
            except Exception as error:
                self.problem = _in_one_line(error)
                log.debug("telling %s failed", self.name, exc_info=error)
                if final and not self._verified and not self._left(ledger):  # away, and nothing waits for it
                    self.problem = ""
                    self._all_told.set()
                    return
                pause = self._pause(pause)
                continue
            self.problem, pause = next(iter(self._refused.values()), ""), FIRST_PAUSE_SECONDS
            if self._all_told.is_set() and not again_soon:
                self.notes += target.notes
                return
            if not worked:
                self._pause(IDLE_SECONDS)

    def _pause(self, seconds: float) -> float:
        """Wait; return how long to wait the next time. The end of the run is no time for long pauses: it ends one."""
        if self._final.is_set():
            self._stop.wait(min(seconds, FINAL_PAUSE_SECONDS))
        elif self._final.wait(seconds):
            return FIRST_PAUSE_SECONDS
        return min(2 * seconds, LONGEST_PAUSE_SECONDS)

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
            except RefusedError as error:
                self._refused[sequence] = _in_one_line(error)
                continue
            except Exception as error:  # noqa: BLE001 (one thing that cannot be told must not keep the others back)
                first_error, in_a_row = first_error or error, in_a_row + 1
                self._stuck.add(sequence)
                continue
            ledger.mark_told(sequence)
            self.told, in_a_row = self.told + 1, 0
        if first_error is not None:
            raise first_error
        return bool(batch)

    def _left(self, ledger: Ledger) -> list[tuple[int, str]]:
        """Return some of what is to be told and has not been refused."""
        some = ledger.untold(self.name, BATCH + len(self._refused))
        return [item for item in some if item[0] not in self._refused]

    def _batch(self, ledger: Ledger) -> list[tuple[int, str]]:
        """Return what to tell next: trials first, then a sweep, which lists its trials' runs, but not at every
        proposal, and at the end of a run when no trial is left. What could not be told before comes last."""
        untold = self._left(ledger)
        sweeps = [item for item in untold if item[1].startswith("sweep:")]
        trials = [item for item in untold if not item[1].startswith("sweep:")]
        stuck = [item for item in trials if item[0] in self._stuck]
        fresh = [item for item in trials if item[0] not in self._stuck]
        final = self._final.is_set()
        if (fresh and final) or not (final or self._clock() - self._sweep_told > SWEEP_EVERY_SECONDS):
            return [*fresh, *stuck]
        self._sweep_told = self._clock()
        return [*fresh, *sweeps, *stuck]


def _in_one_line(error: Exception) -> str:
    name = "" if isinstance(error, RefusedError) else f"{type(error).__name__}: "
    text = f"{name}{str(error).strip()}".splitlines()[0]
    return without_password(text)[:PROBLEM_CHARACTERS]
