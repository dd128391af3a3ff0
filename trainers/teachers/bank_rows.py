"""Rows of a bank as bytes: the check that each has, and reading those that are right without writing anything.

Needs no torch: a report reads banks, too.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = 2
MANIFEST, LOGITS, CHECKS = "manifest.json", "logits.bin", "checks.bin"
MULTIPLIERS_SEED = 20_260
LOOKED_AT = 2**24
"""Checks that are read to find rows; of a larger bank every so-many-th."""
READ_AT_ONCE = 2**22
"""Checks."""


def multipliers(row_bytes: int) -> NDArray[np.uint64]:
    """Return the odd numbers that the words of a row are multiplied with."""
    random = np.random.Generator(np.random.PCG64(MULTIPLIERS_SEED))
    return random.integers(0, 2**63, row_bytes // 2, dtype=np.uint64) * 2 + 1


def checks_of(numbers: NDArray[np.int64], logits: NDArray[Any], odd: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Return a number of each row, never 0, that depends on its place and on every bit of it.

    The upper half of a sum of products with odd multipliers, modulo 2**64: two rows that differ share it with a
    chance of about 2**-32.
    """
    words = np.ascontiguousarray(logits).view(np.uint16).astype(np.uint64)
    sums = (words * odd).sum(axis=1, dtype=np.uint64)
    sums += numbers.astype(np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)
    upper: NDArray[np.uint32] = (sums >> np.uint64(32)).astype(np.uint32)
    return np.maximum(upper, np.uint32(1))


@dataclass(frozen=True, slots=True)
class StoredBank:
    """What lies in a bank's folder, for reading."""

    folder: Path
    teacher: Mapping[str, Any]
    """Content of the teacher: its id among others."""
    dataset: str
    data_digest: str
    shape: tuple[int, int, int]
    """Images, views, classes."""

    @property
    def logit_type(self) -> str:
        """float32 or float16."""
        return str(self.teacher["logit_type"])


def stored_bank(folder: Path) -> StoredBank | None:
    """Return the bank in a folder; None where there is none that this version can read."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        images, views, classes = (int(size) for size in manifest["shape"])
        if manifest["format"] != FORMAT or manifest["teacher"]["logit_type"] not in ("float32", "float16"):
            return None
        names = (str(manifest["dataset"]), str(manifest["data_digest"]))
        return StoredBank(folder, manifest["teacher"], *names, (images, views, classes))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sampled_rows(bank: StoredBank, most: int) -> NDArray[np.float32]:
    """Return up to `most` of the rows [N, classes] that are there and right, spread evenly over all that are.

    Files that are missing or of another size give none: a bank that is being made, or cut.
    """
    images, views, classes = bank.shape
    rows, kind = images * views, np.dtype(bank.logit_type)
    width, stride = classes * kind.itemsize, -(-rows // LOOKED_AT)
    none = np.empty((0, classes), dtype=np.float32)
    try:
        checks = _every(bank.folder / CHECKS, rows, stride)
        known = np.flatnonzero(checks)
        if not len(known):
            return none
        chosen = known[np.linspace(0, len(known) - 1, min(most, len(known))).astype(np.int64)]
        numbers = chosen * stride
        with (bank.folder / LOGITS).open("rb") as file:
            answers = b"".join(os.pread(file.fileno(), width, number * width) for number in numbers.tolist())
        some = np.frombuffer(answers, kind).reshape(len(numbers), classes)
    except (OSError, ValueError):
        return none
    right = checks[chosen] == checks_of(numbers, some, multipliers(width))
    found: NDArray[np.float32] = some[right].astype(np.float32)
    return found


def _every(path: Path, rows: int, stride: int) -> NDArray[np.uint32]:
    """Return every so-many-th check of a file; read, not mapped: a page of a mapped file that cannot be had, on a full
    disk or because the file is being cut, would end the process.

    Raises:
        OSError, ValueError: it cannot be read, or is shorter.
    """
    block = stride * max(1, READ_AT_ONCE // stride)
    with path.open("rb") as file:
        parts = []
        for start in range(0, rows, block):
            part = np.fromfile(file, np.uint32, min(block, rows - start))
            if len(part) < min(block, rows - start):
                raise ValueError(f"{path} has fewer than {rows} checks")
            parts.append(part[::stride])
    return np.concatenate(parts)
