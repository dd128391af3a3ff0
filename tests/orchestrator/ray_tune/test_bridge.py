"""Between Tune and the planner: time passes for the planner, and proposing keeps nothing else from being done."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestrator.display.progress import busy_workers, sweep_progress
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.trials import EPOCH_SECONDS
from orchestrator.planning.planner import Planner
from orchestrator.ray_tune.bridge import STALL_LOOK_SECONDS, TURN_SECONDS, Bridge
from orchestrator.worker.attempts import Attempt, Report, Signal
from orchestrator.worker.worker import Order, make_order
from search_spaces import Sweep
from tests.orchestrator.simulation import SWEEP, new_planner, sweep_of
from trainers.files.store import Store


class Alive:
    def is_alive(self) -> bool:
        return True

    def revives_keeper(self) -> bool:
        return False


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return sweep_of(SWEEP, tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def ledger(home: Path, clock: Clock) -> Iterator[Ledger]:
    home.mkdir()
    ledger = Ledger(home / "ledger.db", timer=clock)
    yield ledger
    ledger.close()


def bridge_to(planner: Planner, home: Path, clock: Clock) -> Bridge:
    def order_for(attempt: Attempt) -> Order:
        return make_order(attempt, home=home, threads=1, device="cpu")

    return Bridge(
        planner,
        order_for,
        Store(home),
        Alive(),
        most_in_flight=lambda: 9,
        stall_seconds=lambda attempt: 1e9,
        clock=clock,
    )


def test_while_a_sampler_thinks_others_get_their_turn(sweep, ledger, home, clock, monkeypatch):
    planner = new_planner(ledger, sweep)
    given = planner.next

    def slow() -> Attempt | Signal:
        clock.now += 2 * TURN_SECONDS
        return given()

    monkeypatch.setattr(planner, "next", slow)
    bridge = bridge_to(planner, home, clock)
    turns = []
    for turn in range(2):
        assert not bridge.is_over()
        answers = [bridge.suggest(f"{turn}-{number}") for number in range(2)]
        turns.append([answer is not None for answer in answers])
    assert turns == [[True, False]] * 2
    assert bridge.suggest("next") is not None  # though no turn has begun: Tune may wait for an answer


def test_an_epoch_is_seen_though_nothing_else_happens(sweep, ledger, home, clock):
    bridge = bridge_to(new_planner(ledger, sweep), home, clock)
    assert isinstance(bridge.suggest("a"), dict)
    (key,) = bridge._attempts["a"]
    bridge.reported("a", [(key, Report(number=1, values={"test_top1": 1.0}).to_text())])
    other = Ledger(home / "ledger.db")
    assert other.epochs(key) == []
    clock.now += EPOCH_SECONDS
    assert not bridge.is_over()
    assert [number for number, _, _ in other.epochs(key)] == [1]
    other.close()


def test_what_has_a_worker_runs_and_what_waits_for_one_does_not(sweep, ledger, home, clock):
    bridge = bridge_to(new_planner(ledger, sweep), home, clock)
    for name in ("a", "b", "c"):
        bridge.suggest(name)
    bridge.added(SimpleNamespace(trial_id="b", temporary_state=SimpleNamespace(ray_actor=object())))
    bridge.added(SimpleNamespace(trial_id="c", temporary_state=SimpleNamespace(ray_actor=None)))
    clock.now += STALL_LOOK_SECONDS + EPOCH_SECONDS
    assert not bridge.is_over()
    assert sweep_progress(sweep, ledger).counts.running == 1
    bridge.added(SimpleNamespace(trial_id="c", temporary_state=SimpleNamespace(ray_actor=object())))
    clock.now += STALL_LOOK_SECONDS + EPOCH_SECONDS
    assert not bridge.is_over()
    assert (sweep_progress(sweep, ledger).counts.running, busy_workers(ledger)) == (2, 2)
    assert bridge.error is None


def test_a_bridge_that_is_cut_off_records_what_runs_and_hears_nothing_more(sweep, ledger, home, clock):
    planner = new_planner(ledger, sweep)
    bridge = bridge_to(planner, home, clock)
    assert isinstance(bridge.suggest("a"), dict)
    (key,) = bridge._attempts["a"]
    bridge.cut_off()
    assert bridge.cluster_lost
    assert ledger.trial(key).state == "INTERRUPTED"
    assert bridge.suggest("b") is None
    assert bridge.reported("a", [(key, Report(number=1, values={"test_top1": 1.0}).to_text())]) == "STOP"
    assert bridge.is_over()
    assert ledger.epochs(key) == [] and planner.running() == []


def test_a_process_in_which_one_has_raised_is_dropped_though_others_end_later(sweep, ledger, home, clock):
    bridge = bridge_to(new_planner(ledger, sweep), home, clock)
    bridge._together = lambda attempt: 2
    assert isinstance(bridge.suggest("teacher"), dict)
    (teacher,) = bridge._attempts["teacher"]
    ended = Report(number=1, values={"test_top1": 90.0}, ending="COMPLETE", metrics={"final_top1": 90.0})
    bridge.reported("teacher", [(teacher, ended.to_text())])
    bridge.completed("teacher", error=False)
    assert isinstance(bridge.suggest("both"), dict)
    first, second = bridge._attempts["both"]
    failed = Report(number=0, ending="FAIL", reason="ValueError: it broke")
    going_on = Report(number=1, values={"test_top1": 1.0})
    assert bridge.reported("both", [(first, failed.to_text()), (second, going_on.to_text())]) == "CONTINUE"
    assert bridge.reported("both", [(second, ended.to_text())]) == "CONTINUE"  # it raises next
    bridge.completed("both", error=True)
    assert (ledger.trial(first).state, ledger.trial(second).state) == ("FAIL", "COMPLETE")
    assert bridge.error is None and not bridge._raising


def test_a_keeper_that_cannot_be_asked_ends_the_run_and_not_tunes_loop(
    sweep: Sweep, ledger: Ledger, home: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = bridge_to(new_planner(ledger, sweep), home, clock)

    class Silent(Alive):
        def revives_keeper(self) -> bool:
            raise ConnectionError("Ray is gone")

    monkeypatch.setattr(bridge, "_cluster", Silent())
    monkeypatch.setattr(bridge, "_look", lambda *, alive: (False, ["1"]))
    assert bridge.is_over()
    assert isinstance(bridge.error, ConnectionError)
