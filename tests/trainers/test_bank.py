"""The bank: whole or not there, shared, and never a wrong logit."""

import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainers.tiny import new_store, student_trial
from trainers import bank as bank_module
from trainers.bank import bank_name, open_or_fill
from trainers.device_data import on_device
from trainers.store import Store
from trainers.teacher import frozen_teacher

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Store:
    torch.set_num_threads(1)
    return new_store(tmp_path_factory.mktemp("home"))


@pytest.fixture
def store(trained: Store, tmp_path: Path) -> Store:
    """A home with the teacher's weights and no bank."""
    key = student_trial().teacher.id
    store = Store(tmp_path)
    store.weights(key).parent.mkdir()
    store.weights(key).write_bytes(trained.weights(key).read_bytes())
    return store


def ask(store: Store):
    data = on_device("digits100", None, CPU)
    teacher = student_trial().teacher
    return open_or_fill(teacher, frozen_teacher(teacher, store, data, CPU), data, store)


def folder(store: Store) -> Path:
    return store.bank(bank_name(student_trial().teacher, on_device("digits100", None, CPU)))


def test_filled_once_then_read(store: Store):
    _, asked = ask(store)
    second, asked_again = ask(store)
    assert (asked, asked_again) == (250_000, 0)
    assert isinstance(second.logits, np.memmap)
    data = on_device("digits100", None, CPU)
    images, views = torch.tensor([3, 9999, 17]), torch.tensor([0, 24, 12])
    (batch,) = data.train.batches(images, views, 3)
    live = frozen_teacher(student_trial().teacher, store, data, CPU).logits(data.lens(batch.pixels))
    assert torch.equal(second.rows(images, views), live)


def test_a_full_disk_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bank_module, "_answers", full)
    with pytest.raises(OSError, match="No space left"):
        ask(store)
    assert [path.suffix for path in (store.home / "banks").iterdir()] == [".lock"]


def _truncate(path: Path) -> None:
    content = (path / "logits.npy").read_bytes()
    (path / "logits.npy").write_bytes(content[: len(content) // 2])


def _foreign(path: Path) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | {"teacher": "another"}))


def _wrong(path: Path) -> None:
    logits = np.load(path / "logits.npy", mmap_mode="r+")
    logits[5000:] += 1


@pytest.mark.parametrize("damage", [_truncate, _foreign, _wrong, lambda path: (path / "manifest.json").unlink()])
def test_a_bank_that_cannot_be_trusted_is_set_aside(store: Store, damage, caplog: pytest.LogCaptureFixture):
    ask(store)
    damage(folder(store))
    _, asked = ask(store)
    assert asked == 250_000
    assert "computed anew" in caplog.text
    assert folder(store).with_name(f"{folder(store).name}.damaged").exists()
    assert ask(store)[1] == 0


def _ask_in_process(home: str, answers) -> None:
    torch.set_num_threads(1)
    answers.put(ask(Store(Path(home)))[1])


def test_of_two_writers_one_fills(store: Store):
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    workers = [context.Process(target=_ask_in_process, args=(str(store.home), answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    assert sorted(answers.get() for _ in workers) == [0, 250_000]
    for worker in workers:
        worker.join()
