"""From a worker's report to the planner."""

from orchestrator.planning.planner import Planner
from orchestrator.worker.attempts import Attempt, Verdict
from orchestrator.worker.worker import Report


def deliver(planner: Planner, attempt: Attempt, report: Report) -> Verdict:
    """Tell the planner every epoch in the report, those of a former attempt first; STOP if it says so of any."""
    if report.provenance:
        planner.describe(attempt, report.provenance)
    for warning in report.warnings:
        planner.notice(attempt, warning)
    verdict = Verdict.GO_ON
    for number, values in [*sorted(report.earlier.items()), (report.number, report.values)]:
        if planner.epoch(attempt, number, values) is Verdict.STOP:
            verdict = Verdict.STOP
    return verdict
