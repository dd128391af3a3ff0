"""Who computes what: processes that fill one bank share the work without two of them computing the same row.

A claim is a file with the numbers of rows, locked for as long as its writer works on them. The lock goes with the
process, so what a killed one had claimed is free again.
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainers.files.files import locked, try_lock

SHARE = 16
"""Of the batches that are free, one in so many is claimed at once: few claims while much is left, small ones at the
end, so that all finish together."""
NUMBER_BYTES = 8
Numbers = NDArray[np.int64]


class Claims:
    """The claims on the rows of one bank, in a folder of their own.

    Raises:
        OSError: the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def claimed(self, wanted: Numbers, rows: int, waiting: Callable[[], None]) -> Iterator[Numbers]:
        """Yield those of the wanted numbers that this process is to compute, in multiples of `rows` unless it is all
        that is free; nothing where others have claimed them all. They are given up when the block ends.

        Args:
            waiting: called while others are claiming.

        Raises:
            OSError: the disk is full, say.
        """
        with contextlib.ExitStack() as stack:
            with locked(self._folder / "lock", waiting):
                free = np.setdiff1d(wanted, self._of_others(), assume_unique=False)
                mine = free[: max(1, len(free) // rows // SHARE) * rows]
                if len(mine):
                    path = self._folder / f"{os.getpid()}-{secrets.token_hex(4)}.rows"
                    handle = stack.enter_context(path.open("xb"))
                    stack.callback(path.unlink, missing_ok=True)
                    try_lock(handle)  # nobody else knows the file
                    handle.write(mine.tobytes())
                    handle.flush()
            yield mine

    def _of_others(self) -> Numbers:
        """Return what the claims of living processes hold; remove those of dead ones."""
        found = [np.empty(0, np.int64)]
        for path in self._folder.glob("*.rows"):
            try:
                with path.open("rb") as handle:
                    if try_lock(handle, shared=True):
                        path.unlink(missing_ok=True)
                    else:
                        content = handle.read()
                        whole = (
                            len(content) // NUMBER_BYTES * NUMBER_BYTES
                        )  # it may be being written, or the disk be full
                        found.append(np.frombuffer(content[:whole], np.int64))
            except FileNotFoundError:
                continue  # given up just now
        return np.concatenate(found)
