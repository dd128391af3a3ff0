"""The driver that runs trials one after the other in this process: for tests, notebooks and `--workers 0`."""

import traceback
from collections.abc import Callable

from orchestrator.attempts import Attempt, Outcome, Signal, Verdict
from orchestrator.planner import Planner
from orchestrator.reporting import deliver
from orchestrator.worker import Order, run_order


def drive(planner: Planner, order_for: Callable[[Attempt], Order]) -> None:
    """Run everything the planner hands out. An exception of a trial is its outcome, not the driver's end."""
    while isinstance(attempt := planner.next(), Attempt):
        planner.ended(attempt, _run(planner, attempt, order_for(attempt)))
    assert attempt is Signal.DONE, "with one worker nothing can be in flight here"


def _run(planner: Planner, attempt: Attempt, order: Order) -> Outcome:
    try:
        for report in run_order(order):
            verdict = deliver(planner, attempt, report)
            if report.ending != "":
                return Outcome(ending=report.ending, metrics=report.metrics)
            if verdict is Verdict.STOP:
                return Outcome(ending="INTERRUPTED", reason="the run was stopped")
    except Exception as error:  # noqa: BLE001 (whatever a trial raises is recorded as its failure)
        return Outcome(ending="FAIL", reason="".join(traceback.format_exception(error)))
    return Outcome(ending="FAIL", reason="the trial ended without a last epoch")
