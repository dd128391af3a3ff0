"""Sweeps that grow and share: what has ended is not trained again, and it is said what came from where."""

from pathlib import Path

import pytest

from orchestrator.ledger.ledger import Ledger
from orchestrator.planning.planner import Planner
from orchestrator.sweep_run.beginning import what_there_is
from orchestrator.worker.attempts import Outcome
from search_spaces import Sweep
from tests.orchestrator.simulation import content, drive, new_planner, sweep_of

BASE = """
name: first
dataset: digits100
pairs: [tinyresnet -> tinycnn]
recipe: {base: digits, epochs: 4}
methods:
  ce:
  kd:
  gdkd (by k): {method: gdkd, k: {grid: [1, 5]}}
  gdkd (tuned): {method: gdkd, k: {low: 1, high: 30, log: true}, w0: 1.5}
search: {trials: 6, parallel: 2, sampler: tpe}
seeds: 2
"""

GROWN = {
    "a method": ("  kd:\n", "  kd:\n  dkd:\n", {"dkd": 2}),
    "a seed": ("seeds: 2", "seeds: 3", {"ce": 1, "kd": 1, "gdkd (by k)": 2, "gdkd (tuned)": 1}),
    "a grid value": ("[1, 5]", "[1, 5, 20]", {"gdkd (by k)": 2}),
    # the teacher is shared; ce needs none, so the second student alone is new for it
    "a pair": ("-> tinycnn]", "-> tinycnn, tinyresnet -> tinyresnet]", {"ce": 2, "kd": 2, "gdkd (by k)": 4}),
    "another order": ("  ce:\n  kd:\n", "  kd:\n  ce:\n", {}),
    "another name of a row": ("  kd:\n", "  kd (paper): {method: kd}\n", {}),
    "looks alone": ("seeds: 2", "seeds: 2\nreport: {digits: 2}\nresources: {cpus: 1}", {}),
}


@pytest.fixture
def ledger(home: Path) -> Ledger:
    home.mkdir()
    return Ledger(home / "ledger.db")


def trained(ledger: Ledger, *sweeps: Sweep) -> dict[str, int]:
    """Run the sweeps; return how many attempts each entry took."""
    counts: dict[str, int] = {}
    for attempt in drive(new_planner(ledger, *sweeps)):
        entry = str(ledger.trial(attempt.key).origin["entry"])
        counts[entry] = counts.get(entry, 0) + 1
    return counts


def said(ledger: Ledger, *sweeps: Sweep) -> str:
    new_planner(ledger, *sweeps)
    return "\n".join(line for sweep in sweeps for line in what_there_is(sweep, ledger, frozenset()))


@pytest.mark.parametrize("case", GROWN)
def test_only_what_is_new_is_trained(case, ledger, tmp_path):
    old, new, expected = GROWN[case]
    assert old in BASE
    trained(ledger, sweep_of(BASE, tmp_path))
    grown = sweep_of(BASE.replace(old, new), tmp_path)
    before = ledger.states()
    counts = trained(ledger, grown)
    if case == "a pair":  # a search of its own in the new cell: up to 6 proposals and 2 to confirm
        assert 3 <= counts.pop("gdkd (tuned)") <= 8
    assert counts == expected
    assert {key: state for key, state in ledger.states().items() if key in before} == before


def test_growing_gives_the_same_as_having_asked_for_all_at_once(ledger, home, tmp_path):
    whole = (
        BASE.replace("seeds: 2", "seeds: 3").replace("trials: 6", "trials: 10").replace("  kd:\n", "  kd:\n  dkd:\n")
    )
    trained(ledger, sweep_of(BASE, tmp_path))
    trained(ledger, sweep_of(whole, tmp_path))
    other = Ledger(home / "other.db")
    trained(other, sweep_of(whole, tmp_path))
    assert content(ledger, "first") == content(other, "first")


def test_more_trials_continue_a_search(ledger, tmp_path):
    trained(ledger, sweep_of(BASE, tmp_path))
    study = sweep_of(BASE, tmp_path).searches[0].study_id
    first = [(row.number, row.params, row.value) for row in ledger.proposals(study)]
    more = sweep_of(BASE.replace("trials: 6", "trials: 12"), tmp_path)
    assert more.searches[0].study_id == study
    trained(ledger, more)
    proposals = [(row.number, row.params, row.value) for row in ledger.proposals(study)]
    assert proposals[:6] == first
    assert len(proposals) == 12


