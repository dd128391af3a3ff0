"""What tests of the orchestrator share."""

from pathlib import Path

import pytest

from orchestrator.mlflow_store.location import ensure_database


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables: making one takes seconds, so it is copied."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    ensure_database(f"sqlite:///{path}")
    return path
