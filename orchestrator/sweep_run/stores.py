"""The stores that results are told to: whether they answer, asked before anything begins."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import TrackingError, is_known
from orchestrator.optuna_studies.mirror import StorageError
from orchestrator.patience import START_SECONDS, LateError, within


def known_store(home: Path, uri: str) -> bool:
    """Return whether the tracking store is a database that answers, and that this MLflow has told from this home."""
    if not (home / "ledger.db").exists():
        return False

    def ask() -> bool:
        with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
            return is_known(ledger, uri)

    try:
        return within(START_SECONDS, ask)
    except LateError:
        return False


def answers_or_waits(check: Callable[[], None], say: Callable[[str], None], *, needed: bool) -> bool:
    """Return whether a store answers.

    Raises:
        TrackingError, StorageError: it does not, and is needed.
    """
    try:
        check()
    except (TrackingError, StorageError) as error:
        if needed:
            raise
        say(f"{error}; results are told later")
        return False
    return True
