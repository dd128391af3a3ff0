"""What a person sees while a sweep runs: one refreshing region in a terminal or a notebook, plain lines elsewhere."""

import os
import sys
from typing import IO

from orchestrator.display._base import Screen, View
from orchestrator.display.lines import Lines
from orchestrator.display.nothing import Nothing
from orchestrator.display.watch import Watch

__all__ = ["Lines", "Nothing", "Screen", "View", "Watch", "fitting_screen"]


def fitting_screen(stream: IO[str] | None = None) -> Screen:
    """Return the screen that fits where we are: a notebook's output, a terminal, or a file, pipe or job log.

    Args:
        stream: where lines go; standard output by default.
    """
    out = stream or sys.stdout
    if stream is None and _in_notebook():
        from orchestrator.display.notebook import Notebook

        return Notebook()
    if out.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        from orchestrator.display.terminal import Terminal

        return Terminal(out)
    return Lines(out)


def _in_notebook() -> bool:
    """Return whether a Jupyter kernel runs us: its shell alone shows rich output."""
    shell = sys.modules.get("IPython")
    instance = shell.get_ipython() if shell is not None else None
    return type(instance).__name__ == "ZMQInteractiveShell"
