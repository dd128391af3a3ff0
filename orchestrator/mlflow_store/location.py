"""Where the tracking store is, whether it answers, and how a new local one comes to be."""

import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from trainers.errors import RequestError
from trainers.files import replaced

TIMEOUT_SECONDS = "20"
RETRIES = "2"


class TrackingError(RequestError):
    """The tracking store cannot be used: it does not answer, or refuses what is asked of it."""


def tracking_uri(home: Path) -> str:
    """Return MLFLOW_TRACKING_URI where it is set, else the database in the home."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(home / 'mlflow.db').absolute()}"


def local_database(uri: str) -> Path | None:
    """Return the file of a SQLite store, None for any other."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def artifact_folder(home: Path, uri: str) -> str | None:
    """Return where a new experiment keeps its artifacts: in the home for the home's own database; else the server's
    choice (None)."""
    database = local_database(uri)
    if database is not None and database.parent.resolve() == home.resolve():
        return (home / "mlartifacts").absolute().as_uri()
    return None


def without_password(uri: str) -> str:
    """Return the address without user name and password, for people's eyes."""
    parts = urlsplit(uri)
    if "@" not in parts.netloc:
        return uri
    return urlunsplit(parts._replace(netloc=parts.netloc.rsplit("@", 1)[1]))


def prepare_client() -> None:
    """Set MLflow's own switches, unless the user has: no telemetry, and a server that is away is noticed soon."""
    for name, value in (
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", TIMEOUT_SECONDS),
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", RETRIES),
        ("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1"),
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("MLFLOW_LOGGING_LEVEL", "WARNING"),
        ("GIT_PYTHON_REFRESH", "quiet"),
    ):
        os.environ.setdefault(name, value)


def check_answers(uri: str) -> None:
    """Ask the store one thing; nothing is made where there is none yet.

    Raises:
        TrackingError: it does not answer; says where it was looked for.
    """
    database = local_database(uri)
    if database is not None and not database.exists():
        return
    prepare_client()
    from mlflow import MlflowClient

    try:
        MlflowClient(uri).search_experiments(max_results=1)
    except Exception as error:
        text = (str(error) or type(error).__name__).splitlines()[0].replace(uri, without_password(uri))
        raise TrackingError(f"the tracking store at {without_password(uri)} does not answer: {text[:300]}") from error


def ensure_database(uri: str) -> None:
    """Make a new SQLite store under a temporary name: one that is killed half-way through its migrations would be
    unusable for ever."""
    database = local_database(uri)
    if database is None or database.exists():
        return
    prepare_client()
    from mlflow import MlflowClient

    with replaced(database) as temporary:
        MlflowClient(f"sqlite:///{temporary}").search_experiments(max_results=1)
