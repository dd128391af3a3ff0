"""The driver that runs trials one after the other in this process: for tests, notebooks and `--workers 0`."""

import time
import traceback
from collections.abc import Callable

from orchestrator.attempts import Attempt, Outcome, Signal, Verdict
from orchestrator.planner import Planner
from orchestrator.reporting import deliver
from orchestrator.worker import Order, run_order

STOP_GRACE_SECONDS = 5.0
"""After a request to stop, the running epoch has this long to end; its trial then goes on from the epoch before."""

STOPPED = Outcome(ending="INTERRUPTED", reason="the run was stopped")


class _GraceOver(BaseException):
    """The running epoch takes too long for somebody who wants to stop; no failure of the trial."""


def drive(planner: Planner, order_for: Callable[[Attempt], Order], clock: Callable[[], float] = time.monotonic) -> None:
    """Run everything the planner hands out. An exception of a trial is its outcome, not the driver's end.

    Args:
        clock: monotonic, in seconds.
    """
    grace = _Grace(planner, clock)
    while isinstance(attempt := planner.next(), Attempt):
        planner.ended(attempt, _run(planner, attempt, order_for(attempt), grace))
    assert attempt is Signal.DONE, "with one worker nothing can be in flight here"


class _Grace:
    """How long a running epoch may still take."""

    def __init__(self, planner: Planner, clock: Callable[[], float]) -> None:
        self._planner = planner
        self._clock = clock
        self._deadline: float | None = None

    def check(self) -> None:
        """Raise when the run is being stopped and the grace is over."""
        if not self._planner.stopping:
            return
        if self._deadline is None:
            self._deadline = self._clock() + STOP_GRACE_SECONDS
        if self._clock() >= self._deadline:
            raise _GraceOver


def _run(planner: Planner, attempt: Attempt, order: Order, grace: _Grace) -> Outcome:
    try:
        for report in run_order(order, grace.check):
            verdict = deliver(planner, attempt, report)
            if report.ending != "":
                return Outcome(ending=report.ending, metrics=report.metrics)
            if verdict is Verdict.STOP:
                return STOPPED
    except _GraceOver:
        return STOPPED
    except Exception as error:  # noqa: BLE001 (whatever a trial raises is recorded as its failure)
        return Outcome(ending="FAIL", reason="".join(traceback.format_exception(error)))
    return Outcome(ending="FAIL", reason="the trial ended without a last epoch")
