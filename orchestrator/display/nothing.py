"""No screen: for programs that look at the result alone."""

from orchestrator.display._base import View


class Nothing:
    """Shows nothing."""

    def say(self, line: str, *, command: bool = False) -> None:
        """Show nothing."""

    def ended(self, line: str, *, trouble: bool) -> None:
        """Show nothing."""

    def show(self, view: View) -> None:
        """Show nothing."""

    def close(self, last: View | None = None) -> None:
        """Do nothing."""
