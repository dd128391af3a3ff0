"""`sync`: tell MLflow and Optuna what they have not been told yet."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from orchestrator.commands.status import UnknownSweepError
from orchestrator.home.home import driver_lock
from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import tracking_uri
from orchestrator.sweep_run.tellers import drain, retarget, start_tellers


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What has been told."""

    told: int
    problems: tuple[str, ...]
    """Who could not be told everything, and why."""
    notes: tuple[str, ...] = ()
    """What the two had lost, and what became of it, in sentences."""


def sync(home: Path | str, storage: str | None = None) -> SyncResult:
    """Tell everything that is still to be told; what a driver that died left running is told as interrupted.

    A tracking store or a storage other than at the last time is told everything: so results move to another server.
    What has been told is held against what is there: runs, experiments and studies that were deleted are made again.

    Args:
        storage: URL of the persistent Optuna storage; None takes the database in the home.

    Raises:
        UnknownSweepError: nothing has been run in this home.
        HomeError: a driver works in the home; it tells by itself.
        LedgerError: the ledger is damaged.
    """
    home = Path(home)
    if not (home / "ledger.db").exists():
        raise UnknownSweepError(f"no sweep has been run in {home}; give another with --home")
    uri = tracking_uri(home)
    with driver_lock(home, []), contextlib.closing(Ledger(home / "ledger.db", check=True)) as ledger:
        retarget(ledger, home, uri, storage)
        ledger.interrupt_running()
        ledger.interrupt_sweeps()
        tellers = start_tellers(home, uri, storage)
        problems = drain(tellers)
        notes = tuple(note for teller in tellers for note in teller.notes)
        return SyncResult(sum(teller.told for teller in tellers), tuple(problems), notes)
