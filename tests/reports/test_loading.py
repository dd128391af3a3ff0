"""From a name to results: which store, which run, which line; what is not there is told in one message."""

import math
import shutil
import sqlite3
from pathlib import Path

import pytest

import reports
from reports.results.results import MEMBER_COLUMNS, TRIAL_COLUMNS
from reports.stores.client import without_password
from tests.reports.conftest import Loader, tell
from tests.reports.fake_sweep import CELL, FakeSweep, FakeTrial, row, seeds, teacher, whole_sweep


@pytest.fixture
def fresh(empty_store: Path, tmp_path: Path) -> Path:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return tmp_path


def test_columns_are_the_contract(whole: reports.Results) -> None:
    assert list(whole.members.columns) == list(MEMBER_COLUMNS)
    settings = [name for name in whole.trials.columns if name.startswith("method.")]
    assert list(whole.trials.columns) == [*TRIAL_COLUMNS, *settings]
    assert settings == ["method.k", "method.w2", "method.weight"]
    dtypes = {name: str(whole.trials[name].dtype) for name in TRIAL_COLUMNS}
    assert dtypes == {name: dtype for name, (dtype, _) in TRIAL_COLUMNS.items()}
    assert [str(whole.trials[name].dtype) for name in settings] == ["Int64", "float64", "float64"]


def test_one_line_a_member_in_their_order(whole: reports.Results) -> None:
    told = whole_sweep().trials
    assert whole.trials["trial_key"].tolist() == [trial.trial_key for trial in told]
    assert whole.trials["state"].tolist() == [trial.state for trial in told]
    assert whole.members["seed"].tolist() == [trial.seed for trial in told]
    waiting = whole.trials[whole.trials["state"] == "WAITING"]
    assert waiting["run_id"].isna().all()
    assert waiting["final_top1"].isna().all()


def test_a_line_says_what_its_run_holds(whole: reports.Results) -> None:
    line = whole.trials[(whole.trials["row"] == "gdkd (by k) k=5") & (whole.trials["seed"] == 1)].iloc[0]
    assert (line["dataset"], line["teacher"], line["student"]) == ("digits100", "tinyresnet", "tinycnn")
    assert (line["method"], line["epochs"], line["method.k"]) == ("gdkd", 10, 5)
    assert (line["final_top1"], line["best_top1"], line["train_seconds"]) == (66.8, 67.8, 4.0)
    of_teacher = whole.trials.iloc[0]
    assert (of_teacher["phase"], of_teacher["student"], of_teacher["final_top1"]) == ("teacher", "tinyresnet", 83.6)


def test_infinite_and_undefined_metrics_are_missing(results_of: Loader) -> None:
    wild = {"final_top1": 50.0, "best_top1": math.inf, "final_top5": math.nan, "train_seconds": -math.inf}
    line = results_of(FakeSweep("wild", [FakeTrial(row="kd", metrics=wild)], [row("kd")])).trials.iloc[0]
    assert line["final_top1"] == 50.0
    assert line[["best_top1", "final_top5", "train_seconds"]].isna().all()


def test_a_member_without_run_id_is_found_by_its_key_in_any_experiment(fresh: Path) -> None:
    shared = FakeTrial(row="kd", top1=61.0, key="a" * 64)
    tell(fresh, FakeSweep("first", [shared], [row("kd")]))
    untold = FakeTrial(row="kd again", state="WAITING", key="a" * 64)
    tell(fresh, FakeSweep("second", [untold], [row("kd again")]))
    first, second = (reports.load(name, home=fresh).trials.iloc[0] for name in ("first", "second"))
    assert second["run_id"] == first["run_id"]
    assert (second["row"], second["final_top1"], second["experiment_id"]) == ("kd again", 61.0, first["experiment_id"])


