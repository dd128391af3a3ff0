"""A home whose ledger was moved away: the next one counts from 1 again, and no file of the earlier life is its own."""

from pathlib import Path

import pytest

from orchestrator.ledger.ledger import Ledger
from orchestrator.ray_tune.bridge import Bridge
from orchestrator.sweep_run.drive import Orders
from orchestrator.worker.attempts import Attempt, Report, Signal
from orchestrator.worker.pulse import Pulse, clear_stale, is_superseded, pulse_file
from orchestrator.worker.worker import make_order, run_order
from search_spaces import Sweep
from tests.orchestrator.simulation import new_planner, sweep_of
from trainers.files.store import Store


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


def test_every_ledger_has_a_life_of_its_own_and_keeps_it(tmp_path: Path):
    first, second = Ledger(tmp_path / "one.db"), Ledger(tmp_path / "two.db")
    assert first.life == first.life == Ledger(tmp_path / "one.db").life
    assert first.life != second.life


class Alive:
    def is_alive(self) -> bool:
        return True

    def revives_keeper(self) -> bool:
        return False


@pytest.mark.parametrize("failed", [False, True])
def test_a_failure_that_was_reported_is_none_of_a_lost_worker(tiny: Sweep, home: Path, failed: bool):
    home.mkdir()
    ledger = Ledger(home / "ledger.db")
    orders = Orders([tiny], home)
    bridge = Bridge(
        new_planner(ledger, tiny),
        orders,
        Store(home),
        Alive(),
        most_in_flight=lambda: 2,
        stall_seconds=orders.stall_seconds,
    )
    assert bridge.suggest("ray-trial") is not None
    (key,) = ledger.states()
    if failed:
        report = Report(number=0, ending="FAIL", reason="ValueError: it broke")
        assert bridge.reported("ray-trial", [(key, report.to_text())]) == "CONTINUE"  # raises next, and is dropped
        assert ledger.epochs(key) == []
    bridge.lost("ray-trial", "the worker died")
    bridge.completed("ray-trial", error=True)
    assert bridge.error is None
    ended = ("FAIL", "ValueError: it broke") if failed else ("LOST", "the worker died")
    assert [(row.state, row.reason) for row in ledger.attempts(key)] == [ended]
    assert ledger.states() == {key: "FAIL" if failed else "INTERRUPTED"}


def test_pulses_of_other_lives_say_nothing(tmp_path: Path):
    with Pulse(tmp_path, 7), Pulse(tmp_path, 9, life="old"), Pulse(tmp_path, 1, life="new"):
        assert not is_superseded(tmp_path, 1, "new")
        with Pulse(tmp_path, 2, life="new"), Pulse(tmp_path, 1000, life="old"):
            assert is_superseded(tmp_path, 1, "new")
            assert is_superseded(tmp_path, 9, "old")
            assert not is_superseded(tmp_path, 1000, "old")
    clear_stale(tmp_path, 2, "new")
    assert [*tmp_path.iterdir()] == [pulse_file(tmp_path, 1, "new")]
    assert is_superseded(tmp_path, 7)  # a worker of an earlier life that is still at it finds itself replaced


@pytest.mark.parametrize("of", ["attempt-001", "attempt-007.0a1b2c3d"])
def test_a_trial_goes_on_from_the_checkpoint_of_an_earlier_life(tiny: Sweep, home: Path, of: str):
    home.mkdir()
    planner = new_planner(Ledger(home / "first.db"), tiny)
    attempt = planner.next()
    assert isinstance(attempt, Attempt)
    reports = run_order(make_order(attempt, home=home, threads=1, device="cpu"))
    first = next(reports)
    reports.close()
    (checkpoint,) = Store(home).checkpoints(attempt.key).glob("epoch-*")
    checkpoint.rename(checkpoint.with_name(f"epoch-00001.{of}.safetensors"))
    ledger = Ledger(home / "second.db")
    planner = new_planner(ledger, tiny)
    again = planner.next()
    assert isinstance(again, Attempt) and again.number == 1 and again.life != attempt.life
    for report in run_order(make_order(again, home=home, threads=1, device="cpu")):
        planner.reported(again, report)
        assert report.number > 1
    assert planner.next() is Signal.DONE
    assert [number for number, _, _ in ledger.epochs(again.key)] == [1, 2, 3]
    assert ledger.epochs(again.key)[0][2] == first.values


def test_a_checkpoint_of_another_trial_is_not_taken(tiny: Sweep, home: Path):
    from safetensors.torch import save_file

    home.mkdir()
    planner = new_planner(Ledger(home / "ledger.db"), tiny)
    attempt = planner.next()
    folder = Store(home).checkpoints(attempt.key)
    folder.mkdir(parents=True)
    save_file({}, folder / "epoch-00002.attempt-001.safetensors", {"trial_key": '"another"'})
    report = next(run_order(make_order(attempt, home=home, threads=1, device="cpu")))
    assert report.number == 1
    assert "epoch-00002.attempt-001.safetensors cannot be read" in report.warnings[0]
