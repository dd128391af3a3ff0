"""Real servers on loopback: run by `make test-servers`."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store.location import prepare_client
from search_spaces import Sweep
from tests.orchestrator.simulation import SWEEP, sweep_of
from tests.servers.mlflow_server import MlflowServer, running_server
from tests.servers.postgres import Postgres, running_postgres
from tests.servers.proxy import Proxy, running_proxy
from tests.servers.tellers import TIMEOUT_SECONDS

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL; skips the test where there is none."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def runs_template(postgres: Postgres) -> str:
    """The name of a database with MLflow's tables: making them takes seconds, so it is copied."""
    from mlflow import MlflowClient
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    prepare_client()
    name = postgres.new_database()
    url = postgres.url(name)
    MlflowClient(url).search_experiments(max_results=1)
    SqlAlchemyStore._engine_map.pop(url).dispose()  # a template must have no connections
    return name


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A running MLflow server, shared: every test's sweep has a name of its own."""
    with running_server(tmp_path_factory.mktemp("mlflow-server")) as server:
        yield server


@pytest.fixture
def proxy_to() -> Iterator[Callable[[int], Proxy]]:
    """Return what makes a proxy to a port."""
    with ExitStack() as opened:
        yield lambda port: opened.enter_context(running_proxy(port))


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    """Return a sweep with a name that no other test has."""
    text = SWEEP.replace("name: small", f"name: served-{next(_NUMBERS)}").replace("trials: 8", "trials: 4")
    return sweep_of(text, tmp_path / "sweep")


@pytest.fixture
def ledger(home: Path) -> Iterator[Ledger]:
    home.mkdir()
    ledger = Ledger(home / "ledger.db")
    yield ledger
    ledger.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that gives up soon."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", str(TIMEOUT_SECONDS))
