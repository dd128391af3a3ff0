"""Who runs what when: planner, ledger, drivers, searches, tracking."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.home import home_folder

if TYPE_CHECKING:
    from orchestrator.run import RunResult

__all__ = ["home_folder", "run"]


def run(files: Sequence[str | Path], *, home: Path, **options: Any) -> "RunResult":
    """Run sweep files; see `orchestrator.run.run`, which this calls. Imported late: the engines take seconds."""
    from orchestrator.run import run as run_now

    return run_now(files, home=home, **options)
