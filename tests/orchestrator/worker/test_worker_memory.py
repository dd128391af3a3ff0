"""What a worker holds of an attempt that has ended: nothing, without the collector."""

import dataclasses
import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.worker.attempts import Attempt
from orchestrator.worker.worker import Order, make_order, run_order
from tests.trainers.tiny import student_trial
from trainers.training.distill import Training
from trainers.trials.trial import trial_key


@pytest.fixture
def born(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[weakref.ref[Training]]]:
    """Return what refers, weakly, to every training that begins."""
    found: list[weakref.ref[Training]] = []
    whole = Training.__init__

    def noted(self: Training, *arguments: object, **named: object) -> None:
        found.append(weakref.ref(self))
        whole(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Training, "__init__", noted)
    monkeypatch.setattr(Training, "_images", property(lambda _training: 64))
    gc.collect()
    gc.disable()
    yield found
    gc.enable()


def order(home: Path, **changes: object) -> Order:
    trial = student_trial("ce")
    recipe = trial.recipe.replaced(batch_size=32, epochs=2, **changes)
    trial = dataclasses.replace(trial, recipe=recipe)
    attempt = Attempt(
        key=trial_key(trial), number=1, trial=trial, phase="fixed", sweep="s", keep_weights=True, bank=True
    )
    return make_order(attempt, home=home, threads=1, device="cpu")


def test_after_its_end(tmp_path: Path, born: list[weakref.ref[Training]]) -> None:
    assert [report.ending for report in run_order(order(tmp_path))] == ["", "COMPLETE"]
    assert [one() for one in born] == [None]


def test_after_it_diverged(tmp_path: Path, born: list[weakref.ref[Training]]) -> None:
    assert [report.ending for report in run_order(order(tmp_path, learning_rate=1e30))][-1] == "DIVERGED"
    assert [one() for one in born] == [None]


def test_when_the_next_one_takes_its_place(tmp_path: Path, born: list[weakref.ref[Training]]) -> None:
    reports = run_order(order(tmp_path))
    next(reports)
    reports = run_order(order(tmp_path))  # as a worker that is used again does
    assert [one() for one in born] == [None]
    assert [report.number for report in reports] == [2]  # from the checkpoint of the first


def test_after_an_exception(tmp_path: Path, born: list[weakref.ref[Training]], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_training: Training, _rate: float) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Training, "_step", broken)
    with pytest.raises(RuntimeError):
        list(run_order(order(tmp_path)))
    assert [one() for one in born] == [None]
