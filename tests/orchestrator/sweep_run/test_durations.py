"""How long things took, by a clock that nobody can set, added up over attempts; what was reported is seen soon."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.commands.status import status
from orchestrator.display.progress import left_seconds
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import TrialRow
from orchestrator.ledger.trials import ELAPSED_SECONDS, EPOCH_GROUP, EPOCH_SECONDS
from orchestrator.mlflow_store import content
from orchestrator.sweep_run import local_driver
from orchestrator.worker import cohort
from orchestrator.worker.attempts import Report
from orchestrator.worker.worker import Order, make_order
from reports.stores import RunRecord
from tests.orchestrator.simulation import new_planner, sweep_of

TWO_DAYS = 2 * 86_400.0
SWEEP = """
name: alone
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 3}
methods: {ce: }
seeds: 1
"""


class Times:
    """A wall clock that can be set, and a timer that cannot."""

    def __init__(self) -> None:
        self.now = 0.0
        self.set_by = 1e9

    def wall(self) -> float:
        return self.now + self.set_by

    def timer(self) -> float:
        return self.now


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def ledger(home: Path, times: Times) -> Iterator[Ledger]:
    home.mkdir()
    with contextlib.closing(Ledger(home / "ledger.db", clock=times.wall, timer=times.timer)) as ledger:
        ledger.add_trials(
            [TrialRow(key="a", config_key="c", spec={"seed": 0, "role": "student", "teacher": None}, origin={})]
        )
        yield ledger


def seen(home: Path, key: str = "a") -> list[int]:
    """Return the epochs that another process sees now."""
    with contextlib.closing(Ledger(home / "ledger.db")) as other:
        return [number for number, _, _ in other.epochs(key)]


# --- epochs ----------------------------------------------------------------------------------------------------------


def test_a_lonely_epoch_is_seen_at_once(ledger, home, times):
    for number in (1, 2):
        times.now += 1200
        ledger.add_epoch("a", number, 1, {"test_top1": 1.0})
        assert seen(home)[-1] == number
        assert ledger.untold("mlflow")[-1][1] == "trial:a"


def test_epochs_that_come_quickly_are_written_together_and_the_last_one_soon(ledger, home, times):
    for number in range(1, 6):
        times.now += EPOCH_SECONDS / 10
        ledger.add_epoch("a", number, 1, {})
    assert seen(home) == []
    ledger.flush()
    assert seen(home) == []
    times.now += EPOCH_SECONDS  # nothing else happens
    ledger.flush()
    assert seen(home) == [1, 2, 3, 4, 5]
    for number in range(6, 6 + EPOCH_GROUP):
        ledger.add_epoch("a", number, 1, {})
    assert len(seen(home)) == 5 + EPOCH_GROUP


@pytest.mark.parametrize("jump", [-TWO_DAYS, TWO_DAYS])
def test_a_clock_that_is_set_keeps_no_epoch_back(ledger, home, times, jump):
    ledger.add_epoch("a", 1, 1, {})
    times.set_by += jump
    times.now += EPOCH_SECONDS
    ledger.flush()
    assert seen(home) == [1]


def test_the_driver_in_this_process_shows_an_epoch_while_the_next_one_trains(home, tmp_path, times, monkeypatch):
    home.mkdir()
    ledger = Ledger(home / "ledger.db", timer=times.timer)
    planner = new_planner(ledger, sweep_of(SWEEP, tmp_path))
    shown: list[list[int]] = []

    def order_steps(order: Order, on_step: Any = lambda: None, **_: Any) -> Iterator[Report]:
        for number in (1, 2, 3):
            for _ in range(4):  # steps, a second each
                times.now += EPOCH_SECONDS / 2
                on_step()
            shown.append(seen(home, order.key))
            yield Report(number=number, values={}, ending="COMPLETE" if number == 3 else "")

    monkeypatch.setattr(cohort, "order_steps", order_steps)
    local_driver.drive(planner, lambda attempt: make_order(attempt, home=home, threads=1, device="cpu"))
    assert shown == [[], [1], [1, 2]]


# --- durations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [-TWO_DAYS, 0.0, TWO_DAYS])
def test_attempts_last_as_long_as_they_last(ledger, times, jump):
    for seconds in (10.0, 20.0):
        number = ledger.start_attempt("a")
        times.now += seconds
        times.set_by += jump
        ledger.end_attempt("a", number, "INTERRUPTED")
        times.now += 1000.0  # a pause is not worked
    assert [attempt.seconds for attempt in ledger.attempts("a")] == [10.0, 20.0]
    assert ledger.trial_seconds("a") == 30.0


def test_waiting_for_a_worker_is_no_work(ledger, times):
    number = ledger.start_attempt("a")
    times.now += 500.0
    ledger.set_worker("a", number)
    times.now += 10.0
    ledger.end_attempt("a", number, "COMPLETE")
    assert ledger.trial_seconds("a") == 10.0


def test_of_a_driver_that_was_killed_its_epochs_count(ledger, home, times):
    number = ledger.start_attempt("a")
    for epoch in (1, 2):
        ledger.add_epoch("a", epoch, number, {"epoch_seconds": 7.0})
    with ledger.transaction():
        pass
    other = Ledger(home / "ledger.db", clock=times.wall, timer=times.timer)
    other.interrupt_running()
    assert other.trial_seconds("a") == 14.0
    number = other.start_attempt("a")
    times.now += 5.0
    other.end_attempt("a", number, "COMPLETE")
    assert other.trial_seconds("a") == 19.0


@pytest.mark.parametrize("jump", [-TWO_DAYS, TWO_DAYS])
def test_what_mlflow_is_told(ledger, times, jump):
    number = ledger.start_attempt("a")
    times.now += 60.0
    times.set_by += jump
    ledger.end_attempt("a", number, "COMPLETE")
    row = ledger.trial("a")
    seconds = ledger.trial_seconds("a")
    assert content.end_time(row, seconds) - row.started_at >= 60.0
    assert content.tags(row, seconds)["seconds"] == "60.0"
    assert content.end_time(ledger.trial("a"), 0.0) >= row.started_at


@pytest.mark.parametrize(
    ("end", "tags", "seconds"),
    [
        (4000, {"seconds": "60.5"}, 60.5),
        (4000, {}, 3.0),
        (None, {"seconds": "60.5"}, None),  # under way again
        (-172_782_000, {}, None),  # told by an older kdsweep while the clock was set
        (4000, {"seconds": "much"}, 3.0),
    ],
)
def test_what_a_report_says(end, tags, seconds):
    assert RunRecord("run", start_time=1000, end_time=end, tags=tags).seconds == seconds


@pytest.mark.parametrize("jump", [-TWO_DAYS, TWO_DAYS])
def test_the_time_left_does_not_depend_on_the_time_of_day(ledger, home, times, jump):
    ledger.begin_run()
    number = ledger.start_attempt("a")
    times.now += 50.0
    times.set_by += jump
    ledger.end_attempt("a", number, "COMPLETE", metrics={"train_seconds": 100.0})
    times.now += 50.0
    ledger.flush()
    assert (ledger.run_elapsed(), ledger.run_trained()) == (100.0, 100.0)
    assert left_seconds(100.0, ledger, slots=4, elapsed_seconds=100.0) == 100.0  # a second of work a second


def test_what_was_trained_before_is_no_speed_of_this_run(ledger, times):
    number = ledger.start_attempt("a")
    ledger.end_attempt("a", number, "COMPLETE", metrics={"train_seconds": 1e6})
    ledger.begin_run()
    assert (ledger.run_elapsed(), ledger.run_trained()) == (0.0, 0.0)
    assert left_seconds(100.0, ledger, slots=4, elapsed_seconds=1000.0) == 25.0


def test_others_see_how_long_a_quiet_run_has_been_at_work(ledger, home, times):
    ledger.begin_run()
    for _ in range(10):
        times.now += ELAPSED_SECONDS / 2
        ledger.flush()
    with contextlib.closing(Ledger(home / "ledger.db")) as other:
        assert other.run_elapsed() >= 4.5 * ELAPSED_SECONDS


def test_status_subtracts_no_times_of_day(home, tmp_path, monkeypatch):
    from orchestrator.home import home as home_module
    from orchestrator.home.home import driver_lock

    times = Times()
    with (
        driver_lock(home, ["alone"]) as lock,
        contextlib.closing(Ledger(home / "ledger.db", clock=times.wall, timer=times.timer)) as ledger,
    ):
        monkeypatch.setattr(home_module.time, "time", lambda: 0.0)
        lock.tell(1)
        ledger.begin_run()
        new_planner(ledger, sweep_of(SWEEP, tmp_path))
        times.now += 65.0
        times.set_by -= TWO_DAYS
        ledger.flush()
        text = status("alone", home).to_text()
    assert "1 min 5 s passed" in text


def test_a_ledger_of_before_gets_the_column(tmp_path):
    path = tmp_path / "ledger.db"
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript(
            "CREATE TABLE attempt (key TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL, "
            "started_at REAL NOT NULL, ended_at REAL, reason TEXT NOT NULL DEFAULT '', PRIMARY KEY (key, number));"
            "INSERT INTO attempt VALUES ('a', 1, 'COMPLETE', 1.0, 2.0, ''); PRAGMA user_version=2;"
        )
    with contextlib.closing(Ledger(path)) as ledger:
        assert [attempt.seconds for attempt in ledger.attempts("a")] == [None]
        assert ledger.trial_seconds("a") == 0.0