def test_a_second_sweep_shares_teacher_and_baselines_and_says_so(ledger, tmp_path):
    trained(ledger, sweep_of(BASE, tmp_path))
    second = sweep_of(BASE.replace("name: first", "name: second").replace("  kd:\n", "  kd:\n  dkd:\n"), tmp_path)
    lines = said(ledger, second)
    assert "from sweep first (teacher, ce, kd, gdkd (by k) k=1, gdkd (by k) k=5, gdkd (tuned))" in lines
    assert "second: to train: 2 trials (dkd)" in lines
    assert trained(ledger, second) == {"dkd": 2}
    lines = said(ledger, second)
    assert "2 of its own" in lines
    assert "to train" not in lines


def test_a_fresh_sweep_says_what_it_will_do(ledger, tmp_path):
    line = "first: to train: 9 trials (teacher, ce, kd, gdkd (by k) k=1, gdkd (by k) k=5); "
    line += "gdkd (tuned): up to 6 more proposals, then 2 to confirm"
    assert said(ledger, sweep_of(BASE, tmp_path)).splitlines() == [line]


def test_a_race_is_told(ledger, tmp_path):
    race = sweep_of(BASE.replace("trials: 6", "trials: 6, race: 3"), tmp_path)
    assert "gdkd (tuned): up to 6 more proposals, then up to 4 in the race, then 2 to confirm" in said(ledger, race)


def test_what_is_left_of_a_search_is_counted_and_nothing_else(ledger, tmp_path):
    one = BASE.replace("seeds: 2", "seeds: 1").replace("trials: 6", "trials: 1").replace("parallel: 2", "parallel: 1")
    sweep = sweep_of(one, tmp_path)
    assert "gdkd (tuned): up to 1 more proposal, then 1 to confirm" in said(ledger, sweep)
    planner = new_planner(ledger, sweep)
    while (attempt := planner.next()).phase != "search":
        planner.ended(attempt, Outcome(ending="COMPLETE", metrics={"final_top1": 50.0}))
    lines = said(ledger, sweep)  # its only proposal has been made and is not trained
    assert "gdkd (tuned): 1 to confirm" in lines
    assert "proposal" not in lines and "0" not in lines.partition("to train")[2]
    assert "1 trial has ended before and is not trained again" in lines


def test_what_comes_from_the_tracking_store_is_said(ledger, tmp_path):
    sweep = sweep_of(BASE, tmp_path)
    taken = {member.key for member in sweep.fixed if member.row == "ce"}

    def adopt(key: str) -> bool:
        if key in taken:
            ledger.adopt_trial(key, "COMPLETE", {"final_top1": 50.0})
        return key in taken

    from orchestrator.acceptance.accept import accept

    accept(sweep, ledger)
    assert all(adopt(key) for key in taken)
    Planner([sweep], ledger, chance=lambda dataset: 1.0)
    lines = "\n".join(what_there_is(sweep, ledger, frozenset(taken)))
    assert "2 trials have ended before and are not trained again: 2 from the tracking store (ce)" in lines


def test_two_sweeps_in_one_run_train_what_they_share_once(ledger, tmp_path):
    first = sweep_of(BASE, tmp_path / "a")
    second = sweep_of(BASE.replace("name: first", "name: second").replace("  kd:\n", "  kd:\n  dkd:\n"), tmp_path / "b")
    attempts = drive(new_planner(ledger, first, second), slots=3)
    keys = [attempt.key for attempt in attempts]
    assert len(keys) == len(set(keys))
    assert {attempt.sweep for attempt in attempts} == {"first", "second"}
    for sweep in (first, second):
        members = ledger.members(sweep.name)
        assert {ledger.trial(member.key).state for member in members} == {"COMPLETE"}
    confirmed = {m.key for m in ledger.members("first") if m.phase == "confirm"}
    assert confirmed == {m.key for m in ledger.members("second") if m.phase == "confirm"}


def test_a_clock_that_is_set_back_changes_nothing(home, tmp_path):
    home.mkdir()
    sweep = sweep_of(BASE, tmp_path)
    results = []
    for name, times in (("forward.db", range(10**9, 2 * 10**9, 7)), ("back.db", range(2 * 10**9, 0, -86_400))):
        clock = iter(times)
        ledger = Ledger(home / name, clock=lambda clock=clock: float(next(clock)))
        drive(new_planner(ledger, sweep), slots=2)
        ledger.end_sweep("first", "COMPLETE")
        results.append(content(ledger, "first"))
        assert not any(row["state"] == "RUNNING" for row in ledger.rows("SELECT state FROM trial"))
    assert results[0] == results[1]
