"""What may still happen in the store by a request whose answer was lost, however clocks are set."""

from pathlib import Path

import pytest

from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store.doubts import GIVE_UP_SECONDS, SETTLE_SECONDS, TARGET, Doubts


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock):
    ledger = Ledger(tmp_path / "ledger.db", clock=clock)
    yield ledger
    ledger.close()


def lose(doubts: Doubts, ref: str) -> None:
    with pytest.raises(TimeoutError), doubts.writing(ref):
        raise TimeoutError


def test_an_answer_leaves_no_doubt(ledger: Ledger):
    doubts = Doubts(ledger)
    token = doubts.creating("trial:a")
    assert ledger.all_remembered(TARGET)
    doubts.created("trial:a", token)
    with doubts.writing("trial:a"):
        pass
    assert not doubts.waiting
    assert doubts.due() == []
    assert ledger.all_remembered(TARGET) == {}


def test_what_was_lost_is_told_again_when_it_can_no_longer_be_under_way(ledger: Ledger, clock: Clock):
    doubts = Doubts(ledger, settle_seconds=10, timer=clock)
    lose(doubts, "trial:a")
    assert doubts.is_fresh("trial:a") and doubts.waiting and doubts.due() == []
    clock.now += 10
    assert doubts.due() == ["trial:a"] and not doubts.waiting
    doubts.settled("trial:a")
    assert doubts.due() == [] and ledger.all_remembered(TARGET) == {}


def test_a_run_that_was_asked_for_is_looked_for_by_the_next_process_too(ledger: Ledger, clock: Clock):
    doubts = Doubts(ledger, timer=clock)
    token = doubts.creating("trial:a")
    lose(doubts, "trial:a")
    clock.now += 20
    doubts.settled("trial:a")
    assert doubts.tokens("trial:a") == {token} and doubts.due() == [] and not doubts.waiting
    later = Doubts(ledger, timer=clock)
    assert later.tokens("trial:a") == {token} and later.due() == []  # nobody knows how long ago that was
    clock.now += 10
    assert later.due() == ["trial:a"]
    clock.now += GIVE_UP_SECONDS
    later.settled("trial:a")
    assert Doubts(ledger).tokens("trial:a") == frozenset()


def test_an_older_doubt_does_not_make_a_newer_answer_wait(ledger: Ledger, clock: Clock):
    doubts = Doubts(ledger, timer=clock)
    first = doubts.creating("trial:a")
    clock.now += 20
    doubts.created("trial:a", doubts.creating("trial:a"))
    assert doubts.tokens("trial:a") == {first}
    assert not doubts.is_fresh("trial:a")


@pytest.mark.parametrize("jump", [-172_800, 172_800])
def test_a_clock_that_is_set_changes_nothing(ledger: Ledger, clock: Clock, jump: float):
    timer = Clock()
    doubts = Doubts(ledger, timer=timer)
    lose(doubts, "trial:a")
    clock.now += jump
    assert doubts.due() == []
    timer.now += SETTLE_SECONDS
    assert doubts.due() == ["trial:a"]
