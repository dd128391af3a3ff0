"""A home whose path means something in a URL, in SQL or in a shell: everything is in it, nothing beside it."""

import shlex
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

import reports
from orchestrator.commands.doctor import doctor
from orchestrator.commands.viewers import viewer_lines
from orchestrator.home.home import HomeError, check_writable
from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import check_answers, known_runs, tracking_uri
from orchestrator.mlflow_store.location import ensure_database
from orchestrator.optuna_studies.mirror import check_storage, storage_url
from orchestrator.sweep_run.tellers import drain, retarget, start_tellers
from tests.orchestrator.simulation import SWEEP, drive, new_planner, sweep_of
from tests.trainers.texts.test_addresses import ODD


def test_a_home_with_an_odd_name(tmp_path: Path, empty_store: Path):
    home = tmp_path / ODD
    sweep = sweep_of(SWEEP.replace("trials: 8", "trials: 2"), tmp_path / "sweep")
    home.mkdir()
    shutil.copy(empty_store, home / "mlflow.db")
    ledger = Ledger(home / "ledger.db")
    drive(new_planner(ledger, sweep))
    ledger.end_sweep(sweep.name, "COMPLETE")
    retarget(ledger, home, tracking_uri(home), None)
    assert drain(start_tellers(home, tracking_uri(home), None)) == []
    check_answers(tracking_uri(home))
    check_storage(storage_url(home, None), tracking_uri(home))
    assert len(known_runs(tracking_uri(home), ["COMPLETE"])) == len(ledger.states())
    assert [summary.n_trials for summary in optuna.get_all_study_summaries(storage_url(home, None))] == [2]
    results = reports.load(sweep.name, home=home)
    assert results.trials["final_top1"].notna().sum() == 11
    written = reports.write(results, home / "reports" / sweep.name)
    reports.export(results, written[:1], home / "reports" / sweep.name, home=home)
    assert [finding.text for finding in doctor(home) if finding.name in ("tracking", "searches")] == [
        f"{tracking_uri(home)} answers",
        f"{storage_url(home, None)} answers",
    ]
    retarget(ledger, home, tracking_uri(home), None)
    assert ledger.untold_count() == 0
    assert {path.name for path in tmp_path.iterdir()} == {ODD, "sweep"}
    assert {path.name for path in home.iterdir()} >= {"ledger.db", "mlflow.db", "mlartifacts", "optuna.db", "reports"}


@pytest.mark.parametrize("inside", [True, False])
def test_the_lines_of_the_viewers_name_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: bool):
    home = tmp_path / ODD
    home.mkdir()
    monkeypatch.chdir(tmp_path if inside else "/")
    shutil.copy(_database(tmp_path), home / "mlflow.db")
    runs, searches = viewer_lines(home)
    uri = shlex.split(runs.removeprefix("runs: "))[-1]
    question = "import sys, sqlalchemy as s; s.create_engine(sys.argv[1]).connect().exec_driver_sql('SELECT * FROM t')"
    subprocess.run([sys.executable, "-c", question, uri], check=True)  # from where the line is printed
    assert shlex.split(searches.removeprefix("searches: "))[-1] == uri.replace("mlflow.db", "optuna.db")


def _database(folder: Path) -> Path:
    path = folder / "plain.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    return path


def test_a_home_whose_name_is_no_text_is_refused(tmp_path: Path):
    with pytest.raises(HomeError, match="a name that is not UTF-8"):
        check_writable(tmp_path / "caf\udce9")


def test_a_database_by_its_url_is_made_where_the_url_says(tmp_path: Path):
    ensure_database(f"sqlite:///{tmp_path}/a%3Fb/mlflow.db")
    assert [path.name for path in tmp_path.iterdir()] == ["a?b"]
