"""A home that has moved takes its artifacts with it, and MLflow's database knows them by where they were.

Experiments and runs hold the address of their artifacts whole. What lies in the old place is not ours any more: written
there, it would be lost, or spoil another home.
"""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.mlflow_store.location import ARTIFACTS, artifact_folder, client_uri, has_tables
from reports.stores.artifacts import local_folder
from trainers.texts.addresses import sqlite_file

if TYPE_CHECKING:
    from sqlalchemy import Connection

EXPERIMENTS = "SELECT e.experiment_id, e.artifact_location FROM experiments e"
RUNS = "SELECT r.run_uuid, r.artifact_uri FROM runs r WHERE r.experiment_id = :experiment"
MOVE_EXPERIMENT = "UPDATE experiments SET artifact_location = :place WHERE experiment_id = :experiment"
MOVE_RUN = "UPDATE runs SET artifact_uri = :place WHERE run_uuid = :run"


def bring_home(uri: str, home: Path, experiments: Collection[str]) -> int:
    """Let a database know the artifacts of this home by where they are now; return how many experiments have moved.

    Args:
        uri: of the database.
        experiments: ids of those that hold this home's sweeps.

    An experiment of this home is one with a run whose artifacts lie in it; or that holds a sweep of ours, where the old
    place is gone or the database is our own. Another home's that tells the same database stays as it is.
    """
    import sqlalchemy as sql

    if not has_tables(uri):
        return 0
    engine = sql.create_engine(client_uri(uri), poolclass=sql.NullPool)
    with engine.begin() as connection:
        found = connection.execute(sql.text(EXPERIMENTS)).all()
        moved = sum(_bring(connection, str(number), place, home, uri, experiments) for number, place in found)
    if moved:
        forget_places()
    return moved


def forget_places() -> None:
    """Have MLflow ask anew where the artifacts of runs are: it keeps what it was once told as long as the process."""
    from mlflow.tracking._tracking_service import utils

    utils._artifact_repos_cache.clear()


def _bring(
    connection: "Connection", experiment: str, place: str | None, home: Path, uri: str, experiments: Collection[str]
) -> bool:
    import sqlalchemy as sql

    here = artifact_folder(home, uri)
    old = local_folder(place or "")
    if place is None or here is None or place == here or old is None or old.name != ARTIFACTS:
        return False
    if old == home.absolute() / ARTIFACTS:  # written otherwise
        return False
    number = int(experiment)
    runs = [
        (run, address.removeprefix(place))
        for run, address in connection.execute(sql.text(RUNS), {"experiment": number})
        if address is not None and address.startswith(f"{place}/")
    ]
    ours = any((home / ARTIFACTS / run).is_dir() for run, _ in runs)
    own = (sqlite_file(uri) or old).is_relative_to(home.absolute())
    if not ours and (experiment not in experiments or (old.exists() and not own)):
        return False
    connection.execute(sql.text(MOVE_EXPERIMENT), {"place": here, "experiment": number})
    for run, rest in runs:
        connection.execute(sql.text(MOVE_RUN), {"place": f"{here}{rest}", "run": run})
    return True
