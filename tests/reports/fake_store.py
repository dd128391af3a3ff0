"""A sweep's results without any database: milliseconds where telling MLflow takes seconds."""

import math
from collections.abc import Collection, Mapping
from typing import Any

import pytest

import reports
from reports.results import loading
from reports.stores import RunRecord
from tests.reports.fake_sweep import STATUS, FakeSweep, FakeTrial, metrics_of, params_of


class FakeStore:
    """A store that holds one sweep; answers as `reports.stores.Store` does."""

    def __init__(self, sweep: FakeSweep) -> None:
        self.sweep = sweep
        self.trials = {trial.trial_key: _run(trial) for trial in sweep.trials if trial.state != "WAITING"}

    def parent(self, name: str) -> RunRecord:
        return RunRecord("parent", "1", "RUNNING", 0, "", {}, {"sweep": name}, {})

    def sweeps(self) -> list[str]:
        return [self.sweep.name]

    def artifact(self, _parent: RunRecord, path: str) -> str:
        runs = {key: run.run_id for key, run in self.trials.items()}
        return self.sweep.resolved() if path == "resolved.yaml" else self.sweep.members("1", runs)

    def runs(self, run_ids: Collection[str]) -> Mapping[str, RunRecord]:
        return {run.run_id: run for run in self.trials.values() if run.run_id in run_ids}

    def by_trial_key(self, keys: Collection[str], _experiment: str) -> Mapping[str, RunRecord]:
        return {key: run for key, run in self.trials.items() if key in keys}

    def curves(self, _run_ids: Collection[str], _names: Collection[str]) -> dict[str, Any]:
        return {}


def _run(trial: FakeTrial) -> RunRecord:
    metrics = dict(trial.metrics or metrics_of(trial))
    params = {name: str(value) for name, value in params_of(trial).items()}
    metrics = {name: value for name, value in metrics.items() if math.isfinite(value)}
    return RunRecord(
        trial.trial_key[:32], "1", STATUS[trial.state], 1000, "", params, {"state": trial.state, **trial.tags}, metrics
    )


def results_of(sweep: FakeSweep) -> reports.Results:
    """Return what `reports.load` makes of the sweep."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "open_store", lambda _uri: FakeStore(sweep))
        return reports.load(sweep.name, tracking_uri="none")
