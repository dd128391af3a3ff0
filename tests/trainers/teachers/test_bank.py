"""The bank: rows computed once, shared, and never a wrong logit."""

import json
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainers.tiny import new_store, student_trial
from trainers.files.store import Store
from trainers.teachers import bank as bank_module
from trainers.teachers.bank import CHECKS, LOGITS, MANIFEST, Bank, bank_name, open_bank
from trainers.teachers.bank_rows import checks_of
from trainers.teachers.frozen import frozen_teacher
from trainers.views.device_data import on_device

CPU = torch.device("cpu")
IMAGES, VIEWS = torch.tensor([3, 9999, 17, 17]), torch.tensor([0, 24, 12, 13])


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


def data():
    return on_device("digits100", None, CPU)


def answering(store: Store):
    return frozen_teacher(student_trial().teacher, store, data(), CPU)


def opened(store: Store) -> Bank:
    """As another process opens it: this one has none open yet."""
    bank_module._KEPT.clear()
    return open_bank(student_trial().teacher, answering(store), data(), store)


def folder(store: Store) -> Path:
    return store.bank(bank_name(student_trial().teacher, data()))


def batch(images: torch.Tensor = IMAGES, views: torch.Tensor = VIEWS):
    (found,) = data().train.batches(images, views, len(images))
    return found


def live(store: Store, images: torch.Tensor = IMAGES, views: torch.Tensor = VIEWS) -> torch.Tensor:
    return answering(store).logits(data().lens(batch(images, views).pixels))


def test_a_row_is_answered_once_by_whoever_needs_it_first(store: Store):
    first, second = opened(store), opened(store)
    logits, answered = first.rows(batch())
    assert answered == 4
    assert torch.equal(logits, live(store))
    again, answered = second.rows(batch())
    assert answered == 0
    assert torch.equal(again, logits)


def test_an_epoch_is_prepared_in_full_batches_and_then_only_read(store: Store):
    bank = opened(store)
    images, views = torch.arange(600), torch.arange(600) % 25
    assert bank.prepare(images, views) == 600
    assert bank.prepare(images.flip(0), views.flip(0)) == 0
    logits, answered = bank.rows(batch(images, views))
    assert answered == 0
    assert torch.equal(logits, live(store, images, views))


def test_rows_that_nobody_needed_take_no_disk(store: Store):
    opened(store).rows(batch())
    stat = (folder(store) / LOGITS).stat()
    assert stat.st_size == 10_000 * 25 * 100 * 4
    assert stat.st_blocks * 512 < 100_000


def test_a_full_disk_is_an_error_and_what_is_there_is_still_read(store: Store, monkeypatch: pytest.MonkeyPatch):
    bank = opened(store)
    bank.rows(batch())

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space left"):
        bank.rows(batch(IMAGES + 1 - 1, VIEWS * 0 + 5))
    bank.stop_writing()
    logits, answered = bank.rows(batch(IMAGES, VIEWS * 0 + 5))
    assert answered == 4
    assert torch.equal(logits, live(store, IMAGES, VIEWS * 0 + 5))
    assert bank.rows(batch())[1] == 0


def number(image: int, view: int) -> int:
    return image * 25 + view


def _cut(path: Path) -> None:
    """Cut the file off before the last of the rows."""
    os.truncate(path / LOGITS, number(9999, 0) * 400)


def _cut_checks(path: Path) -> None:
    os.truncate(path / CHECKS, number(17, 13) * 4)


def _one_bit(path: Path) -> None:
    rows = np.memmap(path / LOGITS, dtype=np.uint8, mode="r+", shape=(250_000, 400))
    rows[number(17, 12), 200] ^= 1


def _moved(path: Path) -> None:
    rows = np.memmap(path / LOGITS, dtype=np.uint8, mode="r+", shape=(250_000, 400))
    checks = np.memmap(path / CHECKS, dtype=np.uint32, mode="r+", shape=(250_000,))
    rows[number(17, 13)], checks[number(17, 13)] = rows[number(17, 12)], checks[number(17, 12)]


def _lost_page(path: Path) -> None:
    """A check whose row never reached the disk, as after a power failure."""
    rows = np.memmap(path / LOGITS, dtype=np.uint8, mode="r+", shape=(250_000, 400))
    rows[number(3, 0)] = 0


@pytest.mark.parametrize("damage", [_cut, _cut_checks, _one_bit, _moved, _lost_page])
def test_a_damaged_row_is_answered_again(store: Store, damage):
    opened(store).rows(batch())
    damage(folder(store))
    bank = opened(store)
    logits, answered = bank.rows(batch())
    assert answered >= 1
    assert torch.equal(logits, live(store))
    assert bank.rows(batch())[1] == 0
    assert opened(store).prepare(IMAGES, VIEWS) == 0


def _foreign(path: Path) -> None:
    manifest = json.loads((path / MANIFEST).read_text())
    (path / MANIFEST).write_text(json.dumps(manifest | {"teacher": "another"}))


def _other_answers(path: Path) -> None:
    """Right checks over logits that this teacher never gave: a bank made by other code."""
    bank = object.__new__(Bank)
    bank._row_bytes, bank._writers = 400, []
    random = np.random.Generator(np.random.PCG64(20_260))
    bank._multipliers = random.integers(0, 2**63, 200, dtype=np.uint64) * 2 + 1
    rows = np.memmap(path / LOGITS, dtype=np.float32, mode="r+", shape=(250_000, 100))
    checks = np.memmap(path / CHECKS, dtype=np.uint32, mode="r+", shape=(250_000,))
    known = np.flatnonzero(checks)
    rows[known] += 1
    checks[known] = checks_of(known, rows[known], bank._multipliers)


@pytest.mark.parametrize("damage", [_foreign, _other_answers, lambda path: (path / MANIFEST).unlink()])
def test_a_bank_that_cannot_be_trusted_is_set_aside(store: Store, damage, caplog: pytest.LogCaptureFixture):
    opened(store).rows(batch())
    damage(folder(store))
    logits, answered = opened(store).rows(batch())
    assert answered == 4
    assert torch.equal(logits, live(store))
    assert "computed anew" in caplog.text
    assert folder(store).with_name(f"{folder(store).name}.damaged").exists()


def _prepare_in_process(home: str, answers) -> None:
    torch.set_num_threads(1)
    images = torch.arange(5000)
    answers.put(opened(Store(Path(home))).prepare(images, images % 25))


def test_two_processes_share_the_work(store: Store):
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    workers = [context.Process(target=_prepare_in_process, args=(str(store.home), answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    assert sum(answers.get() for _ in workers) == 5000
    for worker in workers:
        worker.join()
    images = torch.arange(5000)
    assert opened(store).prepare(images, images % 25) == 0


def test_a_process_compares_a_bank_with_its_teacher_once(store: Store):
    first = opened(store)
    first.rows(batch())
    teacher = answering(store)
    again = open_bank(student_trial().teacher, teacher, data(), store)
    assert again is first
    folder(store).rename(folder(store).with_name("elsewhere"))
    assert open_bank(student_trial().teacher, teacher, data(), store) is not first
