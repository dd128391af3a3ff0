"""The keeper of a home: a process on a node that sees it, and those on other nodes that reach its files through it.

Nothing here knows how the two speak. Files travel whole, with their SHA-256, and get their names when they are whole.
"""

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from trainers.files.files import locked, remove, replaced
from trainers.files.passing import steadily

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Content = NDArray[np.uint8]

Stamp = tuple[int, int]
"""Bytes of a file, and when it was last changed by the keeper's clock, in nanoseconds."""

MOST_WEIGHTS = 8
"""Files that were fetched stay for the trials that follow: so many, those that were used last."""


class KeeperLostError(Exception):
    """The keeper is gone for good, and with it whoever waits for this worker."""


class HomeFiles:
    """The keeper's side: a home's files for whoever does not see them. It remembers nothing, so another may take its
    place at any moment; several threads may call it."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def sees(self, name: str) -> bool:
        """Return whether a file is there."""
        return self._place(name).exists()

    def names(self, folder: str) -> list[str]:
        """Return what is in a folder."""
        return steadily(lambda: [path.name for path in self._place(folder).iterdir()])

    def touch(self, name: str, text: str = "") -> None:
        """Make a file that says this, with its folder."""
        place = self._place(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def beat(self, name: str) -> None:
        """Change the time of a file, where there is one."""
        with contextlib.suppress(OSError):
            os.utime(self._place(name))

    def read(self, name: str, known: Stamp | None) -> "tuple[Content, str, Stamp] | None":
        """Return a file with its digest and stamp; None where its stamp is `known`."""
        import numpy as np

        with self._place(name).open("rb") as file:
            stamp = _stamp(os.fstat(file.fileno()))
            if stamp == known:
                return None
            content = np.fromfile(file, np.uint8)
        return content, digest(content), stamp

    def write(self, name: str, content: "Content", expected: str) -> None:
        """Write a file.

        Raises:
            OSError: it cannot be written, or is not what was sent.
        """
        _check(name, content, expected)
        with replaced(self._place(name)) as temporary:
            temporary.write_bytes(content.data)

    def remove(self, name: str) -> None:
        """Remove a file, where there is one."""
        remove(self._place(name))

    def _place(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts:
            raise ValueError(f"{name!r} names no file of a home")
        return self._home.joinpath(*parts)


class FarFiles:
    """The worker's side: the home's files by way of the keeper; a `trainers.files.store.Keeper`.

    Args:
        ask: calls a method of the keeper's `HomeFiles` and waits for what it returns or raises.
        tell: calls one and does not wait.
        node: what stands in the files that are touched: which node's they are.
    """

    def __init__(self, ask: Callable[..., Any], tell: Callable[..., None], node: str = "") -> None:
        self._ask = ask
        self._tell = tell
        self._node = node

    def names(self, folder: str) -> list[str]:
        found: list[str] = self._ask("names", folder)
        return found

    def touch(self, name: str) -> None:
        self._ask("touch", name, self._node)

    def beat(self, name: str) -> None:
        self._tell("beat", name)

    def fetch(self, name: str, to: Path) -> None:
        """Have the file here as it is there; it is brought once, however many processes of this node ask for it."""
        with locked(to.with_name(f".{to.name}.lock")):
            steadily(lambda: self._fetch(name, to))
        _leave(to.parent, MOST_WEIGHTS)

    def _fetch(self, name: str, to: Path) -> None:
        known = _stamp(to.stat()) if to.exists() else None
        found = self._ask("read", name, known)
        if found is not None:
            content, expected, (_, changed) = found
            _check(name, content, expected)
            with replaced(to) as temporary:
                temporary.write_bytes(content.data)
                os.utime(temporary, ns=(changed, changed))
        os.utime(to, ns=(time.time_ns(), to.stat().st_mtime_ns))  # used last

    def keep(self, name: str, source: Path) -> None:
        import numpy as np

        content = np.fromfile(source, np.uint8)
        steadily(lambda: self._ask("write", name, content, digest(content)))

    def remove(self, name: str) -> None:
        self._ask("remove", name)


def digest(content: "Content") -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(content.data).hexdigest()


def _check(name: str, content: "Content", expected: str) -> None:
    if digest(content) != expected:
        raise OSError(errno.EIO, "it is not what was sent", name)


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_size, status.st_mtime_ns


def _leave(folder: Path, most: int) -> None:
    """Remove all but so many files with tensors, those that were used last."""
    found = sorted(folder.glob("*.safetensors"), key=lambda path: path.stat().st_atime_ns)
    for path in found[:-most]:
        remove(path)
