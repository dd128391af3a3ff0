"""What every screen does, and what it is given to show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.display.progress import SweepProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All sweeps of a run at one moment."""

    sweeps: Sequence[SweepProgress]
    slots: int
    """Workers that can train; 0 while they are being started."""
    busy: int
    """Those that train something: one trial each, or several in step."""
    elapsed_seconds: float
    left_seconds: float | None
    """None where it cannot be told yet."""
    stopped: bool = False
    """It has ended before everything had."""


class Screen(Protocol):
    """Where a run tells how it goes. Nothing that it does may raise: a closed window stops no training."""

    def say(self, line: str, *, command: bool = False) -> None:
        """Show a text that stays.

        Args:
            command: it is `label: command`, and is shown so that a shell takes the command.
        """

    def ended(self, line: str, *, trouble: bool) -> None:
        """Show that a trial has ended.

        Args:
            trouble: it failed, or diverged where it was to be reported.
        """

    def show(self, view: View) -> None:
        """Show how everything stands; called again and again."""

    def close(self, last: View | None = None) -> None:
        """Leave the place as it was but for what stays.

        Args:
            last: how everything stands at the end of a run that was stopped, which stays.
        """
