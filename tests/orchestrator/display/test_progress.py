"""How far a sweep is: counts by row, work that is left, problems; and the same from another process."""

import json
from pathlib import Path

import pytest

from orchestrator.commands.status import UnknownSweepError, list_text, status, sweeps
from orchestrator.display.progress import Counts, Kind, Pace, busy_workers, left_seconds, sweep_progress
from orchestrator.ledger.ledger import Ledger
from orchestrator.worker.attempts import Attempt, Outcome, Signal
from search_spaces import Sweep
from tests.orchestrator.simulation import SWEEP, drive, new_planner, sweep_of


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return sweep_of(SWEEP, tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def ledger(home: Path) -> Ledger:
    home.mkdir()
    return Ledger(home / "ledger.db")


def timed(attempt: Attempt) -> Outcome:
    """Every trial takes two seconds an epoch; the first ce fails, the second kd diverges."""
    if attempt.trial.method == "ce" and attempt.trial.seed == 0 and attempt.phase == "fixed":
        return Outcome(ending="FAIL", reason="Traceback\n  it\nValueError: broken")
    if attempt.trial.method == "kd" and attempt.trial.seed == 1:
        return Outcome(ending="DIVERGED", reason="the loss is not finite")
    final = "final_val_top1" if attempt.phase == "search" else "final_top1"
    metrics = {final: 50.0 + attempt.trial.seed % 10, "train_seconds": 2.0 * attempt.trial.recipe.epochs}
    return Outcome(ending="COMPLETE", metrics=metrics)


def test_before_anything_has_run_all_is_counted_and_no_time_is_guessed(sweep, ledger):
    new_planner(ledger, sweep)
    progress = sweep_progress(sweep, ledger)
    # teacher, ce, kd, gdkd k=1 and k=5 over 2 seeds, 8 proposals, 2 to confirm; 2 proposals are known already
    assert progress.counts == Counts(total=1 + 4 * 2 + 8 + 2)
    assert {row.row: row.counts.total for row in progress.rows} == {
        "teacher": 1,
        "ce": 2,
        "kd": 2,
        "gdkd (by k) k=1": 2,
        "gdkd (by k) k=5": 2,
        "gdkd (tuned)": 10,
    }
    assert progress.work_seconds is None


def test_in_the_middle_rows_and_work_are_told(sweep, ledger):
    planner = new_planner(ledger, sweep)
    teacher = planner.next()
    planner.ended(teacher, timed(teacher))
    running = planner.next()
    assert running.phase == "search"
    planner.has_worker(running)
    planner.epoch(running, 1, {"val_top1": 30.0})
    with ledger.transaction():
        pass
    progress = sweep_progress(sweep, ledger)
    assert (progress.counts.done, progress.counts.running, progress.counts.failed) == (1, 1, 0)
    # 18 students of 4 epochs at the teacher's pace of 2 s, less the one epoch that is done
    assert progress.work_seconds == pytest.approx(18 * 8 - 2)


def test_what_waits_for_a_worker_does_not_run(sweep, ledger, home):
    planner = new_planner(ledger, sweep)
    teacher = planner.next()
    planner.has_worker(teacher)
    planner.ended(teacher, timed(teacher))
    handed = [planner.next() for _ in range(4)]
    for attempt in handed[:2]:  # one worker trains two in step; the others wait
        planner.has_worker(attempt, 7)
    with ledger.transaction():
        pass
    progress = sweep_progress(sweep, ledger)
    assert progress.counts.running == 2
    assert busy_workers(ledger) == 1
    assert sum(row.counts.running for row in progress.rows) == 2
    assert {ledger.trial(attempt.key).state for attempt in handed} == {"RUNNING"}
    planner.ended(handed[0], timed(handed[0]))
    assert sweep_progress(sweep, ledger).counts.running == 1


def test_a_total_that_falls_has_a_reason(tmp_path, ledger):
    text = SWEEP.replace("k: {low: 1, high: 30, log: true}, w2: {low: 1, high: 16, log: true}", "k: {choice: [1, 2]}")
    few = sweep_of(text, tmp_path)
    planner = new_planner(ledger, few)
    before = sweep_progress(few, ledger)
    assert before.planned == before.counts.total == 1 + 4 * 2 + 8 + 2
    drive(planner)
    after = sweep_progress(few, ledger)
    assert after.planned == before.planned
    assert after.counts.total == len(ledger.states()) < after.planned
    ledger.end_sweep("small", "COMPLETE")
    found = status("small", ledger.path.parent)
    made = [row.key for row in ledger.proposals(few.searches[0].study_id)]
    assert after.repeated == len(made) - len(set(made)) == after.planned - after.counts.total
    fall = f"  {after.repeated} fewer than planned: {after.repeated} of 8 proposals repeated earlier ones"
    assert fall in found.to_text().splitlines()
    assert found.to_json()["proposals"] == {"made": 8, "repeated": after.repeated}
    assert found.to_json()["planned"] == after.planned


def test_at_the_end_what_failed_is_not_done_and_the_best_is_told(sweep, ledger):
    drive(new_planner(ledger, sweep), ending=timed)
    progress = sweep_progress(sweep, ledger)
    rows = {row.row: row for row in progress.rows}
    assert rows["ce"].counts == Counts(total=2, done=1, failed=1)
    assert rows["kd"].counts == Counts(total=2, done=1, failed=1)
    assert (rows["ce"].best, rows["ce"].on_test) == (51.0, True)
    assert progress.counts.open == 0
    assert progress.work_seconds == 0
    assert progress.problems == (
        "FAIL: ce, seed 0: ValueError: broken",
        "DIVERGED: kd, seed 1: the loss is not finite",
    )


def test_a_lost_worker_and_a_notice_are_problems(sweep, ledger):
    planner = new_planner(ledger, sweep)
    attempt = planner.next()
    planner.notice(attempt, "no checkpoint could be written")
    planner.ended(attempt, Outcome(ending="LOST", reason="the worker died"))
    assert sorted(sweep_progress(sweep, ledger).problems) == [
        "LOST: teacher, seed 0: the worker died",
        "note: teacher, seed 0: no checkpoint could be written",
    ]


def test_a_pace_is_taken_from_the_most_alike():
    gdkd = Kind("cifar100", "resnet8x4", "gdkd", "full")
    pace = Pace({gdkd: 2.0, gdkd._replace(split="search"): 1.0, gdkd._replace(student="vgg8"): 30.0})
    assert pace.epoch_seconds(gdkd) == 2.0
    assert pace.epoch_seconds(gdkd._replace(method="kd")) == 1.5
    assert pace.epoch_seconds(gdkd._replace(student="wrn_16_2")) == 11.0
    assert Pace({}).epoch_seconds(gdkd) is None


def test_the_time_left_is_taken_from_the_runs_own_speed(home: Path):
    home.mkdir()
    now = [1000.0]
    ledger = Ledger(home / "ledger.db", timer=lambda: now[0])
    ledger.begin_run()
    from orchestrator.ledger.records import TrialRow

    ledger.add_trials([TrialRow(key="a", config_key="c", spec={})])
    assert left_seconds(100.0, ledger, slots=4, elapsed_seconds=1.0) == 25.0
    number = ledger.start_attempt("a")
    now[0] = 1050.0
    ledger.end_attempt("a", number, "COMPLETE", metrics={"train_seconds": 100.0})
    now[0] = 1100.0
    assert left_seconds(100.0, ledger, slots=4, elapsed_seconds=100.0) == 100.0  # one second of work a second
    assert left_seconds(None, ledger, slots=4, elapsed_seconds=100.0) is None
    assert left_seconds(100.0, ledger, slots=0, elapsed_seconds=100.0) is None


def test_status_and_list_from_another_process(sweep, ledger, home):
    planner = new_planner(ledger, sweep)
    attempt = planner.next()
    assert isinstance(attempt, Attempt)
    found = status("small", home)
    assert found.state == "INTERRUPTED"  # the ledger says RUNNING, but nobody holds the home
    assert "its driver is gone" in found.to_text()
    planner.ended(attempt, timed(attempt))
    drive(planner, ending=timed)
    assert planner.next() is Signal.DONE
    ledger.end_sweep("small", "FAIL")
    content = json.loads(json.dumps(status("small", home).to_json()))
    assert content["state"] == "FAIL"
    assert content["trials"] == {"total": 19, "done": 17, "running": 0, "failed": 2}
    assert content["driver"] is None
    assert all(len(line) <= 80 for line in status("small", home).to_text(80).splitlines())
    assert "small" in list_text(sweeps(home))
    for near in ("smal", "search_spaces/small.yaml", "small.yml"):
        with pytest.raises(UnknownSweepError, match="did you mean 'small'"):
            status(near, home)


def test_a_sweep_named_like_a_file(ledger, home, tmp_path):
    named = sweep_of(SWEEP.replace("name: small", "name: small.yaml"), tmp_path)
    new_planner(ledger, named)
    assert status("small.yaml", home).progress.name == "small.yaml"


def test_status_of_a_home_that_is_not_there_makes_none(home):
    with pytest.raises(UnknownSweepError, match="no sweep has been run"):
        sweeps(home)
    assert not home.exists()
