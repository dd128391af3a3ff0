"""The two who are told, MLflow and the persistent Optuna storage: started with a run, drained at its end."""

from collections.abc import Sequence
from pathlib import Path

from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import MlflowTarget
from orchestrator.optuna_studies.mirror import OptunaTarget, storage_url
from orchestrator.outbox.telling import Teller
from orchestrator.sweep_run.signals import StopSignals
from search_spaces import Sweep
from trainers.texts.addresses import sqlite_file, without_password
from trainers.trials.trial import digest

DRAIN_SECONDS = 60.0
"""A run waits no longer than this for something to get told at its end."""
STOPPING_SECONDS = 6.0
"""From a signal on; what is not told by then is told by the next run or by `sync`: a stop takes 8 s at most."""
TELLING_DELAY_SECONDS = 15.0
"""Workers start first: a new MLflow database takes seconds of a core to make, and nobody reads it yet."""


def retarget(ledger: Ledger, home: Path, uri: str, storage: str | None) -> None:
    """Note where the two are now; what has moved since is told everything anew. A home moves with all that is in it."""
    for target, address in (("mlflow", uri), ("optuna", storage_url(home, storage))):
        ledger.retarget(target, digest(_place(address, home.absolute())))


def _place(address: str, home: Path) -> str:
    file = sqlite_file(address)
    inside = file is not None and file.is_relative_to(home)
    return f"home:{file.relative_to(home)}" if file is not None and inside else without_password(address)


def start_tellers(
    home: Path, uri: str, storage: str | None, delay_seconds: float = 0.0, sweeps: Sequence[Sweep] | None = None
) -> list[Teller]:
    """Start telling what is in the outbox of the home's ledger, and what comes into it; first of all, what the two have
    been told is held against what they have.

    Args:
        uri: of the tracking store.
        storage: URL of the Optuna storage; None: the database in the home.
        sweeps: those that are held against what is there; None: all.
    """
    path = home / "ledger.db"
    url = storage_url(home, storage)
    names = None if sweeps is None else [sweep.name for sweep in sweeps]
    studies = None if sweeps is None else [search.study_id for sweep in sweeps for search in sweep.searches]
    tellers = [
        Teller("mlflow", path, lambda ledger: MlflowTarget(uri, home, ledger, sweeps=names)),
        Teller("optuna", path, lambda ledger: OptunaTarget(url, ledger, studies)),
    ]
    for teller in tellers:
        teller.start(delay_seconds)
    return tellers


def drain(tellers: Sequence[Teller], stop: StopSignals | None = None) -> list[str]:
    """Let the tellers finish; return who could not be told everything, and why, in words.

    Args:
        stop: once it has been signalled, only so much time is left.
    """

    def give_up() -> bool:
        return stop is not None and stop.number != 0 and stop.passed() > STOPPING_SECONDS

    return [
        f"{teller.name}: results are still to be told ({teller.problem or 'there was no more time'})"
        for teller in tellers
        if not teller.drain(DRAIN_SECONDS, give_up=give_up)
    ]
