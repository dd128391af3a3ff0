"""The parent run of a sweep holds the numbers of its table, whatever becomes of the run."""

import contextlib
import math
import shutil
import sqlite3
from pathlib import Path

import pytest

import reports
from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import MlflowTarget, tracking_uri
from orchestrator.mlflow_store.location import prepare_client
from orchestrator.sweep_run.ends.reporting import write_reports
from orchestrator.sweep_run.tellers import drain, retarget, start_tellers
from tests.orchestrator.simulation import SWEEP, drive, new_planner, sweep_of

CELL = "digits100 tinyresnet - tinycnn"


@pytest.fixture
def home(tmp_path: Path, empty_store: Path) -> Path:
    """The home of a sweep that has ended, with its report."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(empty_store, home / "mlflow.db")
    sweep = sweep_of(SWEEP, tmp_path / "sweep")
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        drive(new_planner(ledger, sweep))
        ledger.end_sweep(sweep.name, "COMPLETE")
        retarget(ledger, home, tracking_uri(home), None)
        assert drain(start_tellers(home, tracking_uri(home), None)) == []
        report(home, ledger)
    return home


def report(home: Path, ledger: Ledger) -> None:
    assert write_reports(["small"], home, tracking_uri(home), ledger, lambda text: None)[1] == []


def parent(home: Path):
    prepare_client()
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri(home))
    (run,) = client.search_runs([client.get_experiment_by_name("small").experiment_id], "tags.kind = 'sweep'")
    return run


def points(home: Path) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as database:
        return sorted(database.execute("SELECT run_uuid, key, value, timestamp FROM metrics"))


def test_the_parent_has_the_tables_numbers(home: Path):
    metrics = parent(home).data.metrics
    board = reports.table(reports.load("small", home=home))
    for line in board.lines[1:]:
        stat = line.scores[0].stat
        assert stat is not None
        name = {"gdkd (by k) k=1": "gdkd by k k_1", "gdkd (by k) k=5": "gdkd by k k_5", "gdkd (tuned)": "gdkd tuned"}
        row = name.get(line.row.label, line.row.label)
        assert metrics[f"final_top1/{CELL}/{row}"] == stat.mean
        assert metrics[f"final_top1_std/{CELL}/{row}"] == pytest.approx(stat.std)
        assert metrics[f"final_top1_n/{CELL}/{row}"] == 2
    assert "| ce (" in parent(home).data.tags["mlflow.note.content"].lower()


def test_telling_twice_changes_nothing(home: Path):
    before = points(home)
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        report(home, ledger)
        ledger.to_tell("mlflow", "sweep:small")
        assert drain(start_tellers(home, tracking_uri(home), None)) == []
    assert points(home) == before


def test_a_row_that_is_gone_is_no_number_any_more(home: Path):
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        target = MlflowTarget(tracking_uri(home), home, ledger)
        kept = dict(parent(home).data.metrics)
        gone = f"final_top1/{CELL}/kd"
        target.note("small", "text", {name: value for name, value in kept.items() if name != gone})
        assert math.isnan(parent(home).data.metrics.pop(gone))
        assert {n: v for n, v in parent(home).data.metrics.items() if n != gone} == {
            n: v for n, v in kept.items() if n != gone
        }
        target.note("small", "text", kept)
        assert parent(home).data.metrics == kept
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as database:
        steps = database.execute("SELECT step, is_nan FROM metrics WHERE key = ? ORDER BY step", (gone,)).fetchall()
        told = database.execute("SELECT count(*) FROM metrics GROUP BY run_uuid, key, step").fetchall()
    assert steps == [(0, 0), (1, 1), (2, 0)]
    assert set(told) == {(1,)}


def test_a_parent_that_is_made_again_has_them_again(home: Path):
    before = parent(home)
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as database, database:
        for table in ("metrics", "latest_metrics", "params", "tags", "runs"):
            database.execute(f"DELETE FROM {table} WHERE run_uuid = ?", (before.info.run_id,))
    assert drain(start_tellers(home, tracking_uri(home), None)) == []
    again = parent(home)
    assert again.info.run_id != before.info.run_id
    assert again.data.metrics == before.data.metrics
    assert again.data.tags["mlflow.note.content"] == before.data.tags["mlflow.note.content"]
