"""Metrics epoch by epoch: each run's own, each epoch once, numbers alone."""

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import reports
from reports.results.results import histories
from reports.stores import gathered, metric_histories
from tests.reports.conftest import tell
from tests.reports.fake_sweep import FakeSweep, row, seeds


@pytest.fixture
def told(empty_store: Path, tmp_path: Path) -> reports.Results:
    """Two runs: one of three epochs, of which the second was told twice; one whose loss was not a number."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    shutil.copy(empty_store, tmp_path / "mlflow.db")
    tell(tmp_path, FakeSweep("curves", seeds("kd", (60.0, 61.0)), [row("kd")]))
    results = reports.load("curves", home=tmp_path)
    first, second = results.trials["run_id"]
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    accuracies = [(3, 9, 33.0), (1, 5, 11.0), (2, 7, 22.5), (2, 6, 99.0)]
    client.log_batch(first, [Metric("test_top1", value, time, step) for step, time, value in accuracies])
    client.log_batch(second, [Metric("train_loss", value, 5, step) for step, value in enumerate((4.0, math.nan), 1)])
    return results


def test_each_epoch_once_by_rising_number(told: reports.Results) -> None:
    first, second = told.trials["run_id"]
    found = histories(told, ("test_top1", "train_loss", "nothing"))
    assert found[first] == {"test_top1": [(1, 11.0), (2, 22.5), (3, 33.0), (10, 60.0)]}  # 10: of the fake itself
    assert found[second]["train_loss"] == [(1, 4.0)]


def test_of_the_runs_and_metrics_asked_for(told: reports.Results) -> None:
    first, second = told.trials["run_id"]
    assert histories(told, ("train_loss",), run_ids=[first]) == {}
    assert histories(told, ("train_loss",), run_ids=[second, second]) == {second: {"train_loss": [(1, 4.0)]}}
    assert histories(told, run_ids=[]) == {}


def test_results_without_a_store_have_none(told: reports.Results) -> None:
    assert histories(reports.Results("x", told.members, told.trials, told.resolved)) == {}


def test_the_later_value_of_a_step_counts_and_no_infinity_does() -> None:
    points = [("r", "a", 2, 8, 2.0), ("r", "a", 1, 9, 1.5), ("r", "a", 1, 3, 7.0), ("r", "b", 1, 1, math.inf)]
    assert gathered(points) == {"r": {"a": [(1, 1.5), (2, 2.0)]}}


def test_an_answer_that_was_cut_off_is_asked_for_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def answer(uri: str, run_ids: Sequence[str], name: str) -> list[dict[str, Any]]:
        asked.append(len(run_ids))
        points = [{"run_id": r, "key": name, "step": s, "timestamp": 0, "value": s} for r in run_ids for s in range(3)]
        return points[: metric_histories.POINTS_IN_AN_ANSWER]

    monkeypatch.setattr(metric_histories, "_asked", answer)
    monkeypatch.setattr(metric_histories, "POINTS_IN_AN_ANSWER", 100)
    found = metric_histories.histories_at_once("http://server", [f"{n:03d}" for n in range(130)], "loss")
    assert found is not None
    assert len(set(found)) == len(found) == 390
    assert sorted(asked, reverse=True) == [100, 50, 50, 30, 25, 25, 25, 25]


@pytest.mark.parametrize("status", [404, 405])
def test_a_server_without_that_page_is_asked_run_by_run(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlflow.utils.rest_utils.http_request", lambda *_, **__: SimpleNamespace(status_code=status))
    assert metric_histories.histories_at_once("http://server", ["a"], "loss") is None
