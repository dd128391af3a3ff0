"""Stopping on request: SIGINT and SIGTERM ask once, the second time they end the process."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """While entered, a first SIGINT or SIGTERM asks to stop; a second one ends the process at once, its state is kept.

    Does nothing outside the main thread, where Python handles no signals.

    Args:
        say: called when it is asked.

    Attributes:
        number: of the signal that asked; 0 while none did.
    """

    def __init__(self, say: Callable[[], None]) -> None:
        self._say = say
        self._ask: Callable[[], None] = lambda: None
        self._before: dict[signal.Signals, Any] = {}
        self.number = 0

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in SIGNALS}
            self.install()
        return self

    def install(self) -> None:
        """Take the signals, again where a library has taken them since (Ray does when it starts)."""
        for number in self._before:
            signal.signal(number, self._handle)

    def asks(self, ask: Callable[[], None]) -> None:
        """Call `ask` at the first signal; at once where there has been one."""
        self._ask = ask
        if self.number:
            ask()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.number:
            os._exit(128 + number)
        self.number = number
        self._ask()
        self._say()
