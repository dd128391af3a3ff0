"""A training is gone when it ends, without the collector: memory of one trial is none of the next one's."""

import dataclasses
import gc
import itertools
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainers.layouts import write_cityscapes
from tests.trainers.picture_trials import new_teacher, recipe, trial
from tests.trainers.tiny import new_store, student_trial
from trainers import methods
from trainers.files.store import Store
from trainers.training.distill import Epoch, Training, distill
from trainers.training.turns import Turns
from trainers.trials.trial import Trial
from trainers.views.shared import Sharing

NAMES = [method.name for method in methods.ALL]
SETTINGS: dict[str, dict[str, object]] = {"crd": {"negatives": 64}, "reviewkd": {"mid_channels": 16}}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    torch.set_num_threads(1)
    return new_store(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def few_images_and_no_collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Training, "_images", property(lambda _training: 64))
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def born(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[object]]:
    """Return what refers, weakly, to every training that begins and to its parts."""
    found: list[weakref.ref[object]] = []
    whole = Training.__init__

    def noted(self: Training, *arguments: object, **named: object) -> None:
        found.append(weakref.ref(self))
        whole(self, *arguments, **named)  # type: ignore[arg-type]
        has_bank = self.replies is not None and self.replies.bank is not None
        teacher = None if has_bank else self.teacher  # a bank's stays with it, for the next trial
        parts = (self.student, self.method, self.optimizer, self.average, teacher, next(self.student.parameters()))
        found.extend(weakref.ref(part) for part in parts if part is not None)

    monkeypatch.setattr(Training, "__init__", noted)
    return found


def trial_of(name: str, **changes: object) -> Trial:
    trial = student_trial(name, **SETTINGS.get(name, {}))
    recipe = trial.recipe.replaced(batch_size=32, epochs=2, **changes)
    return dataclasses.replace(trial, recipe=recipe)


def to_the_end(epochs: Iterator[Epoch]) -> None:
    for _ in epochs:
        pass


def stopped(epochs: Iterator[Epoch]) -> None:
    """As a pruner or a person does: the iterator is closed after an epoch."""
    with closing(epochs):  # type: ignore[type-var]
        next(epochs)


class TroubleError(Exception):
    """Of a training step."""


def raising(epochs: Iterator[Epoch]) -> None:
    next(epochs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Training, "_step", _raise)
        with pytest.raises(TroubleError):
            next(epochs)


def _raise(_training: Training, _rate: float) -> None:
    raise TroubleError


ENDS: dict[str, Callable[[Iterator[Epoch]], None]] = {
    "all epochs": to_the_end,
    "stopped": stopped,
    "an exception": raising,
}


FIRST = (
    ("kd", "all epochs"),
    ("gdkd3", "stopped"),
    ("crd", "an exception"),
    ("reviewkd", "all epochs"),
    ("ctkd", "stopped"),
)
"""One of each kind of method and of end."""
OTHERS = (
    *itertools.product(("kd", "gdkd3", "crd", "reviewkd", "ctkd"), ENDS),
    *zip(NAMES, itertools.cycle(ENDS), strict=False),
)
"""What the slow suite looks at: each kind with each end, each method with one. A circle is there at any end."""


@pytest.mark.parametrize(
    ("name", "end"),
    [
        *FIRST,
        *(pytest.param(*one, marks=pytest.mark.slow) for one in dict.fromkeys(OTHERS) if one not in FIRST),
    ],
)
def test_nothing_of_a_training_outlives_it(name: str, end: str, store: Store, born: list[weakref.ref[object]]) -> None:
    ENDS[end](distill(trial_of(name), store))
    assert born
    assert [one() for one in born if one() is not None] == []


@pytest.mark.parametrize("changes", [{"learning_rate": 1e30}, {"ema_decay": 0.9}, {"mixup": 0.2}, {"accumulate": 2}])
def test_nor_of_one_that_diverges_or_has_more_to_hold(
    changes: dict[str, object], store: Store, born: list[weakref.ref[object]]
) -> None:
    to_the_end(distill(trial_of("kd", **changes), store))
    assert [one() for one in born if one() is not None] == []


