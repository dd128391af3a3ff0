"""The ledger: commits are whole, what is recorded stays, what has changed is told once."""

import sqlite3
from pathlib import Path

import pytest

from orchestrator.ledger.database import LedgerError
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import MemberRow, ProposalRow, TrialRow
from orchestrator.ledger.trials import EPOCH_GROUP


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path / "ledger.db", clock=lambda: 100.0, timer=lambda: 5.0)
    ledger.add_trials([TrialRow(key="a", config_key="c", spec={"seed": 0})])
    return ledger


def member(key: str) -> MemberRow:
    return MemberRow("cell", "kd", "kd", "fixed", None, 0, key)


def test_every_commit_is_synchronous(ledger: Ledger):
    assert ledger._db.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert ledger._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_an_error_in_a_transaction_leaves_nothing(ledger: Ledger):
    with pytest.raises(KeyError), ledger.transaction():
        ledger.start_attempt("a")
        raise KeyError
    assert ledger.trial("a").state == "WAITING"
    assert ledger.attempts("a") == []


def test_attempts_are_numbered_and_end_with_the_trial(ledger: Ledger):
    assert [ledger.start_attempt("a"), ledger.start_attempt("a")] == [1, 2]
    ledger.end_attempt("a", 2, "COMPLETE", metrics={"final_top1": 61.5})
    assert ledger.trial("a").state == "COMPLETE"
    assert ledger.trial("a").metrics == {"final_top1": 61.5}
    assert [attempt.state for attempt in ledger.attempts("a")] == ["RUNNING", "COMPLETE"]


def test_trials_and_members_are_recorded_once(ledger: Ledger):
    ledger.start_attempt("a")
    ledger.add_trials([TrialRow(key="a", config_key="other", spec={})])
    assert ledger.trial("a").config_key == "c"
    ledger.accept_sweep("s", "text", {})
    for _ in range(2):
        ledger.add_members("s", [member("a"), member("b")])
    assert [row.key for row in ledger.members("s")] == ["a", "b"]


def test_the_first_record_of_an_epoch_stays(ledger: Ledger):
    ledger.add_epoch("a", 1, 1, {"train_loss": 2.0})
    with ledger.transaction():
        pass
    ledger.add_epoch("a", 1, 2, {"train_loss": 3.0})
    with ledger.transaction():
        pass
    assert ledger.epochs("a") == [(1, 100.0, {"train_loss": 2.0})]


def test_epochs_are_written_in_groups(ledger: Ledger):
    for number in range(1, EPOCH_GROUP):
        ledger.add_epoch("a", number, 1, {})
    assert ledger.epochs("a") == []
    ledger.add_epoch("a", EPOCH_GROUP, 1, {})
    assert len(ledger.epochs("a")) == EPOCH_GROUP


def test_the_outbox_keeps_what_changes_while_it_is_told(ledger: Ledger):
    ledger.start_attempt("a")
    ((sequence, ref),) = ledger.untold("mlflow")
    ledger.end_attempt("a", 1, "COMPLETE")  # changes while it is being told
    ledger.mark_told(sequence)
    assert [ref for _, ref in ledger.untold("mlflow")] == [ref]
    ledger.mark_told(ledger.untold("mlflow")[0][0])
    assert ledger.untold_count() == 0


def test_what_a_dead_driver_left_running_is_interrupted(ledger: Ledger):
    ledger.start_attempt("a")
    assert ledger.interrupt_running() == 1
    assert ledger.trial("a").state == "INTERRUPTED"
    assert ledger.interrupt_running() == 0


def test_proposals_come_back_as_they_were(ledger: Ledger):
    row = ProposalRow(number=0, params={"k": 5, "w2": 0.1}, key="a")
    ledger.add_proposal("study", 0, row.params, row.key)
    row.state, row.value, row.rungs, row.attributes = "COMPLETE", 61.25, {1: 50.5}, {"completed_rung_0": 50.5}
    ledger.save_proposal("study", row)
    assert ledger.proposals("study") == [row]
    assert ledger.untold("optuna") == [(ledger.untold("optuna")[0][0], "study:0")]


def test_a_damaged_file_is_told_as_such(tmp_path: Path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"this is no database, whatever its name says" * 50)
    with pytest.raises(LedgerError, match=r"ledger\.db is not a readable ledger"):
        Ledger(path)


def test_a_newer_ledger_is_refused(tmp_path: Path):
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(LedgerError, match="newer"):
        Ledger(path)
