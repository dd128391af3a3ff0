"""A bound on waiting: whatever a library does meanwhile, a person is told within it.

What is waited for runs in a thread of its own: signals come through meanwhile, which they would not if it were waited
for plainly.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

START_SECONDS = 20.0
"""So long is waited for any one thing that a run needs at its start: a server, a database, a cluster."""
LOOK_SECONDS = 0.2

T = TypeVar("T")


class LateError(Exception):
    """Something did not end within the time that it was given. Its thread is left to itself."""


def within(seconds: float, action: Callable[[], T]) -> T:
    """Return what the action returns, if it does within so many seconds.

    Raises:
        LateError: it does not.
        Exception: what the action raises.
    """
    return _Begun(action).result(lambda done: wait(done, seconds), f"no answer within {seconds:g} s")


def unless(given_up: Callable[[], bool], action: Callable[[], T]) -> T:
    """Return what the action returns, if it does before it is given up.

    Args:
        given_up: asked several times a second.

    Raises:
        LateError: it does not.
        Exception: what the action raises.
    """

    def attend(done: threading.Event) -> None:
        while not done.wait(LOOK_SECONDS) and not given_up():
            pass

    return _Begun(action).result(attend, "given up")


class _Begun(Generic[T]):
    """An action on its way, in a daemon thread."""

    def __init__(self, action: Callable[[], T]) -> None:
        self._action = action
        self._results: list[T] = []
        self._errors: list[BaseException] = []
        self._done = threading.Event()
        threading.Thread(target=self._work, name="bounded", daemon=True).start()

    def _work(self) -> None:
        try:
            self._results.append(self._action())
        except BaseException as error:  # noqa: BLE001 (raised again in the thread that waits)
            self._errors.append(error)
        self._done.set()

    def result(self, attend: Callable[[threading.Event], object], late: str) -> T:
        """Return what the action has returned when `attend` is through with waiting, or raise what it raised."""
        attend(self._done)
        if self._errors:
            raise self._errors[0]
        if not self._results:
            raise LateError(late)
        return self._results[0]


def wait(done: threading.Event, seconds: float) -> bool:
    """Wait for an event, in pieces: a plain wait would keep signals from their handlers. Return whether it came."""
    for _ in range(max(1, round(seconds / LOOK_SECONDS))):
        if done.wait(min(LOOK_SECONDS, seconds)):
            return True
    return done.is_set()
