"""Tellers as a run starts them, of trials that were not trained."""

from pathlib import Path

from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import MlflowTarget
from orchestrator.optuna_studies.mirror import OptunaTarget
from orchestrator.outbox.telling import Teller
from search_spaces import Sweep
from tests.orchestrator.simulation import drive, new_planner

TIMEOUT_SECONDS = 3
"""So soon MLflow's client gives up (set for all tests here)."""
SETTLE_SECONDS = 4.0
"""So long a request that was given up is taken to be under way."""


def finished(ledger: Ledger, sweep: Sweep) -> None:
    """Bring the sweep to its end, untold."""
    drive(new_planner(ledger, sweep))
    ledger.end_sweep(sweep.name, "COMPLETE")


def to_mlflow(ledger: Ledger, home: Path, uri: str) -> Teller:
    return Teller("mlflow", ledger.path, lambda own: MlflowTarget(uri, home, own, SETTLE_SECONDS))


def to_optuna(ledger: Ledger, url: str) -> Teller:
    return Teller("optuna", ledger.path, lambda own: OptunaTarget(url, own))


def told(teller: Teller, seconds: float = 60) -> None:
    """Tell everything."""
    teller.start()
    assert teller.drain(seconds), teller.problem


def tell_some(teller: Teller, count: int) -> None:
    """Start telling; return when so many things have been told."""
    teller.start()
    while teller.told < count:
        teller._thread.join(0.02)
        assert teller._thread.is_alive(), teller.problem
