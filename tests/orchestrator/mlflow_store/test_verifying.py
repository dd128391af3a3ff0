"""Stores that were changed by others: what is gone from them is made again from the ledger, all of it."""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

import orchestrator
import reports
from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import MlflowTarget, tracking_uri
from orchestrator.mlflow_store.listing import HOME_TAG
from orchestrator.mlflow_store.location import prepare_client
from orchestrator.mlflow_store.moved import forget_places
from orchestrator.mlflow_store.runs import home_name
from orchestrator.optuna_studies.mirror import storage_url
from orchestrator.sweep_run.tellers import drain, retarget, start_tellers
from reports.stores.artifacts import local_folder
from tests.orchestrator.simulation import drive, new_planner, sweep_of
from trainers.files.store import Store

TEXT = """
name: small
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 4}
methods:
  ce:
  gdkd (tuned): {method: gdkd, k: {low: 1, high: 30, log: true}}
search: {trials: 2, parallel: 2, sampler: random}
seeds: 2
"""
RUN_TABLES = ("metrics", "latest_metrics", "params", "tags", "runs")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    """The home of a sweep whose results have all been told."""
    home = tmp_path_factory.mktemp("whole") / "home"
    home.mkdir()
    shutil.copy(empty_store, home / "mlflow.db")
    sweep = sweep_of(TEXT, home.parent / "sweep")
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        drive(new_planner(ledger, sweep))
        ledger.end_sweep(sweep.name, "COMPLETE")
        retarget(ledger, home, tracking_uri(home), None)
        weights = Store(home).weights(teacher(ledger))
        weights.parent.mkdir()
        weights.write_bytes(b"weights")
        assert drain(start_tellers(home, tracking_uri(home), None)) == []
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    """A copy of it that is where its artifacts say, as far as the store knows."""
    home = tmp_path / "home"
    shutil.copytree(whole, home)
    forget_places()
    with sql(home) as database:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            database.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(whole), str(home)))
    return home


@contextlib.contextmanager
def sql(home: Path):
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as database, database:
        yield database


def teacher(ledger: Ledger) -> str:
    return next(member.key for member in ledger.members("small") if member.phase == "teacher")


def client(home: Path) -> Any:
    prepare_client()
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri(home))


def held(home: Path) -> dict[str, Any]:
    """Return all that the stores hold of the sweep, by trial key."""
    with sql(home) as database:
        keys = dict(
            database.execute(
                "SELECT r.run_uuid, t.value FROM runs r JOIN tags t USING (run_uuid) "
                "WHERE t.key = 'trial_key' AND r.lifecycle_stage = 'active'"
            )
        )
        (parent,) = (
            run
            for (run,) in database.execute(
                "SELECT r.run_uuid FROM runs r JOIN tags t USING (run_uuid) JOIN experiments e USING (experiment_id) "
                "WHERE t.key = 'kind' AND t.value = 'sweep' AND r.lifecycle_stage = 'active' AND e.name = 'small' "
                "AND e.lifecycle_stage = 'active'"
            )
        )
        points = database.execute("SELECT run_uuid, key, step, timestamp, value FROM metrics").fetchall()
        params = database.execute("SELECT run_uuid, key, value FROM params").fetchall()
        tags = database.execute("SELECT run_uuid, key, value FROM tags").fetchall()
        status = dict(database.execute("SELECT run_uuid, status FROM runs"))
    assert len(keys) == len(set(keys.values()))  # one run a key
    parents = {keys[run]: value for run, name, value in tags if run in keys and name == "mlflow.parentRunId"}
    assert set(parents.values()) == {parent}
    artifacts = client(home).get_run(parent).info.artifact_uri
    assert artifacts.startswith((home / "mlartifacts").as_uri())
    members = reports.load("small", home=home).members
    assert members["run_id"].isin([*keys]).all()
    studies = optuna.get_all_study_summaries(storage_url(home, None))
    proposals = {
        study.study_name: sorted(
            (trial.user_attrs["proposal"], trial.user_attrs["trial_key"], trial.value)
            for trial in optuna.load_study(study_name=study.study_name, storage=storage_url(home, None)).trials
        )
        for study in studies
    }
    ours = ("state", "config_key", "kind", "sweep", "row", "phase", "attempts", "trial_key")
    return {
        "points": sorted((keys[run], *rest) for run, *rest in points if run in keys),
        "params": sorted((keys[run], *rest) for run, *rest in params if run in keys),
        "tags": sorted((keys[run], name, value) for run, name, value in tags if run in keys and name in ours),
        "status": {keys[run]: value for run, value in status.items() if run in keys},
        "weights": {path.name for path in (home / "mlartifacts").rglob("*.safetensors")},
        "files": sorted(path.name for path in (local_folder(artifacts) or home).iterdir()),
        "proposals": proposals,
    }


