"""One output of a notebook cell that is replaced again and again; what stays is printed."""

import html
from collections.abc import Callable
from typing import Any

from orchestrator.display._base import View
from orchestrator.display.words import picture
from trainers.texts.letters import fitting
from trainers.texts.words import block_of

WIDTH, HEIGHT = 100, 60


class Notebook:
    """The output of the cell that runs.

    Args:
        display: IPython's `display`; gives a handle with `update`.
    """

    def __init__(self, display: Callable[..., Any] | None = None) -> None:
        if display is None:
            from IPython.display import display as ipython_display  # type: ignore[import-not-found]

            display = ipython_display
        self._display = display
        self._handle: Any = None

    def say(self, line: str, *, command: bool = False) -> None:
        """Print the text."""
        print(fitting(block_of(line)), flush=True)

    def ended(self, line: str, *, trouble: bool) -> None:
        """Print trouble; what went well is in the picture's numbers."""
        if trouble:
            self.say(line)

    def show(self, view: View) -> None:
        """Replace the picture."""
        text = fitting("\n".join(picture(view, WIDTH, HEIGHT)))
        content = {"text/plain": text, "text/html": f"<pre>{html.escape(text)}</pre>"}
        if self._handle is None:
            self._handle = self._display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)

    def close(self, last: View | None = None) -> None:
        """Leave the last picture where it is."""
        if last is not None:
            self.show(last)
