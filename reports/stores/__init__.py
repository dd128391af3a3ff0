"""Where runs are read from: MLflow's database by SQL, or any other tracking store by MLflow's client."""

from reports.stores._base import (
    COMMIT,
    DIRTY,
    METHOD_PREFIX,
    METRICS,
    RECIPE_PREFIX,
    TEACHER_ID,
    TEACHER_VARIANT,
    Curves,
    RunRecord,
    Store,
    of_prefix,
)
from reports.stores.artifacts import local_folder

__all__ = [
    "COMMIT",
    "DIRTY",
    "METHOD_PREFIX",
    "METRICS",
    "RECIPE_PREFIX",
    "TEACHER_ID",
    "TEACHER_VARIANT",
    "Curves",
    "RunRecord",
    "Store",
    "is_database",
    "local_folder",
    "of_prefix",
    "open_store",
]

DATABASES = frozenset({"sqlite", "postgresql", "mysql", "mssql"})


def is_database(tracking_uri: str) -> bool:
    """Return whether the URI names a database, with or without a driver (`postgresql+psycopg2://…`)."""
    return tracking_uri.partition(":")[0].partition("+")[0] in DATABASES


def open_store(tracking_uri: str) -> Store:
    """Return the store behind a tracking URI.

    Raises:
        StoreUnavailableError: there is none, or it does not answer. Nothing is created.
    """
    if is_database(tracking_uri):
        from reports.stores.database import Database

        return Database(tracking_uri)
    from reports.stores.client import Client

    return Client(tracking_uri)
