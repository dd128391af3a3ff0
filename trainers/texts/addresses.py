"""Addresses of servers and databases: as people may see them, and as a client is to use them."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

CREDENTIALS = re.compile(r"(?<![\w+.-])((?!sqlite[+:]|file:)\w[\w+.-]*://)\S*@")
"""Of a server: the addresses of files have none, and an @ in one is a part of its path."""
PARAMETER = re.compile(r"\b(\w*passw(?:or)?d)=[^&\s'\"]*", re.IGNORECASE)
"""libpq takes a password in the query of a URL too."""

LIBPQ_DRIVERS = frozenset({"psycopg", "psycopg2"})
LIBPQ_LIMITS: Mapping[str, str] = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""Without them a machine that vanished is noticed after two hours. Seconds, but for the last: milliseconds."""


def without_password(text: str, *addresses: str) -> str:
    """Return the text, an address or a message, with no user name and no password in any address of it.

    Args:
        addresses: that may be in it and hold what no address should, such as a space in a password.
    """
    for address in addresses:
        text = text.replace(address, _cut(address))
    return PARAMETER.sub(r"\1=***", CREDENTIALS.sub(r"\1", text))


def _cut(address: str) -> str:
    scheme, separator, rest = address.partition("://")
    return scheme + separator + rest.rpartition("@")[2]


SQLITE = re.compile(r"sqlite(?:\+\w+)?:///(?P<path>[^?]*)(?:\?(?P<query>.*))?", re.DOTALL)


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite database by its file, with everything escaped that would mean something in it."""
    text = str(path)
    escaped = quote(text, safe=" +/", errors="surrogateescape")  # as SQLAlchemy does it, and takes it back
    # MLflow makes the folder that it reads in a plain "sqlite:///", and would read the escaped name
    return f"sqlite:///{text}" if escaped == text else f"sqlite+pysqlite:///{escaped}"


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite database by its URL, absolute; None of any other, and of one in memory."""
    match = SQLITE.fullmatch(url)
    name = unquote(match["path"], errors="surrogateescape") if match is not None else ""
    if match is None or name in ("", ":memory:"):
        return None
    if name.startswith("file:") and "uri" in parse_qs(match["query"] or ""):  # SQLite's own kind of URL, within one
        name = unquote(urlsplit(name).path)
    return Path(name).absolute()


def watchful(url: str) -> str:
    """Return a database's URL with limits on how long a PostgreSQL server may be silent, where it has none of its own.

    Raises:
        sqlalchemy.exc.ArgumentError: it is no URL of a database.
    """
    from sqlalchemy import make_url

    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql" or parsed.get_driver_name() not in LIBPQ_DRIVERS:
        return url
    missing = {name: value for name, value in LIBPQ_LIMITS.items() if name not in parsed.query}
    return parsed.update_query_dict(missing).render_as_string(hide_password=False)
