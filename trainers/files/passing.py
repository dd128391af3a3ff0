"""Errors of a file system that may pass: one failed look at a file does not mean that it never was."""

import errno
import time
from collections.abc import Callable
from typing import TypeVar

PASSING = frozenset(
    {errno.ESTALE, errno.EIO, errno.EAGAIN, errno.EINTR, errno.EBUSY, errno.ETIMEDOUT, errno.EREMOTEIO}
    | {errno.ECONNRESET, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ESHUTDOWN}
)
"""They say nothing of a file: a server that was away, a handle that is stale, a disk that is asked again."""
PAUSES_SECONDS = (0.1, 0.5, 2.0)
"""Before the second, third and fourth try."""

T = TypeVar("T")


def steadily(action: Callable[[], T], sleep: Callable[[float], None] | None = None) -> T:
    """Return what the action returns; one that fails for a reason that may pass is tried again, three times.

    Raises:
        OSError: of the last try, or one that will stay.
    """
    for pause in PAUSES_SECONDS:
        try:
            return action()
        except OSError as error:
            if error.errno not in PASSING:
                raise
        (sleep or time.sleep)(pause)
    return action()
