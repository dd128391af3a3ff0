"""The same results give the same tables, byte for byte, from SQLite, from PostgreSQL and over HTTP."""

from collections.abc import Callable
from pathlib import Path

import pytest

import reports
from orchestrator.mlflow_store.location import prepare_client
from tests.reports.fake_sweep import FakeSweep, nasty_sweep, whole_sweep
from tests.servers.mlflow_server import MlflowServer
from tests.servers.postgres import PASSWORD, Postgres
from tests.servers.proxy import Proxy

pytestmark = [
    pytest.mark.servers,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # connections that libraries leave
]


def told(uri: str, artifacts: Path | None, *sweeps: FakeSweep) -> str:
    from mlflow import MlflowClient

    prepare_client()
    for sweep in sweeps:
        sweep.tell(MlflowClient(uri), artifacts)
    return uri


def tables(uri: str, name: str, folder: Path) -> dict[str, bytes]:
    reports.write(reports.load(name, tracking_uri=uri), folder)
    return {path.name: path.read_bytes() for path in folder.glob("table.*")}


def test_tables(tmp_path: Path, postgres: Postgres, runs_template: str, mlflow_server: MlflowServer):
    sweeps = (whole_sweep(), nasty_sweep())
    stores = {
        "sqlite": told(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "one", *sweeps),
        "postgresql": told(postgres.url(postgres.new_database(runs_template)), tmp_path / "two", *sweeps),
        "http": told(mlflow_server.url(), None, *sweeps),
    }
    for sweep in sweeps:
        expected = tables(stores["sqlite"], sweep.name, tmp_path / "sqlite" / sweep.name)
        assert set(expected) == {"table.md", "table.tex", "table.csv"}
        for kind in ("postgresql", "http"):
            assert tables(stores[kind], sweep.name, tmp_path / kind / sweep.name) == expected


def test_a_server_whose_answer_gets_lost_is_asked_again(mlflow_server: MlflowServer, proxy_to: Callable[[int], Proxy]):
    told(mlflow_server.url(), None, FakeSweep("asked-again", [], []))
    proxy = proxy_to(mlflow_server.port)
    proxy.lose_answers(b"runs/search", times=1)
    assert reports.load("asked-again", tracking_uri=mlflow_server.url(proxy.port)).name == "asked-again"
    assert proxy.hits == 1


def test_what_is_in_the_way_is_told_without_the_password(tmp_path: Path, postgres: Postgres):
    without_tables = postgres.url(postgres.new_database())
    with pytest.raises(reports.StoreUnavailableError, match="cannot be read as an MLflow database") as caught:
        reports.load("x", tracking_uri=without_tables)
    assert PASSWORD not in str(caught.value) and "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)
