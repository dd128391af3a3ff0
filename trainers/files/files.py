"""Files that are whole or not there: written under a temporary name, flushed to disk, then renamed.

Files of others are looked at before they are read: only regular ones, of a size that has a bound.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

LOCK_POLL_SECONDS = 0.1
MOST_DATA_BYTES = 16 * 2**30
"""Of a data set's file that is read at once."""
MOST_WEIGHTS_BYTES = 64 * 2**30
"""Of a file with weights."""
HELD = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES})
"""What locking answers while another process holds the lock: over NFS also the last."""
NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.ENOTTY})
"""What it answers where there are no locks to be had."""
NO_SYNC = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EBADF, errno.ENOTTY})
"""What flushing a folder answers where its file system keeps none by itself: there is nothing to flush."""
INTERRUPTED_TRIES = 100
"""A call that the file system itself breaks off again and again is an error in the end."""

KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
"""What is found under a file's name that is no file."""


class NoLocksError(OSError):
    """A file could not be locked, for another reason than that somebody holds it: `errno` is in `NO_LOCKS` where its
    file system has no locks."""


class NotRegularError(ValueError):
    """What was to be read is a directory, a pipe, a socket or a device.

    Attributes:
        kind: which of these, in words.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.kind = kind
        super().__init__(f"must be a file, {str(path)!r} is {kind}")


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; what was written there becomes `path` when the block ends without error.

    A file or a whole folder. A reader of `path` sees all of the old or all of the new. On an error the temporary one
    is removed and `path` stays as it was. A folder does not replace a folder that is there already: the first wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        sync(temporary)
        _put(temporary, path)
        _sync_folder(path.parent)
    finally:
        remove(temporary)


@contextlib.contextmanager
def regular_file(path: Path, most_bytes: int) -> Iterator[BufferedReader]:
    """Open a file of somebody else's for reading. What is no regular file, behind links too, is never opened: a pipe
    would wait for a writer, a device may have no end.

    Raises:
        OSError: there is no such file, or it must not be read.
        ValueError: it is none, or larger than `most_bytes`; names it.
    """
    _check_kind(path, path.stat().st_mode)
    # what stands there may be another by now: opened so, a pipe does not wait
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as handle:
        found = os.fstat(handle.fileno())
        _check_kind(path, found.st_mode)
        if found.st_size > most_bytes:
            raise ValueError(f"{str(path)!r} has {found.st_size} bytes, at most {most_bytes} are read")
        yield handle


def read_regular(path: Path, most_bytes: int) -> bytes:
    """Return what is in a file of somebody else's.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: it is no regular file, or has more than `most_bytes`, whatever its size is told to be; names it.
    """
    with regular_file(path, most_bytes) as handle:
        content = handle.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError(f"{str(path)!r} has more than {most_bytes} bytes")
    return content


def _check_kind(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotRegularError(path, KINDS.get(stat.S_IFMT(mode), "no file"))


def _put(temporary: Path, path: Path) -> None:
    """Give a file or a folder its name; of folders the first to come stays."""
    is_folder = temporary.is_dir()
    if is_folder and path.exists():
        return
    try:
        temporary.replace(path)
    except OSError as error:
        if not (is_folder and error.errno in (errno.EEXIST, errno.ENOTEMPTY) and path.is_dir()):
            raise


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; nothing happens where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file, or a folder and the files in it, to the disk."""
    if path.is_dir():
        for child in path.iterdir():
            sync(child)
        _sync_folder(path)
    else:
        _sync_one(path)


def _sync_folder(path: Path) -> None:
    """Flush the names in a folder, where its file system can."""
    try:
        _sync_one(path)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold an exclusive lock on `path` (made if missing); waits for other processes. Freed when the holder dies.

    Args:
        waiting: called again and again while another process holds it.

    Raises:
        OSError: the file cannot be made, or its file system has no locks (`NoLocksError`).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as handle:
        while not try_lock(handle):
            waiting()
            time.sleep(LOCK_POLL_SECONDS)
        yield


def try_lock(handle: IO[Any], *, shared: bool = False) -> bool:
    """Lock an open file without waiting; return False where another process holds it.

    Raises:
        NoLocksError: the file system has no locks, or lost the file.
    """
    for left in reversed(range(INTERRUPTED_TRIES)):
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in HELD:
                return False
            if error.errno != errno.EINTR or not left:
                raise NoLocksError(error.errno, error.strerror) from error
        else:
            return True
    return False


def check_locks(handle: IO[Any]) -> None:
    """Find out whether an open file, which nobody else knows, can be locked in both ways that are needed: whole, and
    byte by byte as SQLite does.

    Raises:
        NoLocksError: it cannot.
    """
    if not try_lock(handle):
        raise NoLocksError(errno.ENOLCK, "a new file is locked already")
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise NoLocksError(error.errno, error.strerror) from error
