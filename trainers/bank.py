"""The bank: a teacher's logits for every (image, view) of the training set, computed once and memory-mapped.

A bank is a folder with `logits.npy` [images, views, classes] and `manifest.json`, renamed into place when both are on
disk: a half-written one is never read. All trials with that teacher, data set and view set share it.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainers.device_data import DeviceData
from trainers.files import locked, remove, replaced
from trainers.store import Store
from trainers.teacher import ANSWER_ROWS, FrozenTeacher
from trainers.trial import Teacher, digest

FORMAT = 1
CHUNK_IMAGES = 256
SAMPLE_ROWS = 64
SAMPLE_TOLERANCE = {"float32": 1e-4, "float16": 2e-2}

log = logging.getLogger("kdsweep")


class BankError(Exception):
    """A bank on disk is not the one that this teacher would write: damaged, foreign or from other code."""


@dataclass(frozen=True, slots=True)
class Bank:
    """Logits that are there for every image and view."""

    logits: NDArray[Any]
    """[images, views, classes], memory-mapped, float32 or float16."""

    def rows(self, images_B: Tensor, views_B: Tensor) -> Tensor:
        """Return the stored logits [B, classes] of these images in these views, on the CPU."""
        return torch.from_numpy(self.logits[images_B.numpy(), views_B.numpy()])


def bank_name(teacher: Teacher, data: DeviceData) -> str:
    """Return the name of the bank: a digest of all that its logits depend on."""
    return digest(_identity(teacher, data))[:32]


def open_or_fill(
    teacher: Teacher,
    answering: FrozenTeacher,
    data: DeviceData,
    store: Store,
    on_step: Callable[[], None] = lambda: None,
) -> tuple[Bank, int]:
    """Return the bank and how many images the teacher answered to fill it (0 where it was there).

    One process fills, the others wait for it. A bank that cannot be trusted is set aside, not read, and filled anew.

    Args:
        on_step: called after every chunk of images, and while another process fills.

    Raises:
        OSError: the bank cannot be written (a full disk, say). Nothing half-written stays.
    """
    folder = store.bank(bank_name(teacher, data))
    with locked(folder.with_name(f"{folder.name}.lock"), on_step):
        if folder.exists():
            try:
                return _open(folder, teacher, answering, data), 0
            except (BankError, OSError, ValueError, KeyError) as error:
                aside = folder.with_name(f"{folder.name}.damaged")
                log.warning("the teacher logits in %s are not used and are computed anew: %s", folder, error)
                remove(aside)
                folder.rename(aside)
        _fill(folder, teacher, answering, data, on_step)
        bank = _open(folder, teacher, answering, data)
    return bank, bank.logits.shape[0] * bank.logits.shape[1]


def _identity(teacher: Teacher, data: DeviceData) -> dict[str, object]:
    return {
        "format": FORMAT,
        "teacher": teacher.id,
        "precision": teacher.precision,
        "logit_type": teacher.logit_type,
        "data_digest": data.info.digest,
        "view_set": data.info.view_set,
        "views": data.info.views,
    }


def _fill(
    folder: Path, teacher: Teacher, answering: FrozenTeacher, data: DeviceData, on_step: Callable[[], None]
) -> None:
    for left_by_a_dead_writer in folder.parent.glob(f".{folder.name}.*.tmp"):  # the lock is ours: nobody writes there
        remove(left_by_a_dead_writer)
    images, views = len(data.train_targets), data.train.count
    shape = (images, views, data.info.classes)
    with replaced(folder) as temporary:
        temporary.mkdir()
        array = np.lib.format.open_memmap(temporary / "logits.npy", mode="w+", dtype=teacher.logit_type, shape=shape)
        _allocate(temporary / "logits.npy")
        checksum = hashlib.blake2b()
        for start in range(0, images, CHUNK_IMAGES):
            numbers = torch.arange(start, min(start + CHUNK_IMAGES, images))
            rows = _answers(answering, data, numbers.repeat_interleave(views), torch.arange(views).repeat(len(numbers)))
            array[start : start + len(numbers)] = rows.reshape(len(numbers), views, -1)
            checksum.update(rows.tobytes())
            on_step()
        array.flush()
        manifest = {**_identity(teacher, data), "shape": shape, "blake2b": checksum.hexdigest()}
        (temporary / "manifest.json").write_text(json.dumps(manifest, indent=1))


def _allocate(path: Path) -> None:
    """Take all the disk that the file will need, now: a full disk met while writing to mapped memory kills the process
    with SIGBUS, where this raises an OSError."""
    with path.open("r+b") as handle:
        os.posix_fallocate(handle.fileno(), 0, path.stat().st_size)


def _answers(answering: FrozenTeacher, data: DeviceData, images: Tensor, views: Tensor) -> NDArray[Any]:
    parts = []
    for batch in data.train.batches(images, views, ANSWER_ROWS, answering.size):
        see = answering.lens or data.lens
        parts.append(answering.logits(see(batch.pixels if batch.also is None else batch.also)).to("cpu"))
    return torch.cat(parts).numpy()


def _open(folder: Path, teacher: Teacher, answering: FrozenTeacher, data: DeviceData) -> Bank:
    manifest = json.loads((folder / "manifest.json").read_text())
    logits = np.load(folder / "logits.npy", mmap_mode="r", allow_pickle=False)
    expected = (len(data.train_targets), data.train.count, data.info.classes)
    if any(manifest.get(name) != value for name, value in _identity(teacher, data).items()):
        raise BankError("its manifest names another teacher, data set or view set")
    if logits.shape != expected or logits.dtype != np.dtype(teacher.logit_type):
        raise BankError(f"it holds {logits.dtype}{logits.shape}, expected {teacher.logit_type}{expected}")
    bank = Bank(logits)
    _check_sample(bank, teacher, answering, data)
    return bank


def _check_sample(bank: Bank, teacher: Teacher, answering: FrozenTeacher, data: DeviceData) -> None:
    """Compare rows spread over the whole bank with what the teacher answers now."""
    images = torch.linspace(0, bank.logits.shape[0] - 1, SAMPLE_ROWS).long()
    views = torch.arange(SAMPLE_ROWS) % bank.logits.shape[1]
    stored = bank.rows(images, views).float()
    live = torch.from_numpy(_answers(answering, data, images, views)).float()
    tolerance = SAMPLE_TOLERANCE[teacher.logit_type] * max(1.0, float(live.abs().max()))
    if not torch.allclose(stored, live, rtol=0, atol=tolerance):
        worst = float((stored - live).abs().max())
        raise BankError(f"a sample of its logits differs from the teacher's answers by up to {worst:.3g}")
