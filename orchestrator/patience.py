"""A bound on waiting: whatever a library does meanwhile, a person is told within it."""

import threading
from collections.abc import Callable
from typing import TypeVar

START_SECONDS = 20.0
"""So long is waited for any one thing that a run needs at its start: a server, a database, a cluster."""
LOOK_SECONDS = 0.2

T = TypeVar("T")


class LateError(Exception):
    """Something did not end within the time that it was given. Its thread is left to itself."""


def within(seconds: float, action: Callable[[], T]) -> T:
    """Return what the action returns, in a thread of its own, if it does within so many seconds.

    Signals come through meanwhile, which they would not if the action were waited for plainly.

    Raises:
        LateError: it does not.
        Exception: what the action raises.
    """
    results: list[T] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def work() -> None:
        try:
            results.append(action())
        except BaseException as error:  # noqa: BLE001 (raised again in the thread that waits)
            errors.append(error)
        done.set()

    threading.Thread(target=work, name="bounded", daemon=True).start()
    wait(done, seconds)
    if errors:
        raise errors[0]
    if not results:
        raise LateError(f"no answer within {seconds:g} s")
    return results[0]


def wait(done: threading.Event, seconds: float) -> bool:
    """Wait for an event, in pieces: a plain wait would keep signals from their handlers. Return whether it came."""
    for _ in range(max(1, round(seconds / LOOK_SECONDS))):
        if done.wait(min(LOOK_SECONDS, seconds)):
            return True
    return done.is_set()