# --- what others do -------------------------------------------------------------------------------------------------


def of_phase(home: Path, *phases: str) -> list[str]:
    marks = ", ".join(f"'{phase}'" for phase in phases)
    with sql(home) as database:
        query = f"SELECT run_uuid FROM tags WHERE key = 'phase' AND value IN ({marks})"
        return [run for (run,) in database.execute(query)]


def parents(home: Path) -> list[str]:
    with sql(home) as database:
        return [run for (run,) in database.execute("SELECT run_uuid FROM tags WHERE key='kind' AND value='sweep'")]


def purge(home: Path, runs: list[str]) -> None:
    """Do what `mlflow gc` does, artifacts included."""
    with sql(home) as database:
        for run in runs:
            for table in RUN_TABLES:
                database.execute(f"DELETE FROM {table} WHERE run_uuid = ?", (run,))
            shutil.rmtree(home / "mlartifacts" / run, ignore_errors=True)


def a_run_is_deleted(home: Path) -> None:
    client(home).delete_run(of_phase(home, "fixed")[0])


def runs_are_purged(home: Path) -> None:
    purge(home, of_phase(home, "fixed", "teacher")[1:])


def all_trials_are_purged(home: Path) -> None:
    purge(home, of_phase(home, "fixed", "teacher", "search", "confirm"))


def the_parent_is_deleted(home: Path) -> None:
    client(home).delete_run(parents(home)[0])


def the_parent_is_purged(home: Path) -> None:
    purge(home, parents(home))


def the_experiment_is_deleted(home: Path) -> None:
    client(home).delete_experiment(client(home).get_experiment_by_name("small").experiment_id)


def the_experiment_is_purged(home: Path) -> None:
    with sql(home) as database:
        runs = [run for (run,) in database.execute("SELECT run_uuid FROM runs")]
    purge(home, runs)
    with sql(home) as database:
        database.execute("DELETE FROM experiment_tags")
        database.execute("DELETE FROM experiments WHERE name = 'small'")


