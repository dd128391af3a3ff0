"""The planner: order, states, attempts, searches; killed at every commit; one slot or many: the same."""

from pathlib import Path

import pytest

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import ENDED
from orchestrator.planning.planner import MAX_LOST_IN_A_ROW
from orchestrator.worker.attempts import Attempt, Outcome, Signal
from tests.orchestrator.simulation import SWEEP, Killed, content, drive, kill_at, new_planner, run_trial, sweep_of
from trainers.trials.trial import trial_key


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory):
    return sweep_of(SWEEP, tmp_path_factory.mktemp("sweep"))


def failing(ending: str, *, phase: str = "", method: str = ""):
    def choose(attempt: Attempt) -> Outcome | None:
        hit = (not phase or attempt.phase == phase) and (not method or attempt.trial.method == method)
        return Outcome(ending=ending, reason="because") if hit else None

    return choose


def test_everything_ends_once(sweep, ledger):
    handed = drive(new_planner(ledger, sweep))
    keys = [attempt.key for attempt in handed]
    assert len(keys) == len(set(keys))
    assert set(ledger.states().values()) == {"COMPLETE"}
    # a teacher, ce, kd and two k over 2 seeds, 8 proposals, one setting confirmed over 2 seeds
    assert len(keys) == 1 + 4 * 2 + len({m.key for m in ledger.members("small") if m.phase == "search"}) + 2


def test_teachers_come_first_and_students_wait_for_them(sweep, ledger):
    planner = new_planner(ledger, sweep)
    first = planner.next()
    others = []
    while isinstance(step := planner.next(), Attempt):
        others.append(step)
    assert first.phase == "teacher"
    assert {attempt.trial.method for attempt in others} == {"ce"}
    assert step is Signal.WAIT


def test_the_same_again_trains_nothing(sweep, ledger):
    drive(new_planner(ledger, sweep))
    before = content(ledger, sweep.name)
    assert drive(new_planner(ledger, sweep)) == []
    assert content(ledger, sweep.name) == before


@pytest.mark.parametrize("slots", [2, 3, 20])
def test_any_number_of_slots_gives_the_same(sweep, ledger, undisturbed, slots):
    drive(new_planner(ledger, sweep), slots=slots)
    assert content(ledger, sweep.name) == undisturbed


def test_killed_at_every_commit_it_ends_the_same(sweep, tmp_path: Path, undisturbed):
    path = tmp_path / "ledger.db"
    at, kills = 1, 0
    while True:
        ledger = Ledger(path, on_commit=kill_at(at))
        try:
            drive(new_planner(ledger, sweep), slots=2)
        except Killed:
            ledger.close()
            kills, at = kills + 1, at + 1  # later every time, so that each run gets further and dies elsewhere
            continue
        break
    assert kills > 20
    assert content(ledger, sweep.name) == undisturbed
    assert set(ledger.states().values()) <= ENDED


@pytest.mark.parametrize("at", [3, 10, 40, 70, 100])
def test_killed_once_it_ends_the_same(sweep, tmp_path: Path, undisturbed, at):
    first = Ledger(tmp_path / "ledger.db", on_commit=kill_at(at))
    with pytest.raises(Killed):
        drive(new_planner(first, sweep), slots=2)
    first.close()
    ledger = Ledger(tmp_path / "ledger.db")
    drive(new_planner(ledger, sweep))
    assert content(ledger, sweep.name) == undisturbed


def test_a_lost_worker_gets_a_new_attempt_and_three_in_a_row_are_a_fail(sweep, ledger):
    planner = new_planner(ledger, sweep)
    for number in range(1, MAX_LOST_IN_A_ROW + 1):
        attempt = planner.next()
        assert (attempt.phase, attempt.number) == ("teacher", number)
        planner.ended(attempt, Outcome(ending="LOST", reason="the machine went away"))
    row = ledger.trial(attempt.key)
    assert row.state == "FAIL"
    assert "the machine went away" in row.reason


def test_an_epoch_between_makes_losses_start_over(sweep, ledger):
    planner = new_planner(ledger, sweep)
    for epoch in range(1, 2 * MAX_LOST_IN_A_ROW):
        attempt = planner.next()
        planner.epoch(attempt, epoch, {"test_top1": 1.0})
        planner.ended(attempt, Outcome(ending="LOST"))
    assert ledger.trial(attempt.key).state == "INTERRUPTED"


