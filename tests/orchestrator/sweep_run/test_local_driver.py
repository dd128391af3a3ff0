"""The driver in this process: what the trial raises is its failure, what the driver raises ends the run."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.commands import run as running
from orchestrator.ledger import database, trials
from orchestrator.ledger.database import LedgerWriteError
from orchestrator.ledger.ledger import Ledger
from orchestrator.planning.planner import Planner
from orchestrator.sweep_run import local_driver
from orchestrator.worker import worker
from orchestrator.worker.attempts import Attempt, Report, Verdict
from orchestrator.worker.worker import Order, make_order
from tests.orchestrator.simulation import new_planner, sweep_of

SWEEP = """
name: alone
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 2}
methods: {ce: }
seeds: 1
"""


@pytest.fixture
def planner(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planner:
    monkeypatch.chdir(tmp_path)
    home.mkdir()
    return new_planner(Ledger(home / "ledger.db"), sweep_of(SWEEP, tmp_path / "file"))


def order_for(attempt: Attempt) -> Order:
    return make_order(attempt, home=Path("nowhere"), threads=1, device="cpu")


def trains(monkeypatch: pytest.MonkeyPatch, before: Any = lambda number: None) -> list[str]:
    """Put a training of two epochs in the place of every trial; return what is noted of its end."""
    noted: list[str] = []

    def epochs(order: Order, store: object, on_step: Any, *_: object) -> Iterator[Report]:
        try:
            for number in (1, 2):
                before(number)
                on_step()
                ending = "COMPLETE" if number == 2 else ""
                yield Report(number=number, values={"test_top1": 50.0}, ending=ending, metrics={"final_top1": 50.0})
        finally:
            noted.append("closed")

    monkeypatch.setattr(worker, "_epochs", epochs)
    return noted


def states(planner: Planner) -> set[str]:
    return set(planner._ledger.states().values())


def test_what_the_trial_raises_is_its_failure(planner, monkeypatch):
    def broken(number: int) -> None:
        raise OSError("no more pictures")

    trains(monkeypatch, broken)
    local_driver.drive(planner, order_for)
    assert states(planner) == {"FAIL"}
    ((_, text),) = planner._ledger.rows("SELECT key, reason FROM trial")
    assert "OSError: no more pictures" in text


@pytest.mark.parametrize("where", ["epoch", "reported", "ended", "next"])
@pytest.mark.parametrize("error", [OSError("the planner's"), ValueError("the planner's"), LedgerWriteError("locked")])
def test_what_the_driver_raises_is_no_failure_of_the_trial(planner, monkeypatch, where, error):
    def broken(*_: object, **__: object) -> Verdict:
        raise error

    noted = trains(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(planner, where, broken)
        with pytest.raises(type(error), match=str(error)):
            local_driver.drive(planner, order_for)
    assert "FAIL" not in states(planner)
    assert noted == ([] if where == "next" else ["closed"])
    planner.interrupt()
    assert states(planner) <= {"WAITING", "INTERRUPTED"}


def test_what_the_driver_raises_in_a_step_is_no_failure_of_the_trial(planner, monkeypatch):
    def clock() -> float:
        raise OSError("the driver's clock")

    trains(monkeypatch, lambda number: planner.stop())
    with pytest.raises(OSError, match="the driver's clock"):
        local_driver.drive(planner, order_for, clock=clock)
    assert states(planner) == {"RUNNING"}


@pytest.mark.slow  # a minute: what cannot be told is waited for that long
def test_a_locked_ledger_ends_the_run_and_the_next_one_goes_on(home, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(trials, "EPOCH_GROUP", 1)
    file = tmp_path / "alone.yaml"
    file.write_text(SWEEP)
    with contextlib.closing(sqlite3.connect(home.parent / "other.db")):
        pass
    holding: list[sqlite3.Connection] = []

    def lock(number: int) -> None:
        connection = sqlite3.connect(home / "ledger.db", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        holding.append(connection)

    trains(monkeypatch, lock)
    result = running.run([file], home=home, workers=0)
    assert result.exit_code == 1
    assert any("ledger.db cannot be written: database is locked" in problem for problem in result.problems)
    for connection in holding:
        connection.close()
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        assert set(ledger.states().values()) == {"RUNNING"}  # the lock kept its end from being recorded
    trains(monkeypatch)
    assert running.run([file], home=home, workers=0).exit_code == 0


def test_a_ledger_that_cannot_be_read_is_told_as_such(home, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(database, "is_network", lambda folder: True)  # no write-ahead log: a writer keeps readers out
    home.mkdir()
    ledger = Ledger(home / "ledger.db")
    with contextlib.closing(sqlite3.connect(home / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerWriteError, match=r"ledger\.db cannot be read: database is locked"):
            ledger.states()
