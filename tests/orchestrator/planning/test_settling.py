"""Seeds until it is settled, planned: the same trials however many slots there are, killed or not."""

import hashlib
from collections import Counter
from pathlib import Path
from statistics import NormalDist

import pytest

from orchestrator.acceptance.left_behind import left_behind
from orchestrator.display.progress import sweep_progress
from orchestrator.ledger.ledger import Ledger
from orchestrator.worker.attempts import Attempt, Outcome
from reports.statistics.settling import follow
from tests.orchestrator import simulation
from tests.orchestrator.simulation import (
    SWEEP,
    Killed,
    content,
    drive,
    drive_interleaved,
    kill_at,
    new_planner,
    sweep_of,
)
from trainers.trials.trial import Trial, trial_key

SETTLED = SWEEP.replace("seeds: 2", "seeds: {first: 3, most: 12, settle: gdkd (tuned)}").replace(
    "  kd:", "  kd:\n  dkd:"
)
ABOVE = {"ce": -20.0, "kd": -1.6, "dkd": -0.8}
"""Points that methods have over gdkd."""


def accuracy(trial: Trial, epoch: int) -> float:
    """Return what a training would score: its method's level, and noise with a deviation of a point."""
    draw = int.from_bytes(hashlib.sha256(trial_key(trial).encode()).digest()[:4], "big")
    return 70.0 + ABOVE.get(trial.method, 0.0) + NormalDist().inv_cdf((draw + 0.5) / 2**32)


@pytest.fixture(autouse=True)
def effects(monkeypatch):
    monkeypatch.setattr(simulation, "accuracy", accuracy)


@pytest.fixture
def sweep(tmp_path: Path):
    return sweep_of(SETTLED, tmp_path)


@pytest.fixture
def ledger(tmp_path: Path):
    return Ledger(tmp_path / "ledger.db")


@pytest.fixture
def undisturbed(sweep, tmp_path: Path):
    ledger = Ledger(tmp_path / "undisturbed.db")
    drive(new_planner(ledger, sweep))
    return content(ledger, "small")


def seeds_by_row(ledger: Ledger, phases=("fixed", "confirm")) -> Counter[str]:
    return Counter(member.row for member in ledger.members("small") if member.phase in phases)


def test_rows_get_seeds_until_their_comparison_is_settled(sweep, ledger):
    drive(new_planner(ledger, sweep))
    seeds = seeds_by_row(ledger)
    assert set(seeds.values()) <= {3, 5, 8, 12}
    assert seeds["ce"] == 3  # far away, settled at once
    assert seeds["gdkd (tuned)"] == max(seeds.values()) > 3
    assert len(set(seeds.values())) > 2
    rows = {row: {} for row in seeds}
    for member in ledger.members("small"):
        if member.phase in ("fixed", "confirm"):
            rows[member.row][member.seed] = ledger.trial(member.key).metrics["final_top1"]
    found = follow(list(rows.values()), list(rows).index("gdkd (tuned)"), (3, 5, 8, 12), 0.05)
    assert {row: one.asked for row, one in zip(rows, found, strict=True)} == dict(seeds)
    assert all(sorted(of) == list(range(len(of))) for of in rows.values())


@pytest.mark.parametrize("slots", [2, 3, 50])
def test_any_number_of_slots_gives_the_same(sweep, ledger, undisturbed, slots):
    drive(new_planner(ledger, sweep), slots=slots)
    assert content(ledger, "small") == undisturbed


@pytest.mark.parametrize("seed", range(6))
def test_any_order_of_ends_gives_the_same(sweep, ledger, undisturbed, seed):
    drive_interleaved(new_planner(ledger, sweep), slots=5, seed=seed)
    assert content(ledger, "small") == undisturbed


def test_killed_at_every_commit_it_ends_the_same(sweep, tmp_path: Path, undisturbed):
    path, at, kills = tmp_path / "ledger.db", 1, 0
    while True:
        ledger = Ledger(path, on_commit=kill_at(at))
        try:
            drive(new_planner(ledger, sweep), slots=3)
        except Killed:
            kills, at = kills + 1, at + 1
            ledger.close()
            continue
        break
    assert kills > 20
    assert content(ledger, "small") == undisturbed


def test_the_same_again_trains_nothing(sweep, ledger):
    drive(new_planner(ledger, sweep))
    before = content(ledger, "small")
    assert drive(new_planner(ledger, sweep)) == []
    assert content(ledger, "small") == before
    assert not left_behind(sweep, ledger)
    progress = sweep_progress(sweep, ledger)
    assert progress.planned == progress.counts.total == progress.counts.done


def test_no_teacher_is_trained_for_more_seeds(sweep, ledger):
    drive(new_planner(ledger, sweep))
    assert sum(member.phase == "teacher" for member in ledger.members("small")) == 1


def test_a_look_waits_for_the_searches_of_the_cell(sweep, ledger):
    planner = new_planner(ledger, sweep)
    handed = drive(planner)
    added = [i for i, one in enumerate(handed) if one.trial.split == "full" and one.trial.seed >= 3]
    searching = [i for i, one in enumerate(handed) if one.phase == "search"]
    assert min(added) > max(searching)


