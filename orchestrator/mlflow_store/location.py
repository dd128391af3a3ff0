"""Where the tracking store is, whether it answers, and how a new local one comes to be."""

import os
import time
from pathlib import Path

from orchestrator.home.chatter import may_speak
from orchestrator.outbox.databases import UnusableDatabaseError, is_database, tables_in
from orchestrator.patience import START_SECONDS, LateError, within
from trainers.errors import RequestError
from trainers.files.files import replaced
from trainers.texts.addresses import sqlite_file, sqlite_url, watchful, without_password

TIMEOUT_SECONDS = "20"
PATIENCE_SECONDS = 3.0
"""A server that is just restarting answers again within so long."""
MESSAGE_CHARACTERS = 300
ARTIFACTS = "mlartifacts"
"""The folder in a home where a database's artifacts are."""
NEEDED_TABLE, OPTUNA_TABLE = "experiments", "trial_intermediate_values"


class TrackingError(RequestError):
    """The tracking store cannot be used: it does not answer, or refuses what is asked of it."""


def tracking_uri(home: Path) -> str:
    """Return MLFLOW_TRACKING_URI where it is set, else the database in the home."""
    return os.environ.get("MLFLOW_TRACKING_URI") or sqlite_url((home / "mlflow.db").absolute())


def artifact_folder(home: Path, uri: str) -> str | None:
    """Return where a new experiment keeps its artifacts: in the home for a database, whichever it is, for MLflow would
    take the folder that happens to be the current one; None, the server's choice, for anything else."""
    return (home / ARTIFACTS).absolute().as_uri() if is_database(uri) else None


def client_uri(uri: str) -> str:
    """Return the address that MLflow's client is given."""
    return watchful(uri) if is_database(uri) else uri


def prepare_client() -> None:
    """Set MLflow's own switches, unless the user has: no telemetry, a server that is away is noticed soon, and MLflow
    prints neither tracebacks of that nor a line for every run that ends."""
    for name, value in (
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", TIMEOUT_SECONDS),
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("MLFLOW_LOGGING_LEVEL", "INFO" if may_speak() else "CRITICAL"),
        ("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true"),
        ("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"),
        ("GIT_PYTHON_REFRESH", "quiet"),
    ):
        os.environ.setdefault(name, value)
    # not the user's choice: MLflow repeats requests that make a run too, and the first may have made one
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"


def check_answers(uri: str, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Ask the store one thing; nothing is made where there is none yet.

    Args:
        patience_seconds: a server that does not answer is asked again for so long.

    Raises:
        TrackingError: it does not answer; says where it was looked for.
    """
    try:
        within(START_SECONDS + patience_seconds, lambda: _ask(uri, patience_seconds))
    except LateError as error:
        raise silent(uri, error) from error


def _ask(uri: str, patience_seconds: float) -> None:
    if is_database(uri) and not has_tables(uri):
        return
    prepare_client()
    from mlflow import MlflowClient

    started = time.monotonic()
    while True:
        try:
            MlflowClient(client_uri(uri)).search_experiments(max_results=1)
        except Exception as error:
            if is_database(uri) or time.monotonic() - started >= patience_seconds:
                raise silent(uri, error) from error
            time.sleep(1)
        else:
            return


def silent(uri: str, error: Exception) -> TrackingError:
    """Return what to raise for an error of a store that did not do what it was asked."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    text = without_password(reason, uri, client_uri(uri))[:MESSAGE_CHARACTERS]
    return TrackingError(f"the tracking store at {without_password(uri)} does not answer: {text}")


def has_tables(uri: str) -> bool:
    """Return whether MLflow's tables are in a database.

    Raises:
        TrackingError: it cannot be used.
    """
    try:
        tables = tables_in(uri, NEEDED_TABLE)
    except UnusableDatabaseError as error:
        raise TrackingError(f"the tracking store at {without_password(uri)} cannot be used: {error}") from error
    if NEEDED_TABLE not in tables and OPTUNA_TABLE in tables:
        raise TrackingError(
            f"the database {without_password(uri)} holds Optuna's studies; give MLflow one of its own: both keep their "
            "version in a table of the same name"
        )
    return NEEDED_TABLE in tables


def ensure_database(uri: str) -> None:
    """Make sure that a database can be used before MLflow is asked, which would try for two minutes; make a new SQLite
    store under a temporary name, for one that is killed half-way through its migrations would be unusable for ever.

    Raises:
        TrackingError: the database cannot be used.
    """
    if not is_database(uri) or has_tables(uri):
        return
    database = sqlite_file(uri)
    if database is None or database.exists():
        return
    prepare_client()
    from mlflow import MlflowClient

    with replaced(database) as temporary:
        MlflowClient(sqlite_url(temporary)).search_experiments(max_results=1)
