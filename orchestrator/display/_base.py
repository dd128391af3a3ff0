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
    """Trials at a time; 0 while the workers are being started."""
    elapsed_seconds: float
    left_seconds: float | None
    """None where it cannot be told yet."""


class Screen(Protocol):
    """Where a run tells how it goes. Nothing that it does may raise: a closed window stops no training."""

    def say(self, line: str) -> None:
        """Show a text that stays."""

    def ended(self, line: str, *, trouble: bool) -> None:
        """Show that a trial has ended.

        Args:
            trouble: it failed, or diverged where it was to be reported.
        """

    def show(self, view: View) -> None:
        """Show how everything stands; called again and again."""

    def close(self) -> None:
        """Leave the place as it was but for what stays."""