def test_what_is_known_of_further_seeds_is_taken_and_asked_for_no_sooner(sweep, ledger, undisturbed, tmp_path):
    """Another sweep has trained twelve seeds of every fixed row before."""
    text = SETTLED.replace("name: small", "name: other").replace(
        "seeds: {first: 3, most: 12, settle: gdkd (tuned)}", "seeds: 12"
    )
    drive(new_planner(ledger, sweep_of(text, tmp_path / "other")))
    handed = drive(new_planner(ledger, sweep))
    assert all(one.phase in ("search", "confirm") for one in handed)
    assert content(ledger, "small") == undisturbed


def test_seeds_of_before_leave_the_sweep_where_they_are_not_needed(sweep, ledger, undisturbed, tmp_path):
    twelve = SETTLED.replace("{first: 3, most: 12, settle: gdkd (tuned)}", "12")
    drive(new_planner(ledger, sweep_of(twelve, tmp_path / "other")))
    assert drive(new_planner(ledger, sweep)) == []
    assert content(ledger, "small") == undisturbed


def ends(state: str, method: str, seeds) -> object:
    def ending(attempt: Attempt) -> Outcome | None:
        hit = attempt.trial.method == method and attempt.trial.split == "full" and attempt.trial.seed in seeds
        return Outcome(ending=state, reason="on purpose") if hit else None

    return ending


@pytest.mark.parametrize("state", ["DIVERGED", "FAIL"])
def test_a_row_that_has_nothing_gets_no_more_seeds(sweep, ledger, state):
    drive(new_planner(ledger, sweep), ending=ends(state, "dkd", range(12)))
    seeds = seeds_by_row(ledger)
    assert seeds["dkd"] == 3
    assert seeds["gdkd (tuned)"] > 3


def test_a_row_that_lost_one_seed_goes_on(sweep, ledger):
    drive(new_planner(ledger, sweep), ending=ends("DIVERGED", "kd", {1}))
    assert seeds_by_row(ledger)["kd"] > 3  # two of both tell nothing yet


def test_a_fail_is_tried_again_by_the_next_run_and_ends_the_same(sweep, ledger, undisturbed):
    drive(new_planner(ledger, sweep), slots=2, ending=ends("FAIL", "kd", {0, 1}))
    drive(new_planner(ledger, sweep))
    assert content(ledger, "small") == undisturbed


def test_where_the_declared_row_has_nothing_nobody_gets_more(tmp_path, ledger):
    sweep = sweep_of(SETTLED.replace("settle: gdkd (tuned)", "settle: kd"), tmp_path)
    drive(new_planner(ledger, sweep), ending=ends("DIVERGED", "kd", range(12)))
    assert set(seeds_by_row(ledger).values()) == {3}


def test_a_search_without_a_winner_holds_nobody_up(tmp_path, ledger):
    sweep = sweep_of(SETTLED.replace("settle: gdkd (tuned)", "settle: gdkd (by k)"), tmp_path)

    def ending(attempt: Attempt) -> Outcome | None:
        return Outcome(ending="FAIL", reason="on purpose") if attempt.phase == "search" else None

    drive(new_planner(ledger, sweep), ending=ending)
    seeds = seeds_by_row(ledger)
    assert "gdkd (tuned)" not in seeds
    assert seeds["gdkd (by k) k=1"] == max(seeds.values()) > 3


def test_a_declared_search_without_a_winner_adds_nothing(sweep, ledger):
    drive(
        new_planner(ledger, sweep),
        ending=lambda attempt: Outcome(ending="FAIL") if attempt.phase == "search" else None,
    )
    assert set(seeds_by_row(ledger).values()) == {3}


def test_rows_that_share_trainings_are_one_and_have_the_same_seeds(tmp_path, ledger):
    text = SETTLED.replace("  ce:", "  ce:\n  again: {method: kd}\n  same: {method: gdkd, k: 5}")
    sweep = sweep_of(text.replace("settle: gdkd (tuned)", "settle: same"), tmp_path)
    handed = drive(new_planner(ledger, sweep))
    assert len({one.key for one in handed}) == len(handed)
    seeds = seeds_by_row(ledger)
    assert seeds["again"] == seeds["kd"]
    assert seeds["gdkd (by k) k=5"] == seeds["same"] == max(seeds.values()) > 3


def test_every_pair_goes_its_own_way(tmp_path, ledger):
    text = SETTLED.replace(
        "pairs: tinyresnet -> tinycnn",
        "pairs: [tinyresnet -> tinycnn, tinycnn -> tinyresnet, tinyresnet -> tinyresnet]",
    )
    drive(new_planner(ledger, sweep_of(text, tmp_path)))
    every = {}
    for member in ledger.members("small"):
        if member.phase in ("fixed", "confirm"):
            every.setdefault((member.cell, member.row), set()).add(member.seed)
    assert all(seeds in [set(range(n)) for n in (3, 5, 8, 12)] for seeds in every.values())
    cells = {cell for cell, _ in every}
    assert len({tuple(len(every[cell, row]) for row in ("kd", "dkd", "gdkd (tuned)")) for cell in cells}) > 1


def test_only_the_best_of_those_confirmed_gets_more(tmp_path, ledger):
    sweep = sweep_of(SETTLED.replace("sampler: tpe", "sampler: tpe, confirm: 2"), tmp_path)
    drive(new_planner(ledger, sweep))
    ranks = Counter(member.rank for member in ledger.members("small") if member.phase == "confirm")
    assert ranks[1] > ranks[2] == 3
    proposals = {
        member.proposal for member in ledger.members("small") if member.phase == "confirm" and member.rank == 1
    }
    assert len(proposals) == 1
    assert None not in proposals
