"""The driver that runs trials one after the other in this process: for tests, notebooks and `--workers 0`."""

import contextlib
import time
from collections.abc import Callable

from orchestrator.planning.planner import Planner
from orchestrator.worker.attempts import Attempt, Outcome, Signal, Verdict
from orchestrator.worker.worker import Order, run_order

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


def drive(planner: Planner, order_for: Callable[[Attempt], Order], clock: Callable[[], float] = time.monotonic) -> None:
    """Run everything the planner hands out. An exception of a trial is its outcome, not the driver's end.

    Args:
        clock: monotonic, in seconds.

    Raises:
        Exception: what goes wrong in the planner or the ledger; it is no failure of the trial that runs.
    """
    steps = _Steps(planner, clock)
    while isinstance(attempt := planner.next(), Attempt):
        outcome = _run(planner, attempt, order_for(attempt), steps)
        if outcome is not None:
            planner.ended(attempt, outcome)
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


def _run(planner: Planner, attempt: Attempt, order: Order, steps: _Steps) -> Outcome | None:
    """Run one attempt; return how it ended where it has not reported that itself."""
    planner.has_worker(attempt)
    with contextlib.closing(run_order(order, steps)) as reports:
        while True:
            try:
                report = next(reports, None)
            except _GraceOver:
                return STOPPED
            except _OursError as ours:
                raise ours.error from None
            if report is None:
                return Outcome(ending="FAIL", reason="the trial ended without a last epoch")
            verdict = planner.reported(attempt, report)
            if report.ending != "":
                return None
            if verdict is Verdict.STOP:
                return STOPPED
