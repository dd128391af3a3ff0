"""Trials that the tracking store knows and this home does not: found once, at the start of a run, and taken over whole,
curves and all, for the store may be gone when somebody else is to be told."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from orchestrator.mlflow_store.listing import StoredRun, WholeRun, stored_runs, whole_runs

__all__ = ["StoredRun", "TakenRun", "known_runs", "taken_runs"]


@dataclass(frozen=True, slots=True)
class TakenRun:
    """A trial's result, as the store has it."""

    run: StoredRun
    metrics: dict[str, float]
    """At the end."""
    epochs: list[tuple[int, float, dict[str, float]]]
    """Number, wall clock in seconds, values."""
    started_at: float | None
    ended_at: float | None
    attempts: int
    tags: dict[str, str]


def known_runs(uri: str, ended: Iterable[str]) -> dict[str, StoredRun]:
    """Return all runs of trials that are in one of the `ended` states, by trial key: the oldest where there are more.

    Raises:
        TrackingError: the store does not answer.
    """
    states = set(ended)
    runs: dict[str, StoredRun] = {}
    for run in stored_runs(uri):
        if run.trial_key and run.state in states and not run.deleted:
            runs.setdefault(run.trial_key, run)
    return runs


def taken_runs(uri: str, runs: Collection[StoredRun], end_metrics: Collection[str]) -> list[TakenRun]:
    """Return runs with all that is taken over.

    Args:
        end_metrics: names of those at the end.

    Raises:
        TrackingError: the store does not answer.
    """
    if not runs:
        return []
    whole = whole_runs(uri, [run.run_id for run in runs], end_metrics)
    return [_taken(run, whole[run.run_id], end_metrics) for run in runs if run.run_id in whole]


def _taken(run: StoredRun, whole: WholeRun, end_metrics: Collection[str]) -> TakenRun:
    attempts = whole.tags.get("attempts", "")
    return TakenRun(
        run=run,
        metrics={name: whole.last[name] for name in end_metrics if name in whole.last},
        epochs=whole.epochs(end_metrics),
        started_at=whole.started_at,
        ended_at=whole.ended_at,
        attempts=int(attempts) if attempts.isdecimal() else 0,
        tags=dict(whole.tags),
    )
