"""The pulse of an attempt: by it a worker that is stuck is found, and an old one finds that it has been replaced."""

import os
from pathlib import Path

import pytest

from orchestrator.worker.attempts import Attempt, Signal
from orchestrator.worker.pulse import Pulse, StallWatch, clear_stale, is_superseded, pulse_file
from orchestrator.worker.worker import Order, make_order, run_order
from search_spaces import Sweep
from tests.orchestrator.simulation import new_planner, sweep_of
from trainers.files.store import Store


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_worker_without_a_step_is_stalled_and_one_with_steps_is_not(tmp_path: Path):
    clock = Clock()
    watch = StallWatch(clock)
    with Pulse(tmp_path, 1, clock) as pulse:
        assert not watch.is_stalled(tmp_path, 1, 10)
        for second in range(1, 40):
            clock.seconds = second
            os.utime(pulse_file(tmp_path, 1), ns=(0, 0))  # the time of the file itself says nothing
            pulse.beat()
            assert not watch.is_stalled(tmp_path, 1, 10)
        clock.seconds = 48.9
        assert not watch.is_stalled(tmp_path, 1, 10)
        clock.seconds = 49.0
        assert watch.is_stalled(tmp_path, 1, 10)


def test_a_worker_that_never_begins_is_stalled(tmp_path: Path):
    clock = Clock()
    watch = StallWatch(clock)
    stalled = []
    for clock.seconds in (0.0, 9.9, 10.0):
        stalled.append(watch.is_stalled(tmp_path, 1, 10))
    assert stalled == [False, False, True]


def test_beats_are_rare_however_many_steps_there_are(tmp_path: Path):
    clock = Clock()
    with Pulse(tmp_path, 1, clock) as pulse:
        changes = set()
        for step in range(2000):
            clock.seconds = step / 1000
            os.utime(pulse_file(tmp_path, 1), ns=(0, 0))
            pulse.beat()
            if pulse_file(tmp_path, 1).stat().st_mtime_ns:
                changes.add(step)
    assert changes == {0, 1000}


def test_a_beat_that_cannot_be_kept_stops_nothing(tmp_path: Path):
    with Pulse(tmp_path / "gone", 1) as pulse:
        pulse_file(tmp_path / "gone", 1).unlink()
        pulse.beat()


def test_a_newer_attempt_or_the_trials_end_supersedes(tmp_path: Path):
    with Pulse(tmp_path, 1):
        assert not is_superseded(tmp_path, 1)
        with Pulse(tmp_path, 2):
            assert is_superseded(tmp_path, 1)
            assert not is_superseded(tmp_path, 2)
    clear_stale(tmp_path, 1)
    assert is_superseded(tmp_path, 2)


@pytest.fixture
def tiny(tmp_path: Path) -> Sweep:
    return sweep_of(
        """
        name: tiny
        dataset: digits100
        pairs: tinyresnet -> tinycnn
        recipe: {base: digits, epochs: 3}
        methods: {ce: }
        seeds: 1
        """,
        tmp_path,
    )


def order_of(attempt: Attempt, home: Path) -> Order:
    return make_order(attempt, home=home, threads=1, device="cpu")


def test_a_worker_that_wakes_after_it_was_replaced_ends_and_leaves_nothing(tiny: Sweep, home: Path):
    """What SIGSTOP, a replacement and SIGCONT come to, one epoch at a time."""
    from orchestrator.ledger.ledger import Ledger

    home.mkdir()
    ledger = Ledger(home / "ledger.db")
    planner = new_planner(ledger, tiny)
    old = planner.next()
    sleeper = run_order(order_of(old, home))
    planner.reported(old, next(sleeper))
    from orchestrator.worker.attempts import Outcome

    planner.ended(old, Outcome(ending="LOST", reason="it made no step"))
    new = planner.next()
    reports = list(run_order(order_of(new, home)))
    assert [report.number for report in reports] == [2, 3]  # from the checkpoint of the first
    checkpoints = sorted(path.name for path in Store(home).checkpoints(old.key).iterdir())
    assert list(sleeper) == []  # it trains the epoch it was in, sees the newer pulse, and ends
    assert sorted(path.name for path in Store(home).checkpoints(old.key).iterdir()) == checkpoints
    for report in reports:
        planner.reported(new, report)
    assert planner.next() is Signal.DONE
    assert [row.state for row in ledger.attempts(old.key)] == ["LOST", "COMPLETE"]
    assert [number for number, _, _ in ledger.epochs(old.key)] == [1, 2, 3]
