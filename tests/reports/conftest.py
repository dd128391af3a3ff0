"""One tracking store for all tests that only read; a fresh one, copied from an empty database, for the others."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import reports
from tests.reports.fake_sweep import FakeSweep, nasty_sweep, whole_sweep

Loader = Callable[[FakeSweep], reports.Results]
"""Tells a sweep to a store of its own and loads it."""


def tell(home: Path, *sweeps: FakeSweep) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    for sweep in sweeps:
        sweep.tell(client, home / "mlartifacts")


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables: making one takes seconds, so it is copied."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments(max_results=1)
    return path


@pytest.fixture(scope="session")
def told_home(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose store holds the sweeps `whole` and `nasty`. Read only."""
    home = tmp_path_factory.mktemp("told")
    shutil.copy(empty_store, home / "mlflow.db")
    tell(home, whole_sweep(), nasty_sweep())
    return home


@pytest.fixture(scope="session")
def whole(told_home: Path) -> reports.Results:
    return reports.load("whole", home=told_home)


@pytest.fixture(scope="session")
def nasty(told_home: Path) -> reports.Results:
    return reports.load("nasty", home=told_home)


@pytest.fixture
def results_of(empty_store: Path, tmp_path: Path) -> Loader:
    """Tell a sweep to a store of its own and load it."""

    def load(sweep: FakeSweep) -> reports.Results:
        shutil.copy(empty_store, tmp_path / "mlflow.db")
        tell(tmp_path, sweep)
        return reports.load(sweep.name, home=tmp_path)

    return load
