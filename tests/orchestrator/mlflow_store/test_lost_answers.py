"""What may still happen in the store by a request whose answer was lost."""

import contextlib
import shutil
from pathlib import Path

import pytest

from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store.lost_answers import LostAnswers
from orchestrator.mlflow_store.runs import home_name


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lose(lost: LostAnswers, ref: str, error: Exception | None = None) -> None:
    with pytest.raises(TimeoutError), lost.noted(ref):
        raise error or TimeoutError


def test_an_answer_leaves_nothing_behind():
    lost = LostAnswers()
    with lost.noted("trial:a"):
        pass
    assert "trial:a" not in lost and not lost.waiting and lost.due() == []


def test_nor_does_a_refusal_which_is_an_answer():
    lost, refused = LostAnswers(), TimeoutError()
    refused.error_code = "INVALID_STATE"  # type: ignore[attr-defined]
    lose(lost, "trial:a", refused)
    assert "trial:a" not in lost and lost.due() == []


def test_what_was_lost_is_told_again_when_it_can_no_longer_be_under_way(clock: Clock):
    lost = LostAnswers(10, clock)
    lose(lost, "trial:a")
    assert lost.is_fresh("trial:a") and lost.waiting and lost.due() == []
    clock.now += 10
    assert lost.due() == ["trial:a"] and not lost.waiting
    lose(lost, "trial:a")
    lost.settled("trial:a")  # told again, in vain: that is the newest now
    assert lost.is_fresh("trial:a")
    clock.now += 10
    lost.settled("trial:a")
    assert "trial:a" not in lost and lost.due() == []


def test_a_home_has_one_name_which_its_copy_has_not(tmp_path: Path):
    with contextlib.closing(Ledger(tmp_path / "ledger.db")) as ledger:
        name = home_name(ledger)
    with contextlib.closing(Ledger(tmp_path / "ledger.db")) as ledger:
        assert home_name(ledger) == name
    shutil.copy(tmp_path / "ledger.db", tmp_path / "another.db")
    with contextlib.closing(Ledger(tmp_path / "another.db")) as ledger:
        assert home_name(ledger) not in ("", name)
