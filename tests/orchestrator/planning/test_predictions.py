"""Whose predictions are kept: of everything that is scored on test images, where the sweep and their size let it."""

from pathlib import Path

import pytest

from orchestrator.ledger.ledger import Ledger
from orchestrator.planning.planner import Planner
from orchestrator.worker.attempts import Attempt
from tests.orchestrator.simulation import SWEEP, content, drive, new_planner, run_trial, sweep_of
from trainers.trials.trial import trial_key


def attempts(planner: Planner) -> list[Attempt]:
    found = []
    while isinstance(attempt := planner.next(), Attempt):
        found.append(attempt)
        run_trial(planner, attempt, lambda _attempt: None)
    return found


def test_of_all_but_proposals(tmp_path: Path):
    found = attempts(new_planner(Ledger(tmp_path / "ledger.db"), sweep_of(SWEEP, tmp_path)))
    assert {attempt.phase for attempt in found} == {"teacher", "fixed", "search", "confirm"}
    assert all(attempt.predictions == (attempt.phase != "search") for attempt in found)


@pytest.mark.parametrize("asked", ["on", "off"])
def test_as_the_sweep_says_and_no_key_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str):
    usual, other = Ledger(tmp_path / "usual.db"), Ledger(tmp_path / "other.db")
    drive(new_planner(usual, sweep := sweep_of(SWEEP, tmp_path)))
    monkeypatch.setattr("trainers.predictions.kept.MOST_BYTES", 1)
    found = attempts(new_planner(other, sweep_of(f"{SWEEP}predictions: {asked}\n", tmp_path)))
    assert {attempt.predictions for attempt in found if attempt.phase != "search"} == {asked == "on"}
    assert all(attempt.key == trial_key(attempt.trial) for attempt in found)
    assert content(other, sweep.name) == content(usual, sweep.name)


def test_too_large_ones_are_not_kept_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("trainers.predictions.kept.MOST_BYTES", 1)
    found = attempts(new_planner(Ledger(tmp_path / "ledger.db"), sweep_of(SWEEP, tmp_path)))
    assert not any(attempt.predictions for attempt in found)


@pytest.mark.parametrize("first", ["on", "off"])
def test_what_one_sweep_of_the_run_keeps_is_kept(tmp_path: Path, first: str):
    ledger, other = Ledger(tmp_path / "ledger.db"), "off" if first == "on" else "on"
    texts = (f"{SWEEP}predictions: {first}\n", f"{SWEEP}predictions: {other}\n".replace("name: ", "name: other_"))
    found = attempts(new_planner(ledger, *(sweep_of(text, tmp_path) for text in texts)))
    assert all(attempt.predictions == (attempt.phase != "search") for attempt in found)
