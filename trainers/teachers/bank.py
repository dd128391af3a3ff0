"""The bank: a teacher's logits by (image, view) of the training set, each computed once, when it is first needed.

A bank is a folder with `manifest.json`, `logits.bin` [images, views, classes] and `checks.bin`, a number for each row
that depends on the row's place and bytes; 0 is a row that nobody has computed. Both files are sparse: what is not
there takes no disk. All trials of a node with that teacher, data set and view set read them mapped into memory, and
write what they compute. A row is believed only where its check fits: one that is half written, cut off, moved, or from
a disk that lost a page is computed again. So killing a writer, a full disk or two writers of one row can cost time,
and never a wrong logit.
"""

import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainers.files.files import locked, remove, replaced
from trainers.files.store import Store
from trainers.teachers.bank_rows import CHECKS, FORMAT, LOGITS, MANIFEST, checks_of, multipliers
from trainers.teachers.claims import Claims
from trainers.teachers.frozen import FrozenTeacher
from trainers.trials.trial import Teacher, digest, teacher_content
from trainers.views.device_data import DeviceData
from trainers.views.views import Batch

SAMPLE_ROWS = 64
SAMPLE_TOLERANCE = {"float32": 1e-4, "float16": 2e-2}
POLL_SECONDS = 0.05
"""Between two looks for what others compute."""
READ_AT_ONCE = 16_384
"""Rows that are checked together when an epoch's are looked for."""
BANKS_KEPT = 4
"""Open at a time in a process, as many as teachers are held."""
MOST_RESERVED_BYTES = 2**26
"""Checks of so many bytes have their room from the start: they are read through a map, and a hole in a map ends the
process where a file system, as tmpfs, has no room left for it."""

log = logging.getLogger("kdsweep")


class BankError(Exception):
    """A bank on disk is not the one that this teacher would write: foreign or from other code."""


