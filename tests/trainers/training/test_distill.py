"""The distillation loop: repeatable, resumable, and the teacher stays what it was."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainers.tiny import RECIPE, new_store, run, student_trial, teacher_trial
from trainers import methods
from trainers.files.store import Store
from trainers.files.tensor_files import load_tensors
from trainers.teachers.bank import Bank
from trainers.teachers.frozen import ROWS_OF_MEMORY, frozen_teacher, load_teacher
from trainers.training.distill import Training, distill
from trainers.training.teaching.replies import Replies
from trainers.trials.trial import TRAINER_VERSION, trial_key
from trainers.views.device_data import on_device
from trainers.views.views import Batch

TIMES = ("epoch_seconds", "images_per_second")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    torch.set_num_threads(1)
    return new_store(tmp_path_factory.mktemp("home"))


def numbers(epochs) -> list[dict[str, float]]:
    """Return the values of epochs but for the clock's."""
    return [{name: v for name, v in epoch.values.items() if name not in TIMES} for epoch in epochs]


def weights(epochs) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in epochs[-1].training.student.state_dict().items()}


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_the_same_trial_gives_the_same_bits(store):
    first = run(student_trial("gdkd"), store)
    run(student_trial("kd", seed=5), store)  # another trial between leaves nothing behind
    torch.manual_seed(99)
    second = run(student_trial("gdkd"), store)
    assert numbers(first) == numbers(second)
    assert equal(weights(first), weights(second))


def test_going_on_from_a_checkpoint_gives_the_same_bits(store, tmp_path: Path):
    trial = dataclasses.replace(
        student_trial("gdkd"), recipe=student_trial().recipe.replaced(epochs=3, lr_warmup_epochs=1.5)
    )
    whole = run(trial, store)
    started = distill(trial, store)
    next(started).save(tmp_path / "one.safetensors")
    rest = list(distill(trial, store, checkpoint=tmp_path / "one.safetensors"))
    assert [epoch.number for epoch in rest] == [2, 3]
    assert numbers(whole[1:]) == numbers(rest)
    assert equal(weights(whole), weights(rest))
    times = {"train_seconds", "peak_memory_bytes", "held_memory_bytes"}
    times |= {"teacher_images"}  # the bank had been filled by the first
    assert {k: v for k, v in rest[-1].summary().items() if k not in times} == {
        k: v for k, v in whole[-1].summary().items() if k not in times
    }


def test_a_checkpoint_of_another_trial_is_refused(store, tmp_path: Path):
    next(distill(student_trial("kd"), store)).save(tmp_path / "kd.safetensors")
    with pytest.raises(ValueError, match="another trial"):
        next(distill(student_trial("gdkd"), store, checkpoint=tmp_path / "kd.safetensors"))


def test_initial_weights_depend_on_seed_and_network_not_on_the_method(store):
    def initial(trial):
        return Training(trial, store, device=torch.device("cpu")).student.state_dict()

    assert equal(initial(student_trial("kd")), initial(student_trial("gdkd", k=7)))
    assert equal(initial(student_trial("kd")), initial(student_trial("ce")))
    assert not equal(initial(student_trial("kd")), initial(student_trial("kd", seed=1)))
    assert not equal(initial(student_trial("ce")), initial(teacher_trial()))


def test_the_teacher_stays_as_it_was(store):
    trial = student_trial("kd")
    run(trial, store, bank=False)
    data = on_device("digits100", None, torch.device("cpu"))
    network = load_teacher(trial.teacher, store, data.info, torch.device("cpu"))
    stored, _ = load_tensors(store.weights(trial.teacher.id))
    assert equal(network.state_dict(), stored)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_bank_on_and_off_give_the_same(store):
    on, off = (run(student_trial("gdkd"), store, bank=bank) for bank in (True, False))
    for first, second in zip(numbers(on), numbers(off), strict=True):
        assert first == pytest.approx(second, rel=1e-3, abs=0.2)
    assert on[-1].summary()["teacher_images"] <= 2 * 7500
    assert off[-1].summary()["teacher_images"] == 2 * 7500


