"""Which MLflow has used a database, and at which version of its tables.

A store that this MLflow has told before need not be asked by MLflow itself, which takes two seconds to import.
"""

import importlib.metadata

from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store.location import TrackingError, client_uri, has_tables
from orchestrator.outbox.databases import is_database
from trainers.texts.addresses import without_password
from trainers.trials.trial import digest

TARGET = "mlflow-schema"


def schema_mark(uri: str) -> str | None:
    """Return the installed MLflow and the version of the tables in a database; None where there is no telling."""
    import sqlalchemy as sql

    try:
        if not is_database(uri) or not has_tables(uri):
            return None
        engine = sql.create_engine(client_uri(uri), poolclass=sql.NullPool)
        with engine.connect() as connection:
            versions = connection.execute(sql.text("SELECT version_num FROM alembic_version")).scalars().all()
    except (TrackingError, sql.exc.SQLAlchemyError):
        return None
    return f"{importlib.metadata.version('mlflow')} {','.join(sorted(versions))}" if versions else None


def remember_schema(ledger: Ledger, uri: str) -> None:
    """Note that MLflow has just used the database as it is."""
    mark = schema_mark(uri)
    if mark is not None:
        ledger.remember(TARGET, _place(uri), mark)


def is_known(ledger: Ledger, uri: str) -> bool:
    """Return whether this MLflow has used the database with these tables."""
    known = ledger.remembered(TARGET, _place(uri))
    return known is not None and known == schema_mark(uri)


def _place(uri: str) -> str:
    return digest(without_password(uri))
