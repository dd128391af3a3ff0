"""Turns: who is on when, what each draws, and whose end is whose."""

import contextlib

import pytest
import torch

from trainers.training import turns
from trainers.training.turns import Step, Steps, Turns, frameless


def drawing(seed: int, epochs: int, *, first: int = 1, steps: int = 3, error_in: int = 0) -> Steps[list[float]]:
    """Draw a number in every step from torch's global state, and say them after every epoch."""
    torch.manual_seed(seed)
    for epoch in range(first, epochs + 1):
        drawn = []
        for _ in range(steps):
            yield Step(epoch)
            if epoch == error_in:
                raise ValueError("mine")
            drawn.append(float(torch.rand(())))
        yield drawn


def alone(*given: object, **more: int) -> list[list[float]]:
    return [word for word in drawing(*given, **more) if not isinstance(word, Step)]


def by_name(together: "Turns[str, list[float]]") -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = {}
    while not together.is_over:
        for name, word in together.round():
            found.setdefault(name, []).append(word)
    return found


def test_each_draws_what_it_draws_alone():
    before = torch.get_rng_state()
    found = by_name(Turns({"a": drawing(1, 3), "b": drawing(2, 3), "c": drawing(1, 3)}))
    torch.set_rng_state(before)
    assert found == {"a": alone(1, 3), "b": alone(2, 3), "c": alone(1, 3)}


def test_without_the_switch_they_draw_from_one_another(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turns.RandomState, "switched", lambda self: contextlib.nullcontext())
    found = by_name(Turns({"a": drawing(1, 3), "b": drawing(2, 3)}))
    assert found != {"a": alone(1, 3), "b": alone(2, 3)}


def test_the_global_state_is_left_as_it_was():
    before = torch.get_rng_state()
    by_name(Turns({"a": drawing(1, 2), "b": drawing(2, 2)}))
    assert torch.equal(torch.get_rng_state(), before)


def test_whoever_is_ahead_waits_for_the_others():
    together = Turns({"late": drawing(1, 4, first=3), "new": drawing(2, 4), "short": drawing(3, 1)})
    names = []
    while not together.is_over:
        names.append(sorted(name for name, _ in together.round()))
    assert names == [["new", "short"], ["new"], ["late", "new"], ["late", "new"], []]


def test_an_error_ends_its_own_training():
    together = Turns({"a": drawing(1, 3), "b": drawing(2, 3, error_in=2)})
    found = by_name(together)
    assert found == {"a": alone(1, 3), "b": alone(2, 1)}
    assert {name: str(error) for name, error in together.errors.items()} == {"b": "mine"}


def test_one_that_is_dropped_is_closed_and_the_others_go_on():
    closed = []

    def watched() -> Steps[list[float]]:
        try:
            yield from drawing(2, 3)
        finally:
            closed.append(True)

    together = Turns({"a": drawing(1, 3), "b": watched()})
    together.round()
    together.drop("b")
    assert closed == [True]
    assert by_name(together) == {"a": alone(1, 3)[1:]}


def test_turns_go_round():
    order: list[str] = []

    def noted(name: str) -> Steps[str]:
        for _ in range(3):
            yield Step(1)
            order.append(name)
        yield name

    Turns({name: noted(name) for name in "abc"}).round()
    assert "".join(order) == "abcbcacab"


def test_frames_are_dropped_of_all_errors_behind_one():
    def raised(error: Exception, cause: Exception | None = None) -> Exception:
        try:
            raise error from cause
        except Exception as caught:
            return caught

    inner, first = raised(ValueError("inner")), raised(ValueError("first"))
    group = ExceptionGroup("two", [inner, raised(KeyError("other"), first)])
    error = raised(RuntimeError("outer"), group)
    assert frameless(error) is error
    behind = [error, group, *group.exceptions, first]
    assert [one.__traceback__ for one in behind] == [None] * 5
