"""Databases that results go to: whether one can be used, found out quickly and without making anything in it."""

import os
from typing import TYPE_CHECKING

from trainers.texts.addresses import sqlite_file, watchful, without_password

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

SCHEMES = frozenset({"sqlite", "postgresql", "mysql", "mssql"})

DRIVER_PACKAGES = {"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient"}
"""Module -> the package that has it, where the names differ."""

HINTS = {
    "refused": "is the server running, and is the port right?",
    "timeout": "is the host right, and can it be reached from here?",
    "timed out": "is the host right, and can it be reached from here?",
    "translate host": "is the host's name right?",
    "resolve host": "is the host's name right?",
    "authentication failed": "are user and password right? what means something in a URL is written as %XX",
    "no password supplied": "write it as postgresql://user:password@host/name, or into ~/.pgpass",
    "does not exist": "make it first: createdb",
    "not a database": "the file is something else",
}


class UnusableDatabaseError(Exception):
    """A database cannot be used; the message says why and what to do, in one line and without its password."""


def is_database(url: str) -> bool:
    """Return whether the URL names a database, with or without a driver (`postgresql+psycopg2://…`)."""
    scheme, separator, _ = url.partition("://")
    return bool(separator) and scheme.partition("+")[0] in SCHEMES


def tables_in(url: str, needed: str) -> frozenset[str]:
    """Return the names of a database's tables; a SQLite file that is not there has none, and is not made.

    Args:
        needed: where this table is missing, it must be possible to make it.

    Raises:
        UnusableDatabaseError: the database is not there, does not answer, or lets us make no tables.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite" and not _file_exists(parsed):
        return frozenset()
    import sqlalchemy as sql

    try:
        engine = sql.create_engine(watchful(url), poolclass=sql.NullPool)
        with engine.connect() as connection:
            tables = frozenset(sql.inspect(connection).get_table_names())
            if needed not in tables:
                _check_right_to_make_tables(connection)
    except ImportError as error:
        package = DRIVER_PACKAGES.get(error.name or "", error.name)
        raise UnusableDatabaseError(f"its driver is not installed: pip install '{package}'") from error
    except (sql.exc.SQLAlchemyError, OSError) as error:
        raise UnusableDatabaseError(_reason(error, url)) from error
    return tables


def _parsed(url: str) -> "URL":
    import sqlalchemy as sql

    try:
        parsed = sql.make_url(url)
        parsed.get_dialect()
    except sql.exc.NoSuchModuleError as error:
        hint = "write postgresql://" if url.startswith("postgres:") else f"known are {', '.join(sorted(SCHEMES))}"
        raise UnusableDatabaseError(f"no kind of database has the name '{url.partition(':')[0]}'; {hint}") from error
    except ImportError as error:
        package = DRIVER_PACKAGES.get(error.name or "", error.name)
        raise UnusableDatabaseError(f"its driver is not installed: pip install '{package}'") from error
    except (sql.exc.ArgumentError, ValueError) as error:  # its text may hold pieces of the password
        examples = "postgresql://user@host/name or sqlite:////folder/file.db"
        raise UnusableDatabaseError(f"this is no URL of a database; write for instance {examples}") from error
    if "@" in (parsed.host or ""):
        raise UnusableDatabaseError("there is more than one @ in it; write one in a password as %40")
    return parsed


def _file_exists(url: "URL") -> bool:
    """Return whether a SQLite database is there.

    Raises:
        UnusableDatabaseError: it cannot be there.
    """
    path = sqlite_file(url.render_as_string())
    if path is None:
        raise UnusableDatabaseError("a database in memory keeps nothing; name a file: sqlite:////folder/file.db")
    existing = next(place for place in (path, *path.parents) if place.exists())
    if existing != path and not existing.is_dir():
        raise UnusableDatabaseError(f"{existing} is a file, not a folder")
    if existing == path and path.is_dir():
        raise UnusableDatabaseError(f"{path} is a folder, not a file")
    if not os.access(existing, os.W_OK):
        raise UnusableDatabaseError(f"{existing} cannot be written")
    return existing == path


def _check_right_to_make_tables(connection: "Connection") -> None:
    """Ask PostgreSQL, which since version 15 lets nobody but its owner make tables in a database."""
    import sqlalchemy as sql

    if connection.dialect.name != "postgresql":
        return
    question = "SELECT current_user, current_schema(), has_schema_privilege(current_schema(), 'CREATE')"
    user, schema, may = connection.execute(sql.text(question)).one()
    if not may:
        raise UnusableDatabaseError(
            f"its user may make no tables in it: GRANT CREATE ON SCHEMA {schema or 'public'} TO {user}"
        )


def _reason(error: Exception, url: str) -> str:
    text = str(getattr(error, "orig", None) or error) or type(error).__name__
    line = without_password(text.strip().splitlines()[0], url)
    hint = next((hint for sign, hint in HINTS.items() if sign in text.lower()), "")
    return f"{line}; {hint}" if hint else line
