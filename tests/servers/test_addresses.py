"""What is wrong with an address is found before a run, within seconds, and told without the password in it."""

import time
from collections.abc import Callable
from urllib.parse import quote

import pytest

from orchestrator.mlflow_store import TrackingError, check_answers, known_runs
from orchestrator.optuna_studies.mirror import StorageError, check_storage
from reports import StoreUnavailableError, load
from tests.servers.postgres import PASSWORD, USER, Postgres
from tests.servers.proxy import Proxy
from tests.servers.tellers import finished, to_mlflow, to_optuna

pytestmark = [
    pytest.mark.servers,
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # connections that libraries leave
]

TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
QUICK_SECONDS = 8


def hides(text: str) -> bool:
    """Return whether the text is one line that says nothing of the password, in any form."""
    return "\n" not in text and not any(part in text for part in (PASSWORD, quote(PASSWORD, safe=""), "s3cret", "p@ss"))


def wrong_urls(postgres: Postgres) -> dict[str, str]:
    """Return URLs by what is said of them."""
    right = postgres.url("postgres")
    return {
        "does not exist; make it first": postgres.url("no_such_database"),
        "authentication failed.*; are user and password right": right.replace("s3cret", "wr0ng"),
        "refused; is the server running": right.replace(str(postgres.port), "9"),
        "no kind of database has the name 'postgres'; write postgresql://": right.replace("postgresql", "postgres", 1),
        "driver is not installed: pip install 'mysqlclient'": right.replace("postgresql", "mysql", 1),
        "more than one @": f"postgresql://{USER}:s3cret@p@127.0.0.1/x",
    }


def test_a_storage(postgres: Postgres):
    for words, url in wrong_urls(postgres).items():
        started = time.monotonic()
        with pytest.raises(StorageError, match=words) as caught:
            check_storage(url)
        assert hides(str(caught.value)), url
        assert time.monotonic() - started < QUICK_SECONDS


def test_a_tracking_store(postgres: Postgres):
    for words, url in wrong_urls(postgres).items():
        if url.startswith("postgres:"):
            continue  # MLflow has a word of its own for that
        with pytest.raises(TrackingError, match=words) as caught:
            check_answers(url)
        assert hides(str(caught.value)), url
        with pytest.raises(TrackingError):
            known_runs(url, ["COMPLETE"])
        with pytest.raises(StoreUnavailableError) as refused:
            load("x", tracking_uri=url)
        assert hides(str(refused.value)), url
    with pytest.raises(TrackingError) as caught:
        check_answers(postgres.url("postgres").replace("postgresql", "postgres", 1), patience_seconds=0)
    assert hides(str(caught.value))


def test_what_answers_is_left_as_it_is(postgres: Postgres):
    database = postgres.new_database()
    check_storage(postgres.url(database))
    check_answers(postgres.url(database))
    assert known_runs(postgres.url(database), ["COMPLETE"]) == {}
    assert postgres.execute(TABLES, database) == []


def test_a_server_that_says_nothing(postgres: Postgres, proxy_to: Callable[[int], Proxy]):
    proxy = proxy_to(postgres.port)
    proxy.hangs = True
    started = time.monotonic()
    with pytest.raises(StorageError, match=r"timeout expired.*; is the host right"):
        check_storage(postgres.url("postgres", proxy.port))
    assert time.monotonic() - started < QUICK_SECONDS


def test_a_user_who_may_make_no_tables(postgres: Postgres):
    database = postgres.new_database()
    postgres.execute("CREATE ROLE reader LOGIN PASSWORD 'r3ader'")
    url = postgres.url(database).replace(f"{USER}:{quote(PASSWORD, safe='')}", "reader:r3ader")
    for check, error in ((check_storage, StorageError), (check_answers, TrackingError)):
        with pytest.raises(error, match="GRANT CREATE ON SCHEMA public TO reader"):
            check(url)


def test_one_database_for_both(postgres: Postgres, runs_template: str):
    empty, runs = (postgres.url(postgres.new_database(name)) for name in ("template1", runs_template))
    with pytest.raises(StorageError, match="give Optuna one of its own"):
        check_storage(runs)
    with pytest.raises(StorageError, match="give Optuna one of its own"):
        check_storage(empty, tracking_uri=empty.replace("postgresql", "postgresql+psycopg2", 1))
    check_storage(empty, tracking_uri=runs)


def test_what_a_teller_says(postgres: Postgres, sweep, ledger, home):
    finished(ledger, sweep)
    wrong = postgres.url("no_such_database")
    for teller in (to_optuna(ledger, wrong), to_mlflow(ledger, home, wrong)):
        teller.start()
        assert not teller.drain(2)
        assert "does not exist" in teller.problem
        assert hides(teller.problem)