@pytest.mark.parametrize("method", [method.name for method in methods.ALL if method.needs is methods.Needs.LOGITS])
def test_bank_on_and_off_give_the_same_bits_where_batches_are_as_large_as_the_teachers(method, store):
    trial = dataclasses.replace(
        student_trial(method), recipe=RECIPE.replaced(epochs=2, epoch_steps=2, batch_size=ROWS_OF_MEMORY)
    )
    on, off = (run(trial, store, bank=bank) for bank in (True, False))
    assert numbers(on) == numbers(off)
    assert equal(weights(on), weights(off))
    views = 1 + methods.get(method).sees_strong({})
    assert off[-1].summary()["teacher_images"] == 4 * ROWS_OF_MEMORY * views


def test_search_is_scored_on_validation_and_never_sees_the_test_set(store):
    values = run(student_trial("kd"), store)[-1]
    assert "val_top1" in values.values
    assert not any(name.startswith("test") for name in values.values)
    measured = {"train_seconds", "teacher_images", "extra_parameters", "peak_memory_bytes", "held_memory_bytes"}
    assert set(values.summary()) == {"final_val_top1", *measured}


def test_a_reported_trial_trains_on_all_and_is_scored_on_test(store):
    epochs = run(student_trial("ce", split="full"), store)
    summary = epochs[-1].summary()
    assert summary["final_top1"] == epochs[-1].values["test_top1"]
    assert summary["best_top1"] == max(epoch.values["test_top1"] for epoch in epochs)
    assert summary["final_top5"] >= summary["final_top1"]
    assert epochs[-1].training._images == 10_000


def test_a_loss_that_is_not_finite_ends_the_trial(store):
    trial = student_trial("kd", weight=1e30, warmup_epochs=0)
    epochs = run(trial, store)
    assert epochs[-1].diverged
    assert epochs[-1].last
    assert not math.isfinite(epochs[-1].values["train_loss"])
    assert epochs[-1].number == 1


def test_changed_data_are_noticed(store):
    trial = dataclasses.replace(student_trial("ce"), data_digest="0" * 64)
    with pytest.raises(ValueError, match="digits100 has changed"):
        run(trial, store)


def test_a_missing_teacher_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=trial_key(teacher_trial())[:12]):
        run(student_trial("kd"), Store(tmp_path))


def test_a_teachers_answer_does_not_depend_on_who_else_is_asked(store):
    trial = student_trial("kd")
    data = on_device("digits100", None, torch.device("cpu"))
    teacher = frozen_teacher(trial.teacher, store, data, torch.device("cpu"))
    (batch,) = data.train.batches(torch.arange(300), torch.zeros(300, dtype=torch.long), 300)
    inputs = data.lens(batch.pixels)
    assert torch.equal(teacher.logits(inputs)[7:8], teacher.logits(inputs[7:8]))


STORED = {"ce": (2.56, 4.53028), "gdkd": (2.52, 4.55973)}
"""Method -> validation accuracy in percent and training loss after two epochs, TRAINER_VERSION 1."""


@pytest.mark.parametrize("method", STORED)
def test_numbers_of_this_trainer_version(store, method):
    """Tiny trials against stored results. When these move on purpose, raise TRAINER_VERSION and say so."""
    assert TRAINER_VERSION == 1
    values = run(student_trial(method), store)[-1].values
    top1, loss = STORED[method]
    assert values["train_loss"] == pytest.approx(loss, rel=2e-3)  # other processors round differently
    assert values["val_top1"] == pytest.approx(top1, abs=1)


def test_logits_that_are_sent_ahead_are_those_of_each_batch(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU, of which there may be none here."""
    plain = run(student_trial("kd"), store)
    asked: list[int] = []
    make, rows = Replies.__init__, Bank.rows

    def sending(self: Replies, *given: Any, **more: Any) -> None:
        make(self, *given, **more)
        self._sends_ahead = True

    def noting(self: Bank, batch: Batch, *given: Any) -> tuple[Tensor, int]:
        asked.append(len(batch.images))
        return rows(self, batch, *given)

    monkeypatch.setattr(Replies, "__init__", sending)
    monkeypatch.setattr(Bank, "rows", noting)
    ahead = run(student_trial("kd"), store)
    assert asked == []
    assert [epoch.values["train_loss"] for epoch in ahead] == [epoch.values["train_loss"] for epoch in plain]
