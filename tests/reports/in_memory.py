"""A tracking store in memory: a fake sweep is told to it and loaded from it in milliseconds."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import reports
from reports.stores import METRICS, PARAMS, PREFIXES, TAGS, RunRecord
from tests.reports.fake_sweep import FakeSweep


class MemoryStore:
    """Takes what MLflow's client takes of a fake sweep, and answers as a `reports.stores.Store`."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[str, Any]] = {}
        self._texts: dict[tuple[str, str], str] = {}
        self._experiments: list[str] = []

    # --- told ----------------------------------------------------------------------------------------------------

    def create_experiment(self, name: str, artifact_location: str | None = None) -> str:
        self._experiments.append(name)
        return str(len(self._experiments))

    def create_run(self, experiment: str, start_time: int = 0, tags: dict[str, str] | None = None) -> SimpleNamespace:
        run_id = f"{len(self._runs):032x}"
        self._runs[run_id] = {"experiment": experiment, "tags": tags or {}, "status": "RUNNING", "params": {}}
        return SimpleNamespace(info=SimpleNamespace(run_id=run_id))

    def log_batch(self, run_id: str, metrics: Any, params: Any) -> None:
        run = self._runs[run_id]
        run["metrics"] = {metric.key: metric.value for metric in metrics}
        run["params"] = {param.key: param.value for param in params}

    def set_terminated(self, run_id: str, status: str, end_time: int) -> None:
        self._runs[run_id]["status"] = status

    def log_text(self, run_id: str, text: str, name: str) -> None:
        self._texts[run_id, name] = text

    # --- read ----------------------------------------------------------------------------------------------------

    def sweeps(self) -> list[str]:
        return sorted(self._experiments)

    def parent(self, name: str) -> RunRecord | None:
        if name not in self._experiments:
            return None
        experiment = str(self._experiments.index(name) + 1)
        is_parent = lambda run: run["experiment"] == experiment and run["tags"].get("kind") == "sweep"  # noqa: E731
        return next(self._record(run_id) for run_id, run in self._runs.items() if is_parent(run))

    def runs(self, run_ids: Collection[str]) -> dict[str, RunRecord]:
        return {run_id: self._record(run_id) for run_id in run_ids if run_id in self._runs}

    def by_trial_key(self, keys: Collection[str], experiment_id: str) -> dict[str, RunRecord]:
        found = {run["tags"].get("trial_key"): run_id for run_id, run in self._runs.items()}
        return {key: self._record(found[key]) for key in keys if key in found}

    def curves(self, run_ids: Collection[str], names: Collection[str]) -> dict[str, Any]:
        return {}

    def artifact(self, run: RunRecord, name: str) -> str:
        return self._texts[run.run_id, name]

    def _record(self, run_id: str) -> RunRecord:
        run = self._runs[run_id]
        params = {name: text for name, text in run["params"].items() if name in PARAMS or name.startswith(PREFIXES)}
        tags = {name: text for name, text in run["tags"].items() if name in TAGS}
        metrics = {name: value for name, value in run.get("metrics", {}).items() if name in METRICS}
        return RunRecord(run_id, run["experiment"], run["status"], 1000, "", params, tags, metrics)


@contextmanager
def told(*sweeps: FakeSweep) -> Iterator[None]:
    """While entered, a store that holds these sweeps is the one that everything is loaded from."""
    store = MemoryStore()
    for sweep in sweeps:
        sweep.tell(store, None)  # type: ignore[arg-type]
    with patch("reports.results.loading.open_store", lambda uri: store):
        yield


def results(sweep: FakeSweep) -> reports.Results:
    """Return the results of a sweep."""
    with told(sweep):
        return reports.load(sweep.name)
