"""The driver that runs trials one after the other in this process: for tests, notebooks and `--workers 0`."""

import contextlib
import time
from collections.abc import Callable

from orchestrator.planning.planner import Planner
from orchestrator.worker.attempts import Attempt, Outcome, Signal, Verdict
from orchestrator.worker.cohort import Cohort
from orchestrator.worker.worker import Order

STOP_GRACE_SECONDS = 4.0
"""After a request to stop, the running epoch has this long to end; its trial then goes on from the epoch before."""

STOPPED = Outcome(ending="INTERRUPTED", reason="the run was stopped")


class _GraceOver(BaseException):
    """The running epoch takes too long for somebody who wants to stop; no failure of the trial."""


class _OursError(BaseException):
    """The driver's own error inside a step of the trial, on its way out past whoever catches a trial's."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def drive(
    planner: Planner,
    order_for: Callable[[Attempt], Order],
    together: Callable[[Attempt], int] = lambda attempt: 1,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Run everything the planner hands out. An exception of a trial is its outcome, not the driver's end.

    Args:
        together: how many attempts are trained in step, if the first is this one.
        clock: monotonic, in seconds.

    Raises:
        Exception: what goes wrong in the planner or the ledger; it is no failure of the trial that runs.
    """
    steps = _Steps(planner, clock)
    while isinstance(attempt := planner.next(), Attempt):
        attempts = [attempt, *planner.beside(attempt, together(attempt) - 1)]
        with contextlib.closing(Cohort([order_for(one) for one in attempts], steps)) as cohort:
            _run(planner, {one.key: one for one in attempts}, cohort)
    assert attempt is Signal.DONE, "with one worker nothing can be in flight here"


class _Steps:
    """What the driver does between two steps of a trial: lets the planner see time pass, and sees how long a running
    epoch may still take."""

    def __init__(self, planner: Planner, clock: Callable[[], float]) -> None:
        self._planner = planner
        self._clock = clock
        self._deadline: float | None = None

    def __call__(self) -> None:
        """Raise when the run is being stopped and the grace is over."""
        try:
            self._planner.tick()
            over = self._is_over()
        except Exception as error:
            raise _OursError(error) from error
        if over:
            raise _GraceOver

    def _is_over(self) -> bool:
        if not self._planner.stopping:
            return False
        if self._deadline is None:
            self._deadline = self._clock() + STOP_GRACE_SECONDS
        return self._clock() >= self._deadline


def _run(planner: Planner, attempts: dict[str, Attempt], cohort: Cohort) -> None:
    """Run attempts, by their keys, and tell the planner how each has ended."""
    for attempt in attempts.values():
        planner.has_worker(attempt)
    while attempts:
        outcome = Outcome(ending="FAIL", reason="the trial ended without a last epoch")
        try:
            said = cohort.round()
        except _GraceOver:
            said, outcome, is_over = cohort.said(), STOPPED, True
        except _OursError as ours:
            raise ours.error from None
        else:
            is_over = not said
        for key, report in said:
            verdict = planner.reported(attempts[key], report)
            if verdict is Verdict.STOP and report.ending == "":
                planner.ended(attempts[key], STOPPED)
                cohort.drop(key)
            if verdict is Verdict.STOP:
                del attempts[key]
        if is_over:
            for attempt in attempts.values():
                planner.ended(attempt, outcome)
            return
