"""Telling MLflow and Optuna: everything once, however often it is told; a target that is away is caught up with."""

import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import optuna
import pytest

from orchestrator.acceptance.accept import Adoption, adopt
from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import MlflowTarget, TrackingError, check_answers, tracking_uri
from orchestrator.mlflow_store.location import ensure_database
from orchestrator.optuna_studies.mirror import OptunaTarget, storage_url
from orchestrator.outbox.telling import SWEEP_EVERY_SECONDS, RefusedError, Teller
from orchestrator.worker.attempts import Attempt, Outcome
from tests.orchestrator.simulation import SWEEP, drive, new_planner, sweep_of


@pytest.fixture(scope="session")
def sweep(tmp_path_factory: pytest.TempPathFactory):
    text = SWEEP.replace("sampler: tpe", "sampler: random, pruner: median").replace("trials: 8", "trials: 12")
    return sweep_of(text, tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def ledger(home: Path, empty_store: Path):
    home.mkdir()
    shutil.copy(empty_store, home / "mlflow.db")
    return Ledger(home / "ledger.db")


def some_trouble(attempt: Attempt) -> Outcome | None:
    """The kd trials diverge, the first ce fails."""
    if attempt.trial.method == "kd":
        return Outcome(ending="DIVERGED", reason="the loss is not finite")
    if attempt.trial.method == "ce" and attempt.trial.seed == 0 and attempt.phase == "fixed":
        return Outcome(ending="FAIL", reason="Traceback: it broke")
    return None


def tell_everything(ledger: Ledger, home: Path) -> None:
    targets = {
        "mlflow": lambda own: MlflowTarget(tracking_uri(home), home, own),
        "optuna": lambda own: OptunaTarget(storage_url(home, None), own),
    }
    for name, target in targets.items():
        teller = Teller(name, ledger.path, target)
        teller.start()
        assert teller.drain(60), teller.problem


def read(home: Path, sql: str) -> list[tuple]:
    connection = sqlite3.connect(home / "mlflow.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


TAG = "SELECT t.value, r.status FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = '{}'"


def test_one_run_a_key_with_the_states_as_mapped(sweep, ledger, home):
    drive(new_planner(ledger, sweep), ending=some_trouble)
    ledger.end_sweep(sweep.name, "FAIL")
    tell_everything(ledger, home)
    keys = [key for key, _ in read(home, TAG.format("trial_key"))]
    assert sorted(keys) == sorted(ledger.states())
    mapped = {(state, status) for state, status in read(home, TAG.format("state"))}
    assert mapped == {("COMPLETE", "FINISHED"), ("PRUNED", "KILLED"), ("DIVERGED", "FAILED"), ("FAIL", "FAILED")}
    assert read(home, "SELECT count(*) FROM runs WHERE status = 'RUNNING'") == [(0,)]


def test_telling_twice_changes_nothing(sweep, ledger, home):
    drive(new_planner(ledger, sweep))
    ledger.end_sweep(sweep.name, "COMPLETE")
    tell_everything(ledger, home)
    tables = ("runs", "params", "tags", "metrics", "latest_metrics", "experiments")
    before = {table: read(home, f"SELECT count(*) FROM {table}") for table in tables}
    studies = optuna.get_all_study_summaries(storage_url(home, None))
    # as if every mark of what has been told had been lost in a kill
    with ledger.transaction():
        ledger._db.execute("DELETE FROM told")
        for key in ledger.states():
            ledger.to_tell("mlflow", f"trial:{key}")
        ledger.to_tell("mlflow", f"sweep:{sweep.name}")
        for number in range(12):
            ledger.to_tell("optuna", f"{sweep.searches[0].study_id}:{number}")
    tell_everything(ledger, home)
    assert {table: read(home, f"SELECT count(*) FROM {table}") for table in tables} == before
    assert [s.n_trials for s in optuna.get_all_study_summaries(storage_url(home, None))] == [
        s.n_trials for s in studies
    ]


def test_a_run_holds_what_its_key_decides_and_where_it_ran(sweep, ledger, home):
    drive(new_planner(ledger, sweep))
    ledger.end_sweep(sweep.name, "COMPLETE")
    tell_everything(ledger, home)
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri(home))
    experiment = client.get_experiment_by_name("small")
    (parent,) = client.search_runs([experiment.experiment_id], "tags.kind = 'sweep'")
    member = next(m for m in ledger.members("small") if m.row == "gdkd (by k) k=5" and m.seed == 1)
    (run,) = client.search_runs([experiment.experiment_id], f"tags.trial_key = '{member.key}'")
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert run.data.params["method"] == "gdkd"
    assert run.data.params["method.k"] == "5"
    assert run.data.params["method.w2"] == "8.0"
    assert run.data.params["recipe.epochs"] == "4"
    assert run.data.params["teacher"] == "cifar_tinyresnet"
    for tag in ("config_key", "sweep", "entry", "cell", "phase", "mlflow.user", "mlflow.source.git.commit"):
        assert run.data.tags[tag]
    assert [m.step for m in client.get_metric_history(run.info.run_id, "test_top1")] == [1, 2, 3, 4]
    assert run.data.metrics["final_top1"] == ledger.trial(member.key).metrics["final_top1"]
    names = {artifact.path for artifact in client.list_artifacts(parent.info.run_id)}
    assert names == {"sweep.yaml", "resolved.yaml", "members.csv"}
    lines = client.download_artifacts(parent.info.run_id, "members.csv", str(home))
    header, *rows = Path(lines).read_text().splitlines()
    assert header == "cell,entry,row,phase,rank,seed,trial_key,run_id,experiment_id"
    assert len(rows) == len(ledger.members("small"))
    assert all(row.split(",")[7] for row in rows)


def test_one_optuna_trial_a_proposal(sweep, ledger, home):
    drive(new_planner(ledger, sweep), ending=lambda a: some_diverge(a, ledger))
    tell_everything(ledger, home)
    (summary,) = optuna.get_all_study_summaries(storage_url(home, None))
    study = optuna.load_study(study_name=summary.study_name, storage=storage_url(home, None))
    proposals = ledger.proposals(sweep.searches[0].study_id)
    told = {trial.user_attrs["proposal"]: trial for trial in study.trials}
    assert len(study.trials) == len(told) == len(proposals) == 12
    for proposal in proposals:
        trial = told[proposal.number]
        assert trial.params == proposal.params
        assert trial.user_attrs["state"] == proposal.state
        expected = "COMPLETE" if proposal.state == "COMPLETE" else "PRUNED"
        assert trial.state.name == expected
        assert trial.value == proposal.value if proposal.state == "COMPLETE" else True
    assert {p.state for p in proposals} == {"COMPLETE", "PRUNED", "DIVERGED"}


def some_diverge(attempt: Attempt, ledger: Ledger) -> Outcome | None:
    first = attempt.phase == "search" and not any(state == "DIVERGED" for state in ledger.states().values())
    return Outcome(ending="DIVERGED") if first else None


def test_a_target_that_is_away_loses_nothing(sweep, ledger, home):
    drive(new_planner(ledger, sweep))
    away = Teller("mlflow", ledger.path, lambda own: MlflowTarget("http://127.0.0.1:9", home, own))
    away.start()
    assert not away.drain(0.5)
    assert ledger.untold("mlflow")
    tell_everything(ledger, home)
    assert ledger.untold_count() == 0
    assert len(read(home, TAG.format("trial_key"))) == len(ledger.states())


def test_a_home_that_lost_its_ledger_takes_its_results_from_the_store(sweep, ledger, home):
    drive(new_planner(ledger, sweep))
    tell_everything(ledger, home)
    fixed = {member.key: ledger.trial(member.key).metrics for member in sweep.fixed}
    new = Ledger(home / "new.db")
    new_planner(new, sweep)
    assert adopt([sweep], Adoption(new, tracking_uri(home)), new) == len(fixed) + 1
    assert {key: new.trial(key).metrics for key in fixed} == fixed
    assert all(new.remembered("mlflow", f"trial:{key}") for key in fixed)
    for key in fixed:  # with the curves, for they may have to be told again
        assert new.epochs(key) == [(n, pytest.approx(at, abs=1e-3), values) for n, at, values in ledger.epochs(key)]
        before, after = ledger.trial(key), new.trial(key)
        assert (after.attempts, after.provenance, after.reason) == (before.attempts, before.provenance, before.reason)
        assert after.started_at == pytest.approx(before.started_at, abs=1e-3)
        assert after.ended_at == pytest.approx(before.ended_at, abs=1e-3)


def test_what_was_taken_from_one_store_is_told_to_another(sweep, ledger, home, empty_store, tmp_path):
    drive(new_planner(ledger, sweep), ending=some_trouble)
    tell_everything(ledger, home)
    curves = "SELECT t.value, m.key, m.step, m.timestamp, m.value FROM metrics m JOIN tags t USING (run_uuid) \
        WHERE t.key = 'trial_key' AND t.value IN ({}) ORDER BY 1, 2, 3"
    kept = ", ".join(f"'{key}'" for key, state in ledger.states().items() if state in ("COMPLETE", "DIVERGED"))
    before = read(home, curves.format(kept))
    new = Ledger(home / "new.db")
    new.retarget("mlflow", "one")
    planner = new_planner(new, sweep)
    adoption = Adoption(new, tracking_uri(home))
    assert adopt([sweep], adoption, new) > 0
    assert sum(adoption.take(key) for key in new.states()) == 0
    tell_everything(new, home)
    assert read(home, curves.format(kept)) == before  # to the store that has them, nothing is told again
    assert planner.idle is False
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(empty_store, other / "mlflow.db")
    new.retarget("mlflow", "two")
    tell_everything(new, other)
    taken = ", ".join(f"'{key}'" for key, state in new.states().items() if state in ("COMPLETE", "DIVERGED"))
    assert taken and read(other, curves.format(taken)) == read(home, curves.format(taken))
    states = {key: state for key, state in new.states().items() if state != "WAITING"}
    tagged = "SELECT k.value, s.value FROM tags k JOIN tags s USING (run_uuid) WHERE k.key = 'trial_key' \
        AND s.key = 'state'"
    assert dict(read(other, tagged)) == states


def test_a_store_that_does_not_answer_is_named_without_its_password():
    with pytest.raises(TrackingError, match=r"127\.0\.0\.1:9 does not answer") as caught:
        check_answers("http://someone:secret@127.0.0.1:9", patience_seconds=0)
    assert "secret" not in str(caught.value)


def test_a_database_is_made_whole_or_not_at_all(tmp_path: Path):
    ensure_database(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_a_store_that_has_moved_is_told_everything(sweep, ledger, home, empty_store):
    drive(new_planner(ledger, sweep))
    ledger.retarget("mlflow", "one")
    tell_everything(ledger, home)
    shutil.copy(empty_store, home / "mlflow.db")  # another store in its place
    ledger.retarget("mlflow", "one")
    assert ledger.untold("mlflow") == []
    ledger.retarget("mlflow", "two")
    tell_everything(ledger, home)
    assert sorted(key for key, _ in read(home, TAG.format("trial_key"))) == sorted(ledger.states())


def test_one_thing_that_cannot_be_told_does_not_hold_back_the_rest(ledger):
    told = []

    class Target:
        notes: ClassVar[list[str]] = []

        def verify(self) -> list[str]:
            return []

        def tell(self, ref: str) -> None:
            if ref.startswith("bad"):
                raise ValueError("no")
            told.append(ref)

        def settle(self) -> bool:
            return False

    for ref in ("bad1", "bad2", "bad3", "bad4", "good1", "sweep:s", "good2"):
        ledger.to_tell("somebody", ref)
    teller = Teller("somebody", ledger.path, lambda own: Target())
    teller.start()
    assert not teller.drain(4)
    assert sorted(told) == ["good1", "good2", "sweep:s"]
    assert teller.problem == "ValueError: no"
    assert [ref for _, ref in ledger.untold("somebody")] == ["bad1", "bad2", "bad3", "bad4"]


class Scripted:
    """A target that does as it is told to."""

    def __init__(self, tell: Callable[[str], None] = lambda ref: None, settle: Callable[[], bool] = lambda: False):
        self.tell = tell
        self.settle = settle
        self.verify = list
        self.notes = []


def a_teller(ledger: Ledger, target: Scripted) -> Teller:
    ledger.to_tell("somebody", "thing")
    return Teller("somebody", ledger.path, lambda own: target)


def test_the_end_of_a_run_ends_a_long_pause(ledger, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("orchestrator.outbox.telling.FIRST_PAUSE_SECONDS", 100.0)
    tried, away = threading.Event(), True

    def tell(ref: str) -> None:
        tried.set()
        if away:
            raise OSError("away")

    teller = a_teller(ledger, Scripted(tell))
    teller.start()
    assert tried.wait(10)
    away = False
    assert teller.drain(10)
    assert (teller.told, teller.problem) == (1, "")


@pytest.mark.parametrize("limits", [{"limit_seconds": 0.1}, {"give_up": lambda: True}])
def test_a_request_that_hangs_keeps_nobody_waiting_longer_than_the_limit(ledger, limits):
    hung, released = threading.Event(), threading.Event()

    def tell(ref: str) -> None:
        hung.set()
        released.wait(30)

    teller = a_teller(ledger, Scripted(tell))
    teller.start()
    assert hung.wait(10)
    assert not teller.drain(60, **limits)
    assert teller._thread.is_alive() and teller._thread.daemon
    assert ledger.untold("somebody")
    released.set()


def test_what_is_in_doubt_is_settled_at_the_end(ledger):
    answers = iter([True, True, False])
    teller = a_teller(ledger, Scripted(settle=lambda: next(answers)))
    teller.start()
    assert teller.drain(10)
    assert next(answers, None) is None


def test_a_doubt_that_is_too_fresh_for_the_time_left_is_no_problem(ledger):
    teller = a_teller(ledger, Scripted(settle=lambda: True))
    teller.start()
    while ledger.untold("somebody"):
        teller._thread.join(0.01)
    assert teller.drain(1, limit_seconds=1.0)


def test_what_is_refused_is_said_and_waited_for_by_nobody(ledger):
    told = []

    def tell(ref: str) -> None:
        if ref == "thing":
            raise RefusedError("it is somebody else's; rename it")
        told.append(ref)

    teller = a_teller(ledger, Scripted(tell))
    ledger.to_tell("somebody", "another")
    teller.start()
    teller._thread.join(0)
    assert not teller.drain(60)
    assert not teller._thread.is_alive()
    assert told == ["another"]
    assert teller.problem == "it is somebody else's; rename it"
    assert [ref for _, ref in ledger.untold("somebody")] == ["thing"]


def test_what_was_told_is_held_against_what_is_there_before_anything_is_told(ledger):
    order = []
    target = Scripted(order.append)
    answers = iter([OSError("away")])

    def verify() -> list[str]:
        for error in answers:
            raise error
        order.append("verified")
        return ["a run was gone"]

    target.verify = verify
    target.notes = ["and an experiment"]
    teller = a_teller(ledger, target)
    teller.start()
    assert teller.drain(60)
    assert order == ["verified", "thing"]
    assert teller.notes == ["a run was gone", "and an experiment"]


def test_a_target_that_is_away_and_has_nothing_to_be_told_keeps_nobody_waiting(ledger):
    target = Scripted()

    def verify() -> list[str]:
        raise OSError("away")

    target.verify = verify
    teller = Teller("nobody", ledger.path, lambda own: target)
    teller.start()
    assert teller.drain(60)
    assert (teller.problem, teller.notes) == ("", [])


def test_a_problem_is_told_in_one_line_without_a_password(ledger):
    def tell(ref: str) -> None:
        raise OSError("\nno way to http://someone:p%40ss@host/x\nTraceback and more")

    teller = a_teller(ledger, Scripted(tell))
    teller.start()
    assert not teller.drain(0.5)
    assert teller.problem == "OSError: no way to http://host/x"


def test_a_sweep_is_told_now_and_then_though_trials_never_cease(sweep, ledger):
    new_planner(ledger, sweep)
    now = [0.0]
    teller = Teller("mlflow", ledger.path, lambda own: MlflowTarget("", ledger.path.parent, own), clock=lambda: now[0])
    told = []
    for _ in range(7):
        ledger.to_tell("mlflow", "trial:a")
        ledger.to_tell("mlflow", f"sweep:{sweep.name}")
        told.append([ref.partition(":")[0] for _, ref in teller._batch(ledger)])
        now[0] += SWEEP_EVERY_SECONDS / 2 - 1
    assert [batch.count("sweep") for batch in told] == [1, 0, 0, 1, 0, 0, 1]
    assert told[0] == ["trial", "sweep"]  # its runs are listed there
    teller._final.set()
    assert "sweep" not in [ref.partition(":")[0] for _, ref in teller._batch(ledger)]  # not before its last trial
