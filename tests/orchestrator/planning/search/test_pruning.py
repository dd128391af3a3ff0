"""Pruning at rungs: decided from known proposals only, recorded before it is told, the same after a kill."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.acceptance.accept import accept
from orchestrator.ledger import database
from orchestrator.ledger.database import LedgerError
from orchestrator.ledger.ledger import Ledger
from orchestrator.optuna_studies.live import LiveStudy
from orchestrator.planning.planner import Planner
from orchestrator.planning.search import search_run
from search_spaces import Search
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


@pytest.fixture(scope="module", params=["median", "halving"])
def sweep(request, tmp_path_factory: pytest.TempPathFactory):
    text = SWEEP.replace("sampler: tpe", f"sampler: random, pruner: {request.param}").replace("trials: 8", "trials: 16")
    return sweep_of(text, tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def undisturbed(sweep, tmp_path: Path):
    ledger = Ledger(tmp_path / "undisturbed.db")
    drive(new_planner(ledger, sweep))
    return content(ledger, sweep.name)


def test_some_are_pruned_at_a_rung_and_never_confirmed(sweep, undisturbed, tmp_path: Path):
    ledger = Ledger(tmp_path / "undisturbed.db")
    (search,) = sweep.searches
    pruned = [p for p in ledger.proposals(search.study_id) if p.state == "PRUNED"]
    assert pruned
    for proposal in pruned:
        epochs = [number for number, _, _ in ledger.epochs(proposal.key)]
        assert epochs[-1] in (2, 3)  # half and three quarters of four epochs
        assert proposal.value is None
        assert ledger.trial(proposal.key).state == "PRUNED"


@pytest.mark.parametrize("slots", [2, 5])
def test_any_number_of_slots_prunes_the_same(sweep, undisturbed, tmp_path: Path, slots):
    ledger = Ledger(tmp_path / "ledger.db")
    drive(new_planner(ledger, sweep), slots=slots)
    assert content(ledger, sweep.name) == undisturbed


def test_killed_at_every_commit_it_prunes_the_same(sweep, undisturbed, tmp_path: Path):
    at = 1
    while True:
        ledger = Ledger(tmp_path / "ledger.db", on_commit=kill_at(at))
        try:
            drive(new_planner(ledger, sweep), slots=2)
            break
        except Killed:
            ledger.close()
            at += 1
    assert content(ledger, sweep.name) == undisturbed


def test_asked_for_without_a_pruner_a_pruned_trial_goes_on(tmp_path: Path):
    few = SWEEP.replace(
        "k: {low: 1, high: 30, log: true}, w2: {low: 1, high: 16, log: true}", "k: {choice: [1, 2, 3, 5]}"
    )
    ledger = Ledger(tmp_path / "ledger.db")
    text = few.replace("sampler: tpe", "sampler: random, pruner: halving").replace("trials: 8", "trials: 30")
    drive(new_planner(ledger, sweep_of(text, tmp_path / "pruned")))
    pruned = {key for key, state in ledger.states().items() if state == "PRUNED"}
    handed = drive(new_planner(ledger, sweep_of(text.replace("pruner: halving", "pruner: none"), tmp_path / "plain")))
    again = {attempt.key: attempt.number for attempt in handed if attempt.phase == "search"}
    assert pruned
    assert again == dict.fromkeys(pruned, 2)
    assert set(ledger.states().values()) == {"COMPLETE"}


REPEATING = """
  gdkd (tuned): {method: gdkd, k: {choice: [1, 2, 3, 5, 8, 13]}}
  gdkd (both): {method: gdkd, k: {choice: [2, 3, 5]}, w2: {choice: [8, 4]}}
"""


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("pruner", ["median", "halving"])
def test_repeated_and_shared_proposals_do_not_depend_on_timing(pruner, seed, tmp_path: Path):
    """Two searches reach the same trials, each many times; whoever comes first, each decides as if it were alone."""
    text = SWEEP.split("methods:")[0] + "methods:" + REPEATING
    text += f"search: {{trials: 20, parallel: 4, sampler: random, pruner: {pruner}, seed: {seed}}}\nseeds: 1\n"
    sweep = sweep_of(text, tmp_path)
    results = []
    for slots in (1, 4, 4):
        ledger = Ledger(tmp_path / f"{len(results)}.db")
        drive_interleaved(new_planner(ledger, sweep), slots=slots, seed=seed + len(results))
        whole = content(ledger, sweep.name)
        confirmed = [member for member in whole["members"] if member[2] == "confirm"]  # type: ignore[attr-defined]
        results.append((whole["proposals"], confirmed))
    assert results[0] == results[1] == results[2]


def test_nothing_is_worked_out_while_others_wait_for_the_ledger(sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A sampler or a pruner may think for minutes: meanwhile others write, and look."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    other = Ledger(path)
    asked: list[str] = []

    def checked(name: str, action: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            asked.append(name)
            other.remember("other", "count", str(len(asked)))  # locked for nobody
            return action(*arguments)

        return run

    monkeypatch.setattr(LiveStudy, "propose", checked("propose", LiveStudy.propose))
    monkeypatch.setattr(search_run, "should_prune", checked("prune", search_run.should_prune))
    monkeypatch.setattr(Search, "confirmed", checked("confirm", Search.confirmed))
    drive(new_planner(ledger, sweep), slots=3)
    assert {"propose", "prune", "confirm"} == set(asked)
    other.close()


def test_going_on_writes_what_it_finds_in_one_commit(sweep, tmp_path: Path):
    drive(new_planner(Ledger(tmp_path / "ledger.db"), sweep), slots=3)
    ledger = Ledger(tmp_path / "ledger.db")
    accept(sweep, ledger)
    ledger.close()
    commits: list[str] = []
    ledger = Ledger(tmp_path / "ledger.db", on_commit=commits.append)
    planner = Planner([sweep], ledger, chance=lambda dataset: 1.0)
    assert planner.idle
    assert commits == ["before", "after"]
    assert {member.phase for member in ledger.members(sweep.name)} >= {"search", "confirm"}


def test_a_proposal_that_another_driver_made_is_found_out(sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ledger = Ledger(tmp_path / "ledger.db")
    planner = new_planner(ledger, sweep)
    search = sweep.searches[0]
    propose = LiveStudy.propose

    def overtaken(study: LiveStudy, number: int, earlier: Any) -> Any:
        Ledger(tmp_path / "ledger.db").add_proposal(search.study_id, number, {}, "another trial")
        return propose(study, number, earlier)

    monkeypatch.setattr(LiveStudy, "propose", overtaken)
    with pytest.raises(LedgerError, match="another driver has made proposal 0"):
        drive(planner)