@pytest.mark.slow  # compiling takes half a minute
def test_nor_of_one_that_is_compiled(store: Store, born: list[weakref.ref[object]]) -> None:
    to_the_end(distill(trial_of("kd", compile=True), store))
    assert [one() for one in born if one() is not None] == []


def test_nor_of_one_of_pixels(tmp_path: Path, born: list[weakref.ref[object]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Training, "_images", property(lambda _training: 4))
    write_cityscapes(tmp_path, per_city=2, size=(40, 80))
    store, network = Store(tmp_path), "pspnet_mobilenetv2"
    of = trial(
        tmp_path,
        "kd",
        dataset="cityscapes",
        student=network,
        views="scale-crop32x64-flip",
        teacher=new_teacher(store, network, 19),
        changes=recipe(batch_size=2, epochs=1, epoch_steps=2),
    )
    to_the_end(distill(of, store, data_root=tmp_path))
    assert [one() for one in born if one() is not None] == []


KINDS = ("ce", "kd", "ctkd", "at", "crd")
"""Without a teacher, of logits, of features, and both of these with a module."""


def cohort_of(store: Store) -> Turns[str, Epoch]:
    given: dict[str, Any] = {"device": torch.device("cpu"), "share": Sharing(), "bank": False}
    return Turns({name: Training(trial_of(name), store, **given).steps() for name in KINDS})


def test_nor_of_a_cohort(store: Store, born: list[weakref.ref[object]]) -> None:
    cohort = cohort_of(store)
    assert [len(cohort.round()) for _ in range(3)] == [len(KINDS), len(KINDS), 0]
    assert [one() for one in born if one() is not None] == []


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("how", ["dropped", "failed"])
def test_nor_of_one_that_leaves_a_cohort(
    how: str, name: str, store: Store, born: list[weakref.ref[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort, step = cohort_of(store), Training._step
    of_each: dict[str, list[weakref.ref[object]]] = {}
    own: list[weakref.ref[object]] = []
    for ref in born:
        one = ref()
        if isinstance(one, Training):
            own = of_each.setdefault(one.trial.method, [])
        own.append(ref)
    del one

    def failing(training: Training, rate: float) -> None:
        if training.trial.method == name:
            _raise_another(training, rate)
        step(training, rate)

    cohort.round()
    if how == "dropped":
        cohort.drop(name)
    else:
        monkeypatch.setattr(Training, "_step", failing)
        cohort.round()
        assert isinstance(cohort.errors[name], RuntimeError)
    alive = {other for other, refs in of_each.items() if any(ref() is not None for ref in refs)}
    assert alive == {*KINDS} - {name}


def _raise_another(training: Training, rate: float) -> None:
    try:
        _raise(training, rate)
    except TroubleError as error:
        raise RuntimeError("told in other words") from error


@pytest.mark.parametrize("bank", [True, False])
def test_with_a_bank_and_without(bank: bool, store: Store, born: list[weakref.ref[object]]) -> None:
    to_the_end(distill(trial_of("kd"), store, bank=bank))
    assert [one() for one in born if one() is not None] == []


def test_after_a_checkpoint(tmp_path: Path, store: Store, born: list[weakref.ref[object]]) -> None:
    for epoch in distill(trial_of("crd"), store):
        epoch.save(tmp_path / "one")
        epoch.save_weights(tmp_path / "weights")
        break
    del epoch
    to_the_end(distill(trial_of("crd"), store, checkpoint=tmp_path / "one"))
    assert [one() for one in born if one() is not None] == []


def test_after_a_training_that_cannot_begin(store: Store, born: list[weakref.ref[object]]) -> None:
    trial = dataclasses.replace(trial_of("kd"), student="cifar_no_such_network")
    with pytest.raises((ValueError, RuntimeError)):
        to_the_end(distill(trial, store))
    assert [one() for one in born if one() is not None] == []
