"""MLflow and Optuna in PostgreSQL that crashes, is away, or whose answers get lost: nothing lost, nothing twice."""

from collections.abc import Callable

import optuna
import pytest

from orchestrator.ledger.ledger import Ledger
from search_spaces import Sweep
from tests.servers.counting import check_runs, check_study
from tests.servers.postgres import Postgres
from tests.servers.proxy import Proxy
from tests.servers.tellers import finished, tell_some, to_mlflow, to_optuna, told

pytestmark = [
    pytest.mark.servers,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # connections that libraries leave
]

ProxyTo = Callable[[int], Proxy]


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg2"])
def test_mlflow_with_a_crash_in_the_middle(scheme, sweep, ledger, home, postgres: Postgres, runs_template):
    database = postgres.new_database(runs_template)
    finished(ledger, sweep)
    teller = to_mlflow(ledger, home, postgres.url(database).replace("postgresql", scheme, 1))
    tell_some(teller, 3)
    postgres.kill()
    postgres.start()
    assert teller.drain(60), teller.problem
    check_runs(lambda sql: postgres.execute(sql, database), ledger, sweep.name)


def test_mlflows_artifacts_are_in_the_home(
    sweep, ledger, home, postgres: Postgres, runs_template, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    database = postgres.new_database(runs_template)
    finished(ledger, sweep)
    told(to_mlflow(ledger, home, postgres.url(database)))
    ((place,),) = postgres.execute(f"SELECT artifact_location FROM experiments WHERE name = '{sweep.name}'", database)
    assert place == (home / "mlartifacts").as_uri()
    assert [*home.glob("mlartifacts/*/artifacts/members.csv")]
    assert not (tmp_path / "mlruns").exists()


def test_mlflow_away_before_and_whose_answers_get_lost(
    sweep: Sweep, ledger: Ledger, home, postgres: Postgres, runs_template, proxy_to: ProxyTo
):
    database = postgres.new_database(runs_template)
    finished(ledger, sweep)
    proxy = proxy_to(postgres.port)
    proxy.refuses = True
    teller = to_mlflow(ledger, home, postgres.url(database, proxy.port))
    teller.start()
    while not teller.problem:
        teller._thread.join(0.02)
    proxy.refuses = False
    while teller.told < 2:
        teller._thread.join(0.02)
    proxy.lose_answers(b"COMMIT", times=4)
    assert teller.drain(60), teller.problem
    assert proxy.hits == 4
    check_runs(lambda sql: postgres.execute(sql, database), ledger, sweep.name)


def test_mlflow_in_a_database_whose_making_was_killed(sweep, ledger, home, postgres: Postgres):
    """MLflow makes its first tables in one commit and brings them up to date in another."""
    import sqlalchemy
    from mlflow.store.tracking.dbmodels.initial_models import Base

    database = postgres.new_database()
    engine = sqlalchemy.create_engine(postgres.url(database))
    Base.metadata.create_all(engine)
    engine.dispose()
    finished(ledger, sweep)
    told(to_mlflow(ledger, home, postgres.url(database)))
    check_runs(lambda sql: postgres.execute(sql, database), ledger, sweep.name)


def test_optuna_with_a_crash_in_the_middle_and_one_while_idle(sweep, ledger, postgres: Postgres):
    url = postgres.url(postgres.new_database())
    finished(ledger, sweep)
    teller = to_optuna(ledger, url)
    tell_some(teller, 2)
    postgres.kill()
    postgres.start()
    while teller.told < 4:
        teller._thread.join(0.02)
    postgres.kill()  # its connection is dead before it is used again
    postgres.start()
    for number in range(4):
        ledger.to_tell("optuna", f"{sweep.searches[0].study_id}:{number}")
    assert teller.drain(60), teller.problem
    check_study(url, ledger, sweep)


def test_optuna_away_before_and_whose_answers_get_lost(sweep, ledger, postgres: Postgres, proxy_to: ProxyTo):
    database = postgres.new_database()
    optuna.storages.RDBStorage(postgres.url(database)).engine.dispose()
    finished(ledger, sweep)
    proxy = proxy_to(postgres.port)
    proxy.refuses = True
    teller = to_optuna(ledger, postgres.url(database, proxy.port))
    teller.start()
    while not teller.problem:
        teller._thread.join(0.02)
    proxy.lose_answers(b"COMMIT", times=3)
    proxy.refuses = False
    assert teller.drain(60), teller.problem
    assert proxy.hits == 3
    check_study(postgres.url(database), ledger, sweep)


def test_optuna_in_a_database_whose_making_was_killed(sweep, ledger, postgres: Postgres):
    """Optuna makes its tables in one commit and notes their version in two more."""
    import sqlalchemy
    from optuna.storages._rdb import models

    url = postgres.url(postgres.new_database())
    engine = sqlalchemy.create_engine(url)
    models.BaseModel.metadata.create_all(engine)
    engine.dispose()
    finished(ledger, sweep)
    told(to_optuna(ledger, url))
    check_study(url, ledger, sweep)
