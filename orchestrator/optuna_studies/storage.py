"""Where the persistent Optuna storage is, whether it can be used, and how a new local one comes to be."""

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.home.chatter import level
from orchestrator.outbox.databases import UnusableDatabaseError, tables_in
from orchestrator.patience import START_SECONDS, LateError, within
from trainers.errors import RequestError
from trainers.files.files import replaced
from trainers.texts.addresses import sqlite_file, sqlite_url, watchful, without_password

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

NEEDED_TABLE, MLFLOW_TABLE = "trial_intermediate_values", "experiments"


class StorageError(RequestError):
    """The persistent Optuna storage cannot be used; the message says why and what to do, without its password."""


def storage_url(home: Path, storage: str | None) -> str:
    """Return the storage that was asked for, else the database in the home."""
    return storage or sqlite_url((home / "optuna.db").absolute())


def check_storage(url: str, tracking_uri: str = "") -> None:
    """Find out within seconds whether a storage can be used; nothing is made where there is none yet.

    Args:
        tracking_uri: of MLflow, which must have another database.

    Raises:
        StorageError: it cannot be used.
    """
    try:
        within(START_SECONDS, lambda: _ask(url, tracking_uri))
    except LateError as error:
        raise StorageError(f"the Optuna storage {without_password(url)} does not answer: {error}") from error


def _ask(url: str, tracking_uri: str) -> None:
    shown = without_password(url)
    try:
        tables = tables_in(url, NEEDED_TABLE)
        _check_apart(url, tables, tracking_uri)
        if NEEDED_TABLE in tables:
            _open(url).engine.dispose()
    except UnusableDatabaseError as error:
        raise StorageError(f"the Optuna storage {shown} cannot be used: {error}") from error
    except RuntimeError as error:  # Optuna's word for tables of another version
        reason = without_password(str(error).splitlines()[0], url)
        raise StorageError(f"the Optuna storage {shown} cannot be used: {reason}") from error


def _check_apart(url: str, tables: frozenset[str], tracking_uri: str) -> None:
    """Both keep their version in a table of the same name: whoever came second would be refused by its own library."""
    mlflows = NEEDED_TABLE not in tables and MLFLOW_TABLE in tables
    if mlflows or (tracking_uri and _place(tracking_uri) == _place(url)):
        raise UnusableDatabaseError(
            "MLflow keeps its runs in it, and both in one do not go; give Optuna one of its own"
        )


def _place(url: str) -> tuple[object, ...] | None:
    """Return what makes two URLs name one database, whatever their drivers and users."""
    import sqlalchemy as sql

    try:
        parsed = sql.make_url(url)
    except sql.exc.ArgumentError:
        return None
    return parsed.get_backend_name(), parsed.host, parsed.port, parsed.database, parsed.query


def open_storage(url: str) -> "RDBStorage":
    """Open a storage; make its tables where there are none.

    Raises:
        Exception: whatever Optuna, its driver or the way to the server raises.
    """
    path = sqlite_file(url)
    if path is not None and not path.exists():
        with replaced(path) as temporary:
            _open(sqlite_url(temporary)).engine.dispose()
    return _open(url)


def _open(url: str) -> "RDBStorage":
    import optuna

    optuna.logging.set_verbosity(level())
    # a connection that broke while it lay idle is replaced before it is used
    return optuna.storages.RDBStorage(watchful(url), engine_kwargs={"pool_pre_ping": True})
