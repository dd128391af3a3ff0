"""What is said of a training whose ranks have lost each other."""

import pytest
import ray
from ray.exceptions import ActorDiedError, GetTimeoutError, RayTaskError

from orchestrator.ray_tune import rank_actors
from orchestrator.worker.attempts import RankFailedError, RankLostError
from trainers.ranks.ranks import LeftAloneError


def raised(error: Exception) -> Exception:
    """Return what Ray raises for an exception of an actor's own."""
    return RayTaskError("train", f"traceback: {error}", error).as_instanceof_cause()


ALONE = raised(LeftAloneError("closed by peer"))


@pytest.mark.parametrize(
    ("answers", "kind", "words"),
    [
        ([ALONE, ActorDiedError()], RankLostError, "rank 2 of 3 died"),
        ([ALONE, raised(ZeroDivisionError("no"))], RankFailedError, "in rank 2 of 3:\ntraceback: no"),
        ([raised(ZeroDivisionError("no")), ActorDiedError()], RankLostError, "rank 2 of 3 died"),
        ([GetTimeoutError(), ALONE], RankLostError, "the ranks have lost each other: closed by peer"),
    ],
)
def test_a_rank_that_died_is_lost_and_one_that_raised_has_failed(
    answers: list[Exception], kind: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(answer: Exception, timeout: float) -> None:
        raise answer

    monkeypatch.setattr(ray, "wait", lambda refs, **_: (refs, []))
    monkeypatch.setattr(ray, "get", get)
    found = rank_actors._cause(LeftAloneError("closed by peer"), answers)
    assert type(found) is kind
    assert words in str(found)
