"""Stores on servers that were changed by others: what is gone is made again, and a home that moved is brought home."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import orchestrator
import reports
from orchestrator.ledger.ledger import Ledger
from orchestrator.sweep_run.tellers import drain, retarget, start_tellers
from search_spaces import Sweep
from tests.servers.mlflow_server import MlflowServer
from tests.servers.postgres import Postgres
from tests.servers.tellers import finished

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]


def tell(ledger: Ledger, home: Path, sweep: Sweep, uri: str, storage: str | None = None) -> None:
    finished(ledger, sweep)
    retarget(ledger, home, uri, storage)
    assert drain(start_tellers(home, uri, storage)) == []


def scores(sweep: Sweep, home: Path) -> dict[tuple[str, int], float]:
    trials = reports.load(sweep.name, home=home).trials.dropna(subset=["final_top1"])
    return {(row.row, row.seed): row.final_top1 for row in trials.itertuples()}


def client(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(uri)


def runs_of(uri: str, experiment: str, condition: str) -> list[str]:
    return [run.info.run_id for run in client(uri).search_runs([experiment], condition)]


def test_a_server(
    ledger: Ledger, home: Path, sweep: Sweep, mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch
):
    uri = mlflow_server.url()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tell(ledger, home, sweep, uri)
    before = scores(sweep, home)
    experiment = client(uri).get_experiment_by_name(sweep.name).experiment_id
    client(uri).delete_run(runs_of(uri, experiment, "tags.phase = 'fixed'")[0])
    client(uri).delete_run(runs_of(uri, experiment, "tags.kind = 'sweep'")[0])
    result = orchestrator.sync(home)
    assert result.problems == ()
    assert result.notes == ("2 runs had been deleted in MLflow, and are restored",)
    assert scores(sweep, home) == before
    client(uri).delete_experiment(experiment)
    result = orchestrator.sync(home)
    assert (result.problems, len(result.notes)) == ((), 1)
    assert scores(sweep, home) == before
    assert orchestrator.sync(home) == orchestrator.SyncResult(0, (), ())


def test_a_database(
    ledger: Ledger,
    home: Path,
    sweep: Sweep,
    postgres: Postgres,
    runs_template: str,
    monkeypatch: pytest.MonkeyPatch,
):
    database, studies = postgres.new_database(runs_template), postgres.new_database()
    uri, storage = postgres.url(database), postgres.url(studies)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tell(ledger, home, sweep, uri, storage)
    before = scores(sweep, home)
    gone = "SELECT run_uuid FROM tags WHERE key = 'phase' AND value = 'fixed'"
    ids = ", ".join(f"'{run}'" for (run,) in postgres.execute(gone, database))
    for table in ("metrics", "latest_metrics", "params", "tags", "runs"):
        postgres.execute(f"DELETE FROM {table} WHERE run_uuid IN ({ids})", database)
    postgres.execute("DELETE FROM trial_user_attributes WHERE value_json = '1'", studies)
    moved = home.with_name("moved")
    ledger.close()
    shutil.move(home, moved)
    result = orchestrator.sync(moved, storage)
    assert result.problems == ()
    assert scores(sweep, moved) == before
    assert not home.exists()
    assert client(uri).get_experiment_by_name(sweep.name).artifact_location == (moved / "mlartifacts").as_uri()
