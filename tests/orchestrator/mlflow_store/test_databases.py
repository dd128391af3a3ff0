"""Addresses of databases that cannot be used, found without any server; nothing is made by asking."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import TrackingError, artifact_folder, check_answers, is_known, known_runs, tracking_uri
from orchestrator.mlflow_store.location import prepare_client
from orchestrator.mlflow_store.schema_mark import remember_schema
from orchestrator.optuna_studies.mirror import StorageError, check_storage, storage_url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite://", "keeps nothing"),
        ("sqlite:///:memory:", "keeps nothing"),
        ("sqlite:///{folder}", "is a folder, not a file"),
        ("sqlite:///{folder}/text/optuna.db", "text is a file, not a folder"),
        ("sqlite:///{folder}/text", "the file is something else"),
        ("optuna.db", "this is no URL of a database; write for instance postgresql://"),
        ("postgresql://u:s3cret@h:port/d", "this is no URL of a database"),
        ("redis://u:s3cret@h", "no kind of database has the name 'redis'"),
        ("postgres://u:s3cret@h/d", "write postgresql://"),
        ("oracle://u:s3cret@h/d", "its driver is not installed: pip install '"),
        ("postgresql://u:s3@cret@h/d", "more than one @"),
        ("postgresql://u:s3cret@127.0.0.1:9/d", "refused; is the server running, and is the port right"),
    ],
)
def test_a_storage_that_cannot_be_used(url: str, words: str, tmp_path: Path):
    (tmp_path / "text").write_text("no database, but longer than the header of one would be" * 10)
    with pytest.raises(StorageError) as caught:
        check_storage(url.format(folder=tmp_path))
    message = str(caught.value)
    assert words in message
    assert "\n" not in message
    assert "cret" not in message
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_what_is_not_there_yet_is_not_made(tmp_path: Path):
    check_storage(storage_url(tmp_path / "home", None))
    check_answers(f"sqlite:///{tmp_path / 'home' / 'mlflow.db'}")
    assert known_runs(f"sqlite:///{tmp_path / 'home' / 'mlflow.db'}", ["COMPLETE"]) == {}
    assert [*tmp_path.iterdir()] == []


def test_both_in_one_file(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'both.db'}"
    with pytest.raises(StorageError, match="give Optuna one of its own"):
        check_storage(url, tracking_uri=url)


def test_a_tracking_database_that_is_away_is_told_of_at_once():
    with pytest.raises(TrackingError, match=r"postgresql://127\.0\.0\.1:9/d cannot be used: .*refused") as caught:
        check_answers("postgresql://u:s3cret@127.0.0.1:9/d")
    assert "s3cret" not in str(caught.value)


def test_artifacts_of_any_database_are_in_the_home(tmp_path: Path):
    place = (tmp_path / "mlartifacts").as_uri()
    for uri in ("sqlite:////elsewhere/mlflow.db", "postgresql://h/d", "mysql+pymysql://h/d"):
        assert artifact_folder(tmp_path, uri) == place
    for uri in ("http://h", "https://h", "databricks"):
        assert artifact_folder(tmp_path, uri) is None


def test_the_client_never_repeats_a_request(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "7")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "50")
    prepare_client()
    from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_MAX_RETRIES, MLFLOW_HTTP_REQUEST_TIMEOUT

    assert MLFLOW_HTTP_REQUEST_MAX_RETRIES.get() == 0
    assert MLFLOW_HTTP_REQUEST_TIMEOUT.get() == 50


def test_a_database_is_known_once_mlflow_has_told_it_and_until_its_tables_change(tmp_path: Path):
    uri = tracking_uri(tmp_path)
    with contextlib.closing(Ledger(tmp_path / "ledger.db")) as ledger:
        assert not is_known(ledger, uri)
        with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as database, database:
            database.execute("CREATE TABLE experiments (name TEXT)")
            database.execute("CREATE TABLE alembic_version (version_num TEXT)")
            database.execute("INSERT INTO alembic_version VALUES ('a')")
        assert not is_known(ledger, uri)
        remember_schema(ledger, uri)
        assert is_known(ledger, uri)
        with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as database, database:
            database.execute("UPDATE alembic_version SET version_num = 'b'")
        assert not is_known(ledger, uri)
        (tmp_path / "mlflow.db").unlink()
        assert not is_known(ledger, uri)
        assert not is_known(ledger, "http://127.0.0.1:9")
        assert not (tmp_path / "mlflow.db").exists()