def the_database_is_removed(home: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    (home / "mlflow.db").unlink()
    for engine in SqlAlchemyStore._engine_map.values():
        engine.dispose()  # those of this process keep the file that was there


def the_artifacts_are_removed(home: Path) -> None:
    shutil.rmtree(home / "mlartifacts")


def the_teachers_weights_are_removed(home: Path) -> None:
    for path in (home / "mlartifacts").rglob("*.safetensors"):
        path.unlink()


def the_store_is_an_older_one(home: Path) -> None:
    """A backup from before the end: runs that say RUNNING and have no last epoch."""
    with sql(home) as database:
        database.execute("UPDATE tags SET value = 'RUNNING' WHERE key = 'state'")
        database.execute("UPDATE runs SET status = 'RUNNING'")
        for table in ("metrics", "latest_metrics"):
            database.execute(f"DELETE FROM {table} WHERE step = 4")


def the_study_is_deleted(home: Path) -> None:
    (study,) = optuna.get_all_study_summaries(storage_url(home, None))
    optuna.delete_study(study_name=study.study_name, storage=storage_url(home, None))


def the_studies_are_removed(home: Path) -> None:
    (home / "optuna.db").unlink()


def a_proposal_is_gone(home: Path) -> None:
    with contextlib.closing(sqlite3.connect(home / "optuna.db")) as database, database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE name LIKE 'trial%' AND type = 'table'"):
            database.execute(f"DELETE FROM {table} WHERE trial_id = 2")


DAMAGES: list[Callable[[Path], None]] = [
    a_run_is_deleted,
    runs_are_purged,
    the_parent_is_purged,
    the_experiment_is_deleted,
    the_database_is_removed,
    the_artifacts_are_removed,
    the_store_is_an_older_one,
    the_study_is_deleted,
]
MORE_DAMAGES: list[Callable[[Path], None]] = [
    all_trials_are_purged,
    the_parent_is_deleted,
    the_experiment_is_purged,
    the_teachers_weights_are_removed,
    the_studies_are_removed,
    a_proposal_is_gone,
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_what_is_gone_is_made_again(home: Path, empty_store: Path, damage: Callable[[Path], None]):
    check_made_again(home, empty_store, damage)


@pytest.mark.slow
@pytest.mark.parametrize("damage", MORE_DAMAGES, ids=lambda damage: damage.__name__)
def test_what_else_is_gone_is_made_again(home: Path, empty_store: Path, damage: Callable[[Path], None]):
    check_made_again(home, empty_store, damage)


def check_made_again(home: Path, empty_store: Path, damage: Callable[[Path], None]) -> None:
    before = held(home)
    damage(home)
    if not (home / "mlflow.db").exists():
        shutil.copy(empty_store, home / "mlflow.db")  # as one is made, which takes seconds
    result = orchestrator.sync(home)
    assert result.problems == ()
    assert held(home) == before
    again = orchestrator.sync(home)
    assert (again.told, again.problems, again.notes) == (0, (), ())


def test_nothing_is_told_where_nothing_is_gone(home: Path):
    assert orchestrator.sync(home) == orchestrator.SyncResult(0, (), ())


def test_an_experiment_that_was_renamed_keeps_its_runs_and_another_is_told_of(home: Path):
    number = client(home).get_experiment_by_name("small").experiment_id
    client(home).rename_experiment(number, "kept for the paper")
    assert orchestrator.sync(home).problems == ()
    results = reports.load("small", home=home)
    assert results.trials["final_top1"].notna().any()
    assert set(results.trials["experiment_id"]) == {number}


# --- a home that has moved ------------------------------------------------------------------------------------------


def test_a_home_that_has_moved_writes_nothing_into_the_old_place(home: Path):
    before = held(home)
    moved = home.with_name("moved?#%41")
    home.rename(moved)
    home.write_text("somebody else's by now")
    purge(moved, of_phase(moved, "fixed")[:1] + parents(moved))
    result = orchestrator.sync(moved)
    assert result.problems == ()
    assert "has moved" in result.notes[0]
    assert held(moved) == before
    assert home.read_text() == "somebody else's by now"
    assert orchestrator.sync(moved).notes == ()


@pytest.mark.parametrize("bare", [False, True])
def test_a_home_that_was_copied_leaves_the_original_alone(home: Path, bare: bool):
    copy = home.with_name("copy")
    shutil.copytree(home, copy)
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
    if bare:
        shutil.rmtree(copy / "mlartifacts")
    else:
        purge(copy, parents(copy))
    assert orchestrator.sync(copy).problems == ()
    assert held(copy) == held(home)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_artifacts_of_another_home_in_the_same_database_stay_where_they_are(home: Path, tmp_path: Path):
    other = tmp_path / "other" / "mlartifacts"
    other.mkdir(parents=True)
    experiment = client(home).create_experiment("others", artifact_location=other.as_uri())
    run = client(home).create_run(experiment)
    orchestrator.sync(home)
    assert client(home).get_experiment(experiment).artifact_location == other.as_uri()
    assert client(home).get_run(run.info.run_id).info.artifact_uri.startswith(other.as_uri())


# --- what cannot be made again ----------------------------------------------------------------------------------------


def test_a_study_that_minimises_is_told_nothing(home: Path):
    (summary,) = optuna.get_all_study_summaries(storage_url(home, None))
    (home / "optuna.db").unlink()
    theirs = optuna.create_study(study_name=summary.study_name, storage=storage_url(home, None), direction="minimize")
    result = orchestrator.sync(home)
    (problem,) = result.problems
    assert "does not maximise" in problem and "--storage" in problem
    assert theirs.trials == []
    assert len(orchestrator.sync(home).problems) == 1
    optuna.delete_study(study_name=summary.study_name, storage=storage_url(home, None))
    assert orchestrator.sync(home).problems == ()


def test_what_was_in_the_store_alone_is_said_to_be_lost(home: Path):
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger, ledger.transaction():
        ledger._db.execute("DELETE FROM epoch")
        Store(home).weights(teacher(ledger)).unlink()
    all_trials_are_purged(home)
    result = orchestrator.sync(home)
    assert result.problems == ()
    assert any("curves of" in note for note in result.notes)
    assert any("weights of 1 trained teacher" in note for note in result.notes)


def test_a_run_that_is_deleted_while_it_is_told(home: Path):
    before = held(home)
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        target = MlflowTarget(tracking_uri(home), home, ledger)
        target.verify()
        purge(home, of_phase(home, "fixed")[:1])
        client(home).delete_run(of_phase(home, "fixed")[-1])
        purge(home, parents(home))
        for key, state in ledger.states().items():
            if state != "WAITING":
                target.tell(f"trial:{key}")
        target.tell("sweep:small")
    orchestrator.sync(home)
    assert held(home) == before


def test_a_run_made_twice_by_a_lost_answer_is_removed_and_no_other_homes(home: Path):
    """The other home is the one that this is a copy of."""
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        own = home_name(ledger)
    run_id = of_phase(home, "fixed")[0]
    mlflow = client(home)
    run = mlflow.get_run(run_id)
    tags = {name: run.data.tags[name] for name in ("trial_key", "kind", "state") if name in run.data.tags}
    ours, theirs = (
        mlflow.create_run(run.info.experiment_id, tags={**tags, HOME_TAG: whose}).info.run_id
        for whose in (own, run.data.tags[HOME_TAG])
    )
    orchestrator.sync(home)
    stages = {one: mlflow.get_run(one).info.lifecycle_stage for one in (run_id, ours, theirs)}
    assert stages == {run_id: "active", ours: "deleted", theirs: "active"}


def test_a_run_that_mlflow_refuses_is_said_and_keeps_nobody_waiting(home: Path):
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        key = next(member.key for member in ledger.members("small") if member.phase == "fixed")
        ledger.to_tell("mlflow", f"trial:{key}")
        ledger.forget("mlflow-epochs", key)
    with sql(home) as database:
        database.execute("UPDATE params SET value = 'another' WHERE key = 'method' AND value = 'ce'")
    (problem,) = orchestrator.sync(home).problems
    assert f"MLflow does not take trial:{key}" in problem and "delete its run" in problem
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        assert [ref for _, ref in ledger.untold("mlflow")] == [f"trial:{key}"]


def test_a_run_looks_only_at_its_own_sweeps(home: Path):
    """What somebody has thrown away of another sweep stays away."""
    the_experiment_is_deleted(home)
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        target = MlflowTarget(tracking_uri(home), home, ledger, sweeps=["another"])
        assert target.verify() == []
        assert ledger.untold_count() == 0
    assert client(home).get_experiment_by_name("small").lifecycle_stage == "deleted"
