"""Checkpoints that cannot be read, now or at all: tried again, then an older one, and what was lost is said."""

import dataclasses
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.worker.attempts import Attempt, Report
from orchestrator.worker.checkpoints import checkpoints
from orchestrator.worker.pulse import is_superseded, pulse_file
from orchestrator.worker.worker import Order, make_order, run_order
from tests.trainers.tiny import student_trial
from trainers.files import passing, tensor_files
from trainers.files.passing import steadily
from trainers.files.store import Store
from trainers.training.distill import Training
from trainers.trials.trial import trial_key

EPOCHS = 4


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Training, "_images", property(lambda _training: 64))
    monkeypatch.setattr(passing, "PAUSES_SECONDS", (0.0, 0.0, 0.0))


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int, int], None]:
    """Let so many reads of files with this in their names fail with an error."""

    def let(name: str, number: int, times: int) -> None:
        left = [times]
        whole = tensor_files.safe_open

        def opened(path: Any, **options: Any) -> Any:
            if name in str(path) and left[0]:
                left[0] -= 1
                raise OSError(number, os.strerror(number), str(path))
            return whole(path, **options)

        monkeypatch.setattr(tensor_files, "safe_open", opened)

    return let


def order(home: Path, number: int) -> Order:
    trial = student_trial("ce")
    trial = dataclasses.replace(trial, recipe=trial.recipe.replaced(batch_size=32, epochs=EPOCHS))
    attempt = Attempt(
        key=trial_key(trial), number=number, trial=trial, phase="fixed", sweep="s", keep_weights=True, bank=True
    )
    return make_order(attempt, home=home, threads=1, device="cpu")


def stopped_after(home: Path, epochs: int) -> list[Path]:
    """Train so many epochs; return the checkpoints, the newest last."""
    reports = run_order(order(home, 1))
    for _ in range(epochs):
        next(reports)
    reports.close()
    return checkpoints(Store(home), order(home, 1).key)


def going_on(home: Path) -> Report:
    return next(run_order(order(home, 2)))


def test_two_checkpoints_are_kept(tmp_path: Path) -> None:
    assert [path.name[:11] for path in stopped_after(tmp_path, 3)] == ["epoch-00002", "epoch-00003"]


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ETIMEDOUT])
def test_a_read_that_fails_once_costs_nothing(
    number: int, tmp_path: Path, failing: Callable[[str, int, int], None]
) -> None:
    stopped_after(tmp_path, 3)
    failing("epoch-", number, 2)
    report = going_on(tmp_path)
    assert report.number == 4
    assert report.warnings == []


def test_one_that_fails_for_good_costs_an_epoch_and_is_said(
    tmp_path: Path, failing: Callable[[str, int, int], None]
) -> None:
    stopped_after(tmp_path, 3)
    failing("epoch-00003", errno.EIO, 1000)
    report = going_on(tmp_path)
    assert report.number == 3
    (line,) = report.warnings
    assert "epoch-00003" in line and "Input/output error" in line and "goes on from epoch-00002" in line


def test_a_damaged_one(tmp_path: Path) -> None:
    *_, newest = stopped_after(tmp_path, 3)
    newest.write_bytes(newest.read_bytes()[:100])
    report = going_on(tmp_path)
    assert report.number == 3
    assert "goes on from epoch-00002" in report.warnings[0]


def test_none_that_can_be_read(tmp_path: Path, failing: Callable[[str, int, int], None]) -> None:
    stopped_after(tmp_path, 3)
    failing("epoch-", errno.ESTALE, 1000)
    report = going_on(tmp_path)
    assert report.number == 1
    assert len(report.warnings) == 2
    assert all("starts from the beginning" in line for line in report.warnings)


def test_a_folder_that_cannot_be_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_after(tmp_path, 3)
    whole, left = os.scandir, [1]

    def listed(place: Any) -> Any:
        if left[0] and "checkpoints" in str(place):
            left[0] -= 1
            raise OSError(errno.ESTALE, "Stale file handle")
        return whole(place)

    monkeypatch.setattr(os, "scandir", listed)
    assert going_on(tmp_path).number == 4


def test_teachers_weights_are_read_again(tmp_path: Path, failing: Callable[[str, int, int], None]) -> None:
    import torch

    tensor_files.save_tensors(tmp_path / "weights", {"a": torch.ones(2)})
    failing("weights", errno.ESTALE, 3)
    assert tensor_files.load_tensors(tmp_path / "weights")[0]["a"].tolist() == [1, 1]


def test_a_pulse_that_cannot_be_looked_at_is_not_one_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = pulse_file(tmp_path, 1)
    own.touch()
    with monkeypatch.context() as patch:

        def looked(place: Path) -> Any:
            raise OSError(errno.ESTALE, "Stale file handle")

        patch.setattr(os, "scandir", looked)
        assert not is_superseded(tmp_path, 1)
    assert not is_superseded(tmp_path, 1)
    own.unlink()
    assert is_superseded(tmp_path, 1)


def test_what_will_not_pass_is_not_tried_again() -> None:
    tries = []

    def fails() -> None:
        tries.append(1)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        steadily(fails)
    assert len(tries) == 1
