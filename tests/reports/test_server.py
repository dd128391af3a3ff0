"""Over HTTP the same results come as from the database itself."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import reports
from tests.reports.fake_sweep import CELL, FakeSweep, FakeTrial, grid, row, seeds, teacher
from tests.servers.mlflow_server import running_server

GDKD = {"method": "gdkd"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A tracking server on loopback with a database and artifacts of its own; its address and folder."""
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server.url(), server.folder


def test_the_same_as_from_the_database(server: tuple[str, Path]) -> None:
    from mlflow import MlflowClient

    address, folder = server
    client = MlflowClient(address)
    elsewhere = FakeTrial(row="kd", top1=61.0, seed=9, key="a" * 64)
    FakeSweep("first", [elsewhere], [row("kd")]).tell(client, None)
    trials = [teacher(80.0), *seeds("kd", (60.0, 61.0, 62.0), run_known=False), *seeds("ce", (50.0,), method="ce")]
    trials += [FakeTrial(row="kd", seed=9, state="WAITING", key="a" * 64), FakeTrial(row="dkd", state="DIVERGED")]
    trials += [FakeTrial(row="dkd", seed=1, state="WAITING")]
    trials += [FakeTrial(row="kd", seed=3, metrics={"final_top1": float("nan"), "best_top1": float("inf")})]
    FakeSweep("second", trials, [row("ce", "ce"), row("kd"), row("dkd", "dkd")]).tell(client, None)
    over_http = reports.load("second", tracking_uri=address)
    assert over_http.mlflow == address.rstrip("/")
    assert over_http.trials["state"].tolist().count("COMPLETE") == 7
    with pytest.raises(reports.UnknownSweepError, match="did you mean 'second'"):
        reports.load("secon", tracking_uri=address)

    from reports.stores.database import Database

    database = Database(f"sqlite:///{folder / 'mlflow.db'}")
    expected = database.runs(over_http.trials["run_id"].dropna().tolist())
    for _, line in over_http.trials.dropna(subset=["run_id"]).iterrows():
        record = expected[line["run_id"]]
        assert line["experiment_id"] == record.experiment_id
        for name in ("final_top1", "best_top1", "train_seconds"):
            assert record.metrics.get(name) == (None if pd.isna(line[name]) else line[name])
    score = reports.table(over_http).lines[2].scores[0]
    assert (sorted(score.by_seed), score.missing) == ([0, 1, 2, 9], "no accuracy recorded 1 of 5")
    assert CELL in over_http.trials["cell"].tolist()


def test_how_runs_came_about(server: tuple[str, Path]) -> None:
    from mlflow import MlflowClient

    from reports.stores.database import Database

    address, folder = server
    tags = {"mlflow.source.git.commit": "c0ffee", "device": "a GPU", "attempts": "2", "data_root": "not read"}
    trials = [*seeds("kd", (60.0, 61.0), tags=tags), FakeTrial(row="kd", seed=2, state="RUNNING")]
    FakeSweep("detailed", trials, [row("kd")]).tell(MlflowClient(address), None)
    over_http = reports.load("detailed", tracking_uri=address).runs
    by_run = {record.run_id: record for record in over_http.values()}
    assert by_run == Database(f"sqlite:///{folder / 'mlflow.db'}").runs(by_run)
    ended = [one for one in over_http.values() if one.seconds == 2.0]
    assert len(over_http) == 3 and len(ended) == 2
    expected = {name: value for name, value in tags.items() if name != "data_root"}
    assert all(one.tags.items() >= expected.items() and "data_root" not in one.tags for one in ended)


def test_metrics_epoch_by_epoch(server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    from reports.results.results import histories
    from reports.stores import metric_histories

    address, _ = server
    client = MlflowClient(address)
    FakeSweep("epochs", seeds("kd", (60.0, 61.0)), [row("kd")]).tell(client, None)
    results = reports.load("epochs", tracking_uri=address)
    first, second = results.trials["run_id"]
    client.log_batch(first, [Metric("train_loss", value, 5, step) for step, value in enumerate((4.0, float("nan")), 1)])
    client.log_batch(second, [Metric("train_loss", 4.0 - step, 5, step) for step in (3, 1, 2)])
    expected = {first: {"train_loss": [(1, 4.0)]}, second: {"train_loss": [(1, 3.0), (2, 2.0), (3, 1.0)]}}
    assert histories(results, ("train_loss",)) == expected
    monkeypatch.setattr(metric_histories, "ENDPOINT", "/ajax-api/2.0/mlflow/no-such-page")
    assert histories(results, ("train_loss",)) == expected


def test_a_report_is_attached_to_the_run_of_its_sweep(server: tuple[str, Path], tmp_path: Path) -> None:
    from mlflow import MlflowClient

    address, _ = server
    client = MlflowClient(address)
    trials = [teacher(80.0), *(trial for k in (1, 5) for trial in seeds(f"g k={k}", (60.0, 61.0), entry="g", **GDKD))]
    FakeSweep("attached", trials, grid("g", "k", (1, 5))).tell(client, None)
    results = reports.load("attached", tracking_uri=address)
    written = reports.write(results, tmp_path)
    for _ in range(2):  # again changes nothing
        (run_id,) = reports.export(results, written, tmp_path, tracking_uri=address)
    found = {Path(item.path).name for item in client.list_artifacts(run_id, "report")}
    assert {"table.md", "results.parquet", "figures", "ablations.md"} < found
    assert found == {path.relative_to(tmp_path).parts[0] for path in written}
    text = client.download_artifacts(run_id, "report/table.md", str(tmp_path))
    assert Path(text).read_bytes() == (tmp_path / "table.md").read_bytes()
    assert reports.load("attached", tracking_uri=address).trials.equals(results.trials)
