"""A report is not written over a better one because the tracking store has lost what that was of."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

import orchestrator
import reports
import run_sweep
from orchestrator.home.home import driver_lock
from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import MlflowTarget, tracking_uri
from orchestrator.outbox.telling import Teller
from orchestrator.sweep_run.ends.keeping import why_kept
from tests.orchestrator.simulation import SWEEP, drive, new_planner, sweep_of


@pytest.fixture
def told(tmp_path: Path, empty_store: Path) -> Path:
    """The home of a sweep whose results have been told."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(empty_store, home / "mlflow.db")
    sweep = sweep_of(SWEEP.replace("trials: 8", "trials: 1"), tmp_path)
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        drive(new_planner(ledger, sweep))
        ledger.end_sweep(sweep.name, "COMPLETE")
    teller = Teller("mlflow", home / "ledger.db", lambda own: MlflowTarget(tracking_uri(home), home, own))
    teller.start()
    assert teller.drain(60), teller.problem
    return home


def delete_runs(home: Path, most: int) -> None:
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as database, database:
        database.execute(
            "UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid IN (SELECT run_uuid FROM tags "
            "WHERE key = 'phase' AND value IN ('fixed', 'confirm') ORDER BY run_uuid LIMIT ?)",
            (most,),
        )


def report(home: Path, *more: str) -> int:
    return run_sweep.main(["report", "small", "--home", str(home), *more])


@pytest.mark.parametrize("most", [1, 2, 1000])
def test_a_report_that_would_lose_scores_is_not_written(told: Path, most: int, capsys: pytest.CaptureFixture[str]):
    reports.write(reports.load("small", home=told), told / "reports" / "small")
    folder = told / "reports" / "small"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    delete_runs(told, most)
    assert report(told) == 1
    error = capsys.readouterr().err
    assert f"{folder} is left as it is" in error and "sync" in error
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_first_report_without_any_score_is_not_written_either(told: Path, capsys: pytest.CaptureFixture[str]):
    with contextlib.closing(sqlite3.connect(told / "mlflow.db")) as database, database:
        database.execute("UPDATE runs SET lifecycle_stage = 'deleted' WHERE name != 'small'")
    assert report(told) == 1
    assert "has no score of any trial, though" in capsys.readouterr().err
    assert not (told / "reports").exists()
    with driver_lock(told, ["small"]):  # whoever works there tells them yet
        assert why_kept(reports.load("small", home=told), told / "reports" / "small", told) == ""


def test_what_a_sweep_has_no_more_is_no_loss(told: Path):
    results = reports.load("small", home=told)
    folder = told / "reports" / "small"
    folder.mkdir(parents=True)
    results.trials.to_parquet(folder / "results.parquet")
    fewer = reports.Results("small", results.members, results.trials[results.trials["seed"] == 0], results.resolved)
    assert why_kept(fewer, folder, told) == ""
    delete_runs(told, 1)
    assert "1 trial that has a score in it has none" in why_kept(reports.load("small", home=told), folder, told)
    (folder / "results.parquet").write_bytes(b"no parquet")
    assert why_kept(reports.load("small", home=told), folder, told) == ""


def test_a_sweep_that_has_begun_is_no_unknown_one(
    tmp_path: Path, empty_store: Path, capsys: pytest.CaptureFixture[str]
):
    home = tmp_path / "home"
    home.mkdir()
    sweep = sweep_of(SWEEP, tmp_path)
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        new_planner(ledger, sweep)
    assert report(home) == 2
    assert "by MLFLOW_TRACKING_URI, the database" in capsys.readouterr().err
    with driver_lock(home, ["small"]):
        assert report(home) == 2
        assert "small has begun, and has nothing to report yet" in capsys.readouterr().err
    shutil.copy(empty_store, home / "mlflow.db")
    assert report(home) == 2
    assert "a store that is elsewhere is named by MLFLOW_TRACKING_URI" in capsys.readouterr().err
    with driver_lock(home, ["small"]):
        assert report(home) == 2
        assert "small has begun, and has nothing to report yet" in capsys.readouterr().err
        assert run_sweep.main(["report", "smal", "--home", str(home)]) == 2
        assert "there is no sweep 'smal'" in capsys.readouterr().err


def test_a_home_may_be_text(told: Path):
    assert [one.to_json()["name"] for one in orchestrator.sweeps(str(told))] == ["small"]
    assert orchestrator.status("small", str(told)).to_json()["name"] == "small"
    assert orchestrator.banks(str(told)) == [] == orchestrator.to_clear(str(told), [])
    assert list(orchestrator.viewer_lines(str(told)))
    assert orchestrator.sync(str(told)).problems == ()