def test_deleted_runs_are_not_there(fresh: Path) -> None:
    from mlflow import MlflowClient

    tell(fresh, FakeSweep("gone", seeds("kd", (60.0, 61.0)), [row("kd")]))
    before = reports.load("gone", home=fresh).trials
    MlflowClient(f"sqlite:///{fresh / 'mlflow.db'}").delete_run(before["run_id"][0])
    assert reports.load("gone", home=fresh).trials["state"].tolist() == ["WAITING", "COMPLETE"]


def test_a_trial_in_several_rows_has_a_line_in_each_and_a_repeated_member_one(results_of: Loader) -> None:
    same = {"key": "b" * 64, "top1": 60.0}
    trials = [FakeTrial(row="one", **same), FakeTrial(row="two", **same), FakeTrial(row="one", **same)]
    loaded = results_of(FakeSweep("shared", trials, [row("one"), row("two")])).trials
    assert loaded["row"].tolist() == ["one", "two"]
    assert loaded["run_id"].nunique() == 1


def test_complete_is_believed_when_the_status_says_so_too(fresh: Path) -> None:
    tell(fresh, FakeSweep("torn", seeds("kd", (60.0,)), [row("kd")]))
    with sqlite3.connect(fresh / "mlflow.db") as database:
        database.execute("UPDATE runs SET status = 'RUNNING'")
    assert reports.load("torn", home=fresh).trials["state"].tolist() == ["RUNNING"]


def test_an_unknown_name_gets_the_nearest(told_home: Path) -> None:
    with pytest.raises(reports.UnknownSweepError, match=r"no sweep 'whol'.*did you mean 'whole'"):
        reports.load("whol", home=told_home)
    with pytest.raises(reports.UnknownSweepError, match="it holds nasty, whole"):
        reports.load("something else", home=told_home)


def test_no_store_is_said_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(reports.StoreUnavailableError, match="no tracking database"):
        reports.load("whole", home=tmp_path / "home")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(reports.StoreUnavailableError, match="cannot be read"):
        reports.load("whole", home=tmp_path)


def test_the_argument_goes_before_the_environment_before_the_home(
    told_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{told_home / 'mlflow.db'}"
    monkeypatch.setenv("KDSWEEP_HOME", str(told_home))
    assert reports.load("whole").name == "whole"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(reports.StoreUnavailableError, match=r"none\.db"):
        reports.load("whole")
    assert reports.load("whole", tracking_uri=uri).name == "whole"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert reports.load("whole", home=tmp_path).name == "whole"


def test_a_home_that_was_moved(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    tell(fresh, FakeSweep("moved", seeds("kd", (60.0,)), [row("kd")]))
    home = tmp_path_factory.mktemp("elsewhere") / "home"
    shutil.move(fresh, home)
    assert len(reports.load("moved", home=home).trials) == 1
    shutil.rmtree(home / "mlartifacts")
    with pytest.raises(reports.StoreUnavailableError, match=r"members\.csv of the sweep's parent run"):
        reports.load("moved", home=home)


def test_a_server_that_is_away_is_said_at_once_without_the_password() -> None:
    with pytest.raises(reports.StoreUnavailableError, match="does not answer") as caught:
        reports.load("whole", tracking_uri="http://user:secret@127.0.0.1:9")
    assert "secret" not in str(caught.value)
    assert without_password("https://user:secret@host:1/x") == "https://host:1/x"


def test_loading_leaves_the_database_as_it_is(told_home: Path) -> None:
    before = (told_home / "mlflow.db").read_bytes()
    reports.load("whole", home=told_home)
    assert (told_home / "mlflow.db").read_bytes() == before


def test_a_sweep_whose_resolved_lists_neither_cells_nor_rows(fresh: Path) -> None:
    sweep = FakeSweep("bare", [teacher(80.0), *seeds("ce", (50.0,), method="ce"), *seeds("kd", (60.0,))], [], ())
    tell(fresh, sweep)
    table = reports.table(reports.load("bare", home=fresh))
    assert [cell.id for cell in table.cells] == [CELL]
    assert [(line.kind, line.shown) for line in table.lines] == [
        ("teacher", "teacher"),
        ("alone", "CE"),
        ("method", "KD"),
    ]
