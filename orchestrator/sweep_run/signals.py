"""Stopping on request: SIGINT, SIGTERM and SIGHUP ask once, the second time they end the process."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SAME_SECONDS = 3.0
"""A SIGTERM so soon after another one is the same request: where Slurm sends it to all processes of a job, the script
that has started us passes it on, too."""
AT_ONCE = b"\nstopped at once: what has ended is kept, and the same command goes on\n"


class Interrupting:
    """Takes signals before a run does: raises KeyboardInterrupt with the signal's number, and remembers it, since what
    is being imported may swallow that.

    Attributes:
        number: of the last signal; 0 while there was none.
    """

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        raise KeyboardInterrupt(number)


class StopSignals:
    """While entered, a first signal asks to stop; a second one ends the process at once, its state is kept.

    Does nothing outside the main thread, where Python handles no signals. SIGHUP stays ignored where it is (nohup).

    Args:
        say: called when it is asked.
        clock: monotonic, in seconds.

    Attributes:
        number: of the signal that asked; 0 while none did.
        at_once: called before the process ends at the second signal, to leave nothing behind.
    """

    def __init__(self, say: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._ask: Callable[[], None] = lambda: None
        self._before: dict[signal.Signals, Any] = {}
        self.number = 0
        self.at_once: Callable[[], None] = lambda: None
        self._asked_at = 0.0

    def passed(self) -> float:
        """Return the seconds since the first signal; 0 where there was none."""
        return self._clock() - self._asked_at if self.number else 0.0

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            before = {number: signal.getsignal(number) for number in SIGNALS}
            if before[signal.SIGHUP] is signal.SIG_IGN:
                del before[signal.SIGHUP]
            self._before = before
            self.install()
            swallowed = [one.number for one in before.values() if isinstance(one, Interrupting) and one.number]
            if swallowed:
                self._handle(swallowed[0], None)
        return self

    def install(self) -> None:
        """Take the signals, again where a library has taken them since: Ray's core does as it starts, below Python."""
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
        signal.alarm(0)  # Ray's core, where it got the signal before us, would abort the process in three seconds
        if number == self.number == signal.SIGTERM and self.passed() < SAME_SECONDS:
            return
        if self.number:
            with contextlib.suppress(Exception):
                self.at_once()
            with contextlib.suppress(OSError):  # past what Python has open: it may be in the middle of a print
                os.write(2, AT_ONCE)
            os._exit(128 + number)
        self.number, self._asked_at = number, self._clock()
        self._ask()
        threading.Thread(target=self._say, daemon=True).start()  # the signal may have come in the middle of a print
