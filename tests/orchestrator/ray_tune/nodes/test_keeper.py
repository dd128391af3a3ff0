"""The way to the keeper under Ray: errors come back as they were, and its end is noticed at the next beat."""

from pathlib import Path
from typing import Any

import pytest
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayTaskError

from orchestrator.ray_tune.nodes import keeper
from orchestrator.ray_tune.nodes.keeper import MOST_TOLD, NODE_CHARACTERS, Line, clear_copies
from orchestrator.worker.keeper import KeeperLostError


class Answers:
    """Stands for Ray: what is asked has an answer, an error, or none yet."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.next: object = None
        monkeypatch.setattr(keeper.ray, "get", self._get)
        monkeypatch.setattr(keeper.ray, "wait", self._wait)

    def call(self, what: str, *_: object) -> object:
        self.asked.append(what)
        return self.next

    @staticmethod
    def _get(answer: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    @staticmethod
    def _wait(answers: list[Any], **options: Any) -> tuple[list[Any], list[Any]]:
        assert options["timeout"] == 0
        return [one for one in answers if one != "later"], [one for one in answers if one == "later"]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(monkeypatch)


def test_an_error_comes_back_as_it_was(answers: Answers):
    answers.next = RayTaskError("read", "a long text", FileNotFoundError(2, "none"))
    with pytest.raises(FileNotFoundError, match="none"):
        Line(answers.call).ask("read")


def test_its_end_is_noticed_at_once_by_whoever_waits_and_at_the_next_beat_by_others(answers: Answers):
    line = Line(answers.call)
    answers.next = ActorDiedError()
    line.tell("beat")
    with pytest.raises(KeeperLostError):
        line.tell("beat")
    with pytest.raises(KeeperLostError):
        line.ask("names")


def test_one_that_is_started_again_loses_no_worker(answers: Answers):
    line = Line(answers.call)
    answers.next = ActorUnavailableError("it is away", b"0" * 16)
    for _ in range(3):
        line.tell("beat")
    assert answers.asked == ["beat"] * 3


def test_one_that_stands_still_is_told_no_more(answers: Answers):
    line = Line(answers.call)
    answers.next = "later"
    for _ in range(2 * MOST_TOLD):
        line.tell("beat")
    assert len(answers.asked) == MOST_TOLD


def test_copies_of_nodes_that_are_no_more_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keeper.tempfile, "gettempdir", lambda: str(tmp_path))
    clear_copies("ours", [])  # where there are none
    alive, gone = ("a" * 56)[:NODE_CHARACTERS], ("b" * 56)[:NODE_CHARACTERS]
    folder = keeper._of_all_nodes("ours")
    for name in (alive, gone):
        (folder / name / "weights").mkdir(parents=True)
    clear_copies("ours", ["a" * 56])
    assert [path.name for path in folder.iterdir()] == [alive]
    clear_copies("ours", [])
    assert not [*tmp_path.iterdir()]
