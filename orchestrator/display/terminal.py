"""One region at the bottom of a terminal that is drawn again and again; what stays scrolls away above it."""

import contextlib
from collections.abc import Sequence
from typing import IO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from orchestrator.display._base import View
from orchestrator.display.words import ending, picture, said
from trainers.texts.letters import let_write

FREE_LINES = 3
"""Of the terminal, left for what scrolls above the region."""
GONE = (OSError, ValueError)
"""What writing to a window that has been closed raises."""


class _Console(Console):
    def show_cursor(self, show: bool = True) -> bool:
        """Leave the cursor as it is: a process that is killed could not bring it back."""
        return False

    def on_broken_pipe(self) -> None:
        """Leave the error to us: rich would end the process."""
        raise BrokenPipeError


class Terminal:
    """A terminal that understands cursor movements."""

    def __init__(self, out: IO[str], width: int | None = None, height: int | None = None) -> None:
        let_write(out)
        self._console = _Console(file=out, highlight=False, markup=False, soft_wrap=True, width=width, height=height)
        self._live: Live | None = None
        """From the first picture to the end."""
        self._closed = False

    def say(self, line: str, *, command: bool = False) -> None:
        """Print the text above the region."""
        with contextlib.suppress(*GONE):
            self._console.print(Text(said(line, self._console.size.width, command=command)))

    def ended(self, line: str, *, trouble: bool) -> None:
        """Print trouble above the region; what went well is in the region's numbers."""
        if trouble:
            self.say(line)

    def show(self, view: View) -> None:
        """Draw the region anew."""
        if self._closed:
            return
        with contextlib.suppress(*GONE):
            width, height = self._console.size
            text = _drawn(picture(view, width - 1, height - FREE_LINES), "bold")
            if self._live is None:
                self._live = Live(console=self._console, auto_refresh=False, transient=True, redirect_stdout=False)
                self._live.start()
            self._live.update(text, refresh=True)

    def close(self, last: View | None = None) -> None:
        """Wipe the region away; a last one stays."""
        self._closed = True
        with contextlib.suppress(*GONE):
            if self._live is not None:
                self._live.stop()
            if last is not None:
                width, height = self._console.size
                self._console.print(_drawn(ending(last, width - 1, height // 2)))


def _drawn(lines: Sequence[str], head: str = "not bold") -> Text:
    text = Text(no_wrap=True, overflow="crop")
    for number, line in enumerate(lines):
        style = "red" if line.startswith("! ") else "not bold" if number else head
        text.append(f"\n{line}" if number else line, style=style)
    return text
