"""One region at the bottom of a terminal that is drawn again and again; what stays scrolls away above it."""

from typing import IO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from orchestrator.display._base import View
from orchestrator.display.words import picture

FREE_LINES = 3
"""Of the terminal, left for what scrolls above the region."""


class Terminal:
    """A terminal that understands cursor movements."""

    def __init__(self, out: IO[str], width: int | None = None, height: int | None = None) -> None:
        self._console = Console(file=out, highlight=False, markup=False, soft_wrap=True, width=width, height=height)
        self._live = Live(console=self._console, auto_refresh=False, transient=True, redirect_stdout=False)
        self._live.start()
        self._there = True

    def say(self, line: str) -> None:
        """Print the text above the region."""
        self._safely(line, None)

    def ended(self, line: str, *, trouble: bool) -> None:
        """Print trouble above the region; what went well is in the region's numbers."""
        if trouble:
            self.say(line)

    def show(self, view: View) -> None:
        """Draw the region anew."""
        width, height = self._console.size
        head, *lines = picture(view, width - 1, height - FREE_LINES)
        text = Text(head, style="bold", no_wrap=True, overflow="crop")
        for line in lines:
            text.append(f"\n{line}", style="red" if line.startswith("! ") else "not bold")
        self._safely(None, text)

    def close(self) -> None:
        """Wipe the region away."""
        if self._there:
            self._there = False
            self._live.stop()

    def _safely(self, line: str | None, region: Text | None) -> None:
        if not self._there:
            if line is not None:
                self._console.print(Text(line))
            return
        try:
            if line is not None:
                self._console.print(Text(line))
            if region is not None:
                self._live.update(region, refresh=True)
        except (OSError, ValueError):  # the window has been closed
            self._there = False