class Bank:
    """The logits of one teacher for one data set in one set of views, as one process sees them.

    Args:
        folder: that holds it.
        shape: images, views, classes.
        logit_type: float32 or float16.

    Raises:
        OSError: its files cannot be opened.
    """

    def __init__(
        self, folder: Path, shape: tuple[int, int, int], logit_type: str, answering: FrozenTeacher, data: DeviceData
    ) -> None:
        self._folder = folder
        self._views = shape[1]
        self._rows = shape[0] * shape[1]
        self._answering = answering
        self._data = data
        self._type = np.dtype(logit_type)
        self._row_bytes = shape[2] * self._type.itemsize
        self._claims = Claims(folder / "claims")
        self._writers: list[int] = []
        self._sizes = (self._rows * self._row_bytes, self._rows * 4)
        for name, size in zip((LOGITS, CHECKS), self._sizes, strict=True):
            descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o644)
            self._writers.append(descriptor)
            if os.fstat(descriptor).st_size != size:
                os.ftruncate(descriptor, size)  # a file that was cut gets holes: rows that nobody has computed
                if name == CHECKS and size <= MOST_RESERVED_BYTES:
                    os.posix_fallocate(descriptor, 0, size)
        self._logits = np.memmap(folder / LOGITS, dtype=self._type, mode="r", shape=(self._rows, shape[2]))
        self._checks = np.memmap(folder / CHECKS, dtype=np.uint32, mode="r", shape=(self._rows,))
        self._multipliers = multipliers(self._row_bytes)
        self.damaged = 0
        """Rows found whose check did not fit."""
        self._writable = True

    def __del__(self) -> None:
        for descriptor in getattr(self, "_writers", ()):
            os.close(descriptor)

    def rows(self, batch: Batch, whole: Callable[[], Tensor | None] = lambda: None) -> tuple[Tensor, int]:
        """Return the logits [B, classes] of a batch, on the CPU, and how many of them the teacher answered here.

        Args:
            whole: gives the same logits of all the batch in the stored type, if they can be had from elsewhere; asked
                where some are missing.
        """
        numbers = batch.images.numpy() * self._views + batch.views.numpy()
        logits, right = self._read(numbers)
        missing = np.flatnonzero(~right)
        if not len(missing):
            return torch.from_numpy(logits), 0
        others, places, answered = whole(), torch.from_numpy(missing), 0
        if others is None:
            see = self._answering.lens or self._data.lens
            pixels = batch.at(self._answering.size)
            answers, answered = self._answering.logits(see(pixels[places.to(pixels.device)])), len(missing)
        else:
            answers = others[places.to(others.device)]
        found = answers.to("cpu").numpy()
        logits[missing] = found
        self._write(numbers[missing], found)
        return torch.from_numpy(logits), answered

    def all_rows(self, images: Tensor, views: Tensor) -> Tensor | None:
        """Return the logits of these images in these views, on the CPU; None where one is not there."""
        logits, right = self._read(images.numpy() * self._views + views.numpy())
        return torch.from_numpy(logits) if right.all() else None

    def prepare(self, images: Tensor, views: Tensor, on_step: Callable[[], None] = lambda: None) -> int:
        """Have the logits of these images in these views computed where they are missing, in full batches; return how
        many the teacher answered here.

        Several processes share the work: each computes what no other has claimed, then waits for what others have.
        """
        numbers, count = np.unique(images.numpy() * self._views + views.numpy()), 0
        while self._writable:
            numbers = numbers[~self._there(numbers)]
            if not len(numbers):
                break
            with self._claims.claimed(numbers, self._answering.rows, on_step) as mine:
                mine = mine[~self._there(mine)]  # others may have ended between the look and the claim
                self._fill(mine, on_step)
                count += len(mine)
            numbers = np.setdiff1d(numbers, mine)  # never twice, whatever the disk made of them
            if not len(mine):
                on_step()
                time.sleep(POLL_SECONDS)
        return count

    def compare(self, tolerance: float) -> float | None:
        """Return by how much the stored logits of some rows differ at most from what the teacher answers now, where
        that is more than the tolerance, a share of the largest logit; else None."""
        known = np.flatnonzero(np.array(self._checks))  # a copy: others write, and numpy minds
        if not len(known):
            return None
        numbers = known[np.linspace(0, len(known) - 1, min(SAMPLE_ROWS, len(known))).astype(np.int64)]
        logits, right = self._read(numbers)
        numbers, logits = numbers[right], logits[right]
        if not len(numbers):
            return None
        live = self._answer(numbers).astype(np.float32)
        worst = float(np.abs(logits.astype(np.float32) - live).max())
        return worst if not worst <= tolerance * max(1.0, float(np.abs(live).max())) else None

    def _there(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which rows are there and right, a piece at a time: together they may be more than fits in memory."""
        found = np.zeros(len(numbers), dtype=bool)
        for start in range(0, len(numbers), READ_AT_ONCE):
            some = numbers[start : start + READ_AT_ONCE]
            known = self._checks[some] != 0
            rows = some[known]
            known[known] = self._read(rows)[1]
            found[start : start + READ_AT_ONCE] = known
        return found

    def _read(self, numbers: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return rows, and which of them are right. Checks are read first: they are written last."""
        stored = self._checks[numbers]
        there = stored != 0
        if there.all():
            logits: NDArray[Any] = self._logits[numbers]
        else:  # a hole of a mapped file is not looked into: tmpfs needs room for that, and ends the process without
            logits = np.zeros((len(numbers), self._logits.shape[1]), self._type)
            logits[there] = self._logits[numbers[there]]
        right: NDArray[np.bool_] = there & (stored == checks_of(numbers, logits, self._multipliers))
        damaged = int((there & ~right).sum())
        if damaged and not self.damaged:
            log.warning("teacher logits in %s are damaged and are computed anew as they are met", self._folder)
        self.damaged += damaged
        return logits, right

    def _fill(self, numbers: NDArray[np.int64], on_step: Callable[[], None]) -> None:
        for start in range(0, len(numbers), self._answering.rows):
            some = numbers[start : start + self._answering.rows]
            self._write(some, self._answer(some))
            on_step()

    def _answer(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        images, views = (torch.from_numpy(part) for part in np.divmod(numbers, self._views))
        see, parts = self._answering.lens or self._data.lens, []
        size = self._answering.size
        for batch in self._data.train.batches(images, views, self._answering.rows, [size] if size else ()):
            parts.append(self._answering.logits(see(batch.at(size))).to("cpu"))
        return torch.cat(parts).numpy()

    def _write(self, numbers: NDArray[np.int64], logits: NDArray[Any]) -> None:
        """Write rows and then their checks, by system calls: a full disk is an error here, where it would kill the
        process if memory were written that is mapped to it.

        Raises:
            OSError: the disk is full, say. Rows without a check are rows that nobody has computed.
        """
        if not self._writable:
            return
        checks = checks_of(numbers, logits, self._multipliers)
        order = np.argsort(numbers, kind="stable")
        starts = np.flatnonzero(np.diff(numbers[order], prepend=-2) != 1)
        for rows in np.split(order, starts[1:]):
            first = int(numbers[rows[0]])
            _write_all(self._writers[0], logits[rows].tobytes(), first * self._row_bytes)
            _write_all(self._writers[1], checks[rows].tobytes(), first * 4)

    def stop_writing(self) -> None:
        """Keep nothing more: the disk is full. What is there is still read."""
        self._writable = False

    def reopen(self) -> bool:
        """Write again, for the next trial; return whether the files are still those that were opened."""
        self._writable = True
        try:
            now = [(self._folder / name).stat() for name in (LOGITS, CHECKS)]
        except OSError:
            return False
        opened = [os.fstat(descriptor) for descriptor in self._writers]
        same = all(a.st_ino == b.st_ino and a.st_dev == b.st_dev for a, b in zip(now, opened, strict=True))
        return same and [one.st_size for one in now] == list(self._sizes)


def _write_all(descriptor: int, content: bytes, at: int) -> None:
    while content:
        written = os.pwrite(descriptor, content, at)
        content, at = content[written:], at + written


def bank_name(teacher: Teacher, data: DeviceData) -> str:
    """Return the name of the bank: a digest of all that its logits depend on."""
    return digest(_identity(teacher, data))[:32]


def open_bank(
    teacher: Teacher,
    answering: FrozenTeacher,
    data: DeviceData,
    store: Store,
    on_step: Callable[[], None] = lambda: None,
) -> Bank:
    """Return the bank of a teacher on a data set, made empty where there is none; the one that this process has open
    already, if its files are still the same.

    One that is not this teacher's, or whose sampled logits are not what the teacher answers now, is set aside.

    Args:
        on_step: called while another process opens it.

    Raises:
        OSError: its files cannot be made or read.
    """
    folder = store.bank(bank_name(teacher, data))
    shape = (len(data.train_targets), data.train.count, data.info.classes)
    with locked(folder.with_name(f"{folder.name}.lock"), on_step):
        if folder.exists():
            try:
                return _kept(_opened(folder, shape, teacher, answering, data), folder, data)
            except (BankError, ValueError, KeyError) as error:
                aside = folder.with_name(f"{folder.name}.damaged")
                log.warning("the teacher logits in %s are not used and are computed anew: %s", folder, error)
                remove(aside)
                folder.rename(aside)
        with replaced(folder) as temporary:
            temporary.mkdir()
            manifest = {**_identity(teacher, data), "shape": shape, **_for_people(teacher, data)}
            (temporary / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        return _kept(Bank(folder, shape, teacher.logit_type, answering, data), folder, data)


_KEPT: dict[tuple[Path, torch.device], Bank] = {}
"""Banks that this process has open, the last used last: comparing one with its teacher costs a batch of answers."""


def _kept(bank: Bank, folder: Path, data: DeviceData) -> Bank:
    place = (folder, data.train_targets.device)
    _KEPT.pop(place, None)
    _KEPT[place] = bank
    while len(_KEPT) > BANKS_KEPT:
        del _KEPT[next(iter(_KEPT))]
    return bank


def _identity(teacher: Teacher, data: DeviceData) -> dict[str, object]:
    return {
        "format": FORMAT,
        "teacher": teacher_content(teacher),
        "data_digest": data.info.digest,
        "view_set": data.info.view_set,
        "views": data.info.views,
        "from_memory": data.in_memory,
    }


def _for_people(teacher: Teacher, data: DeviceData) -> dict[str, object]:
    return {"network": teacher.model, "dataset": data.info.name}


def _opened(
    folder: Path, shape: tuple[int, int, int], teacher: Teacher, answering: FrozenTeacher, data: DeviceData
) -> Bank:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BankError(f"it has no {MANIFEST}") from error
    if any(manifest.get(name) != value for name, value in _identity(teacher, data).items()):
        raise BankError("its manifest names another teacher, data set or view set")
    if tuple(manifest["shape"]) != shape:
        raise BankError(f"it is for {manifest['shape']} images, views and classes, expected {[*shape]}")
    open_already = _KEPT.get((folder, data.train_targets.device))
    if open_already is not None and open_already.reopen():
        return open_already
    bank = Bank(folder, shape, teacher.logit_type, answering, data)
    worst = bank.compare(SAMPLE_TOLERANCE[teacher.logit_type])
    if worst is not None:
        raise BankError(f"a sample of its logits differs from the teacher's answers by up to {worst:.3g}")
    return bank
