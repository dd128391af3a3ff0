"""Plain lines for files, pipes and job logs: one for each trial that ends, and now and then one for the whole.

A terminal gets them no wider than it is."""

import os
import time
from collections.abc import Callable
from typing import IO

from orchestrator.display._base import View
from orchestrator.display.words import said, summary
from trainers.texts.letters import fitting, let_write

SUMMARY_SECONDS = 60.0


class Lines:
    """Writes lines, with other letters where the stream lacks some; once nobody reads them any more, silently none.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, out: IO[str], clock: Callable[[], float] = time.monotonic) -> None:
        let_write(out)
        self._out = out
        self._clock = clock
        self._summed_up = clock()
        self._read = True

    def say(self, line: str, *, command: bool = False) -> None:
        """Write the line."""
        if not self._read:
            return
        try:
            self._print(said(line, _columns(self._out), command=command))
        except (OSError, ValueError):  # the reader has gone, or the file was closed
            self._read = False

    def _print(self, line: str) -> None:
        try:
            print(line, file=self._out, flush=True)
        except UnicodeEncodeError as error:  # a stream that cannot be told what to do with such letters
            print(fitting(line, error.encoding), file=self._out, flush=True)

    def ended(self, line: str, *, trouble: bool) -> None:
        """Write the line."""
        self.say(line)

    def show(self, view: View) -> None:
        """Write a line for each sweep, at most once a minute."""
        if self._clock() - self._summed_up < SUMMARY_SECONDS:
            return
        self._summed_up = self._clock()
        for line in summary(view):
            self.say(line)

    def close(self, last: View | None = None) -> None:
        """Write how everything stands at the end; every line stays."""
        for line in summary(last) if last is not None else ():
            self.say(line)


def _columns(out: IO[str]) -> int | None:
    """Return how wide the terminal is; None where it is none, or does not say."""
    try:
        return os.get_terminal_size(out.fileno()).columns or None if out.isatty() else None
    except (OSError, ValueError):
        return None
