"""The lines that start MLflow's and Optuna's own viewers on what a home holds; they run as they are printed."""

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from orchestrator.mlflow_store import tracking_uri
from orchestrator.optuna_studies.mirror import storage_url
from trainers.texts.addresses import sqlite_file, sqlite_url, without_password


def viewer_lines(home: Path | str, storage: str | None = None) -> Iterator[str]:
    """Yield a line for the runs and one for the searches of a home.

    Args:
        storage: URL of the Optuna storage; None: the database in the home.
    """
    home = Path(home)
    uri = tracking_uri(home)
    if uri.startswith(("http://", "https://")):
        yield f"runs: {without_password(uri)}"
    elif without_password(uri) == uri:
        yield f"runs: {program('mlflow')} ui --backend-store-uri {shlex.quote(_short(uri))}"
    else:
        yield f'runs: {program("mlflow")} ui --backend-store-uri "$MLFLOW_TRACKING_URI"'
    url = storage_url(home, storage)
    hint = "" if without_password(url) == url else "  (with the password in it)"
    yield f"searches: {program('optuna-dashboard')} {shlex.quote(_short(without_password(url)))}{hint}"


def program(name: str) -> str:
    """Return how a program beside our interpreter is called in a shell from here."""
    beside = Path(sys.executable).parent / name
    if not beside.exists() or shutil.which(name) == str(beside):
        return name
    return shlex.quote(_relative(beside))


def _short(url: str) -> str:
    """Return the URL of a database file as seen from here."""
    path = sqlite_file(url)
    return url if path is None or "?" in url else sqlite_url(Path(_relative(path)))


def _relative(path: Path) -> str:
    here = os.path.relpath(path)
    return str(path) if here.startswith("..") else here