def test_a_cluster_that_dies_counts_against_no_trial(sweep, ledger):
    planner = new_planner(ledger, sweep)
    for _ in range(2 * MAX_LOST_IN_A_ROW):
        attempt = planner.next()
        planner.ended(attempt, Outcome(ending="LOST", reason="the Ray cluster died", innocent=True))
    assert ledger.trial(attempt.key).state == "INTERRUPTED"


def test_a_late_report_of_an_old_attempt_is_refused(sweep, ledger):
    planner = new_planner(ledger, sweep)
    old = planner.next()
    planner.ended(old, Outcome(ending="LOST"))
    new = planner.next()
    planner.ended(old, Outcome(ending="COMPLETE", metrics={"final_top1": 99.0}))
    assert ledger.trial(old.key).state == "RUNNING"
    run_trial(planner, new, lambda attempt: None)
    assert ledger.trial(old.key).metrics["final_top1"] < 99


def test_a_failed_teacher_keeps_its_students_from_starting(sweep, ledger):
    planner = new_planner(ledger, sweep)
    handed = drive(planner, ending=failing("FAIL", phase="teacher"))
    assert {attempt.trial.method for attempt in handed if attempt.phase != "teacher"} == {"ce"}
    waiting = [key for key, state in ledger.states().items() if state == "WAITING"]
    assert len(waiting) == 3 * 2


def test_a_fail_is_tried_again_by_the_next_run_and_ends_the_same(sweep, ledger, undisturbed):
    drive(new_planner(ledger, sweep), ending=failing("FAIL", method="kd"))
    assert list(ledger.states().values()).count("FAIL") == 2
    handed = drive(new_planner(ledger, sweep))
    assert [attempt.trial.method for attempt in handed] == ["kd", "kd"]
    assert content(ledger, sweep.name) == undisturbed


def test_a_diverged_trial_is_a_result(sweep, ledger):
    drive(new_planner(ledger, sweep), ending=failing("DIVERGED", method="kd"))
    assert list(ledger.states().values()).count("DIVERGED") == 2
    assert drive(new_planner(ledger, sweep)) == []


def test_a_diverged_proposal_counts_as_chance(sweep, ledger):
    drive(new_planner(ledger, sweep), ending=failing("DIVERGED", phase="search"))
    (search,) = sweep.searches
    proposals = ledger.proposals(search.study_id)
    assert {(p.state, p.value) for p in proposals} == {("DIVERGED", 1.0)}
    assert not [m for m in ledger.members("small") if m.phase == "confirm"]


def test_stopping_leaves_running_trials_interrupted_and_resumable(sweep, ledger, undisturbed):
    planner = new_planner(ledger, sweep)
    attempt = planner.next()
    planner.stopping = True
    run_trial(planner, attempt, lambda attempt: None)
    assert planner.next() is Signal.DONE
    assert ledger.trial(attempt.key).state == "INTERRUPTED"
    drive(new_planner(ledger, sweep))
    assert content(ledger, sweep.name) == undisturbed


def test_the_best_by_validation_is_confirmed_over_all_seeds(sweep, ledger):
    drive(new_planner(ledger, sweep))
    (search,) = sweep.searches
    best = max(ledger.proposals(search.study_id), key=lambda p: (p.value, -p.number))
    confirmed = [m for m in ledger.members("small") if m.phase == "confirm"]
    assert [m.key for m in confirmed] == [trial_key(m.trial) for m in search.confirmed(best.params, 1)]
    assert {m.seed for m in confirmed} == {0, 1}
    assert {ledger.trial(m.key).spec["split"] for m in confirmed} == {"full"}


def test_two_sweeps_share_trials(sweep, tmp_path: Path, ledger):
    other = sweep_of(SWEEP.replace("name: small", "name: other").replace("  ce:\n", "  ce:\n  dkd:\n"), tmp_path / "o")
    drive(new_planner(ledger, sweep))
    handed = drive(new_planner(ledger, other))
    assert [attempt.trial.method for attempt in handed] == ["dkd", "dkd"]


def test_more_trials_continue_a_search(sweep, tmp_path: Path, ledger):
    drive(new_planner(ledger, sweep))
    (search,) = sweep.searches
    before = ledger.proposals(search.study_id)
    longer = sweep_of(SWEEP.replace("trials: 8", "trials: 12"), tmp_path / "longer")
    drive(new_planner(ledger, longer))
    after = ledger.proposals(longer.searches[0].study_id)
    assert after[: len(before)] == before
    assert len(after) == 12
