"""No password of an address is ever shown, and no character of a path means anything in a URL."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from trainers.texts.addresses import sqlite_file, sqlite_url, watchful, without_password

ODD = "50% a%20b?c=d#e&f'g;h:i@jé+k\"l[m]*n,o\\p$q"
"""A name with all that means something in a URL, in SQL or in a shell."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://someone:secret@host:1/x", "https://host:1/x"),
        ("postgresql+psycopg2://u:p%40ss%2Fw@h/d?sslmode=require", "postgresql+psycopg2://h/d?sslmode=require"),
        ("http://host/x", "http://host/x"),
        ("sqlite:////folder/file.db", "sqlite:////folder/file.db"),
        ("postgresql://h/d?user=u&password=secret", "postgresql://h/d?user=u&password=***"),
        ("no way to 'http://u:s/e@cret@h:1/x': refused", "no way to 'http://h:1/x': refused"),
        ("from a://u:p@h to b://v:q@i", "from a://h to b://i"),
        ("sqlite:////me@host/file.db", "sqlite:////me@host/file.db"),
        ("file:///me@host and sqlite+pysqlite:///a@b", "file:///me@host and sqlite+pysqlite:///a@b"),
    ],
)
def test_without_password(text: str, shown: str):
    assert without_password(text) == shown


def test_a_known_address_may_hold_anything():
    url = "postgresql://u:a b@c@host/name"
    assert without_password(f"{url} is away", url) == "postgresql://host/name is away"


def test_limits_are_added_where_there_are_none():
    url = watchful("postgresql://u:p%40ss@host/name?connect_timeout=60")
    assert url.startswith("postgresql://u:p%40ss@host/name?connect_timeout=60&")
    assert "tcp_user_timeout=20000" in url
    for other in ("sqlite:////folder/file.db", "postgresql+pg8000://host/name", "mysql+pymysql://host/name"):
        try:
            assert watchful(other) == other
        except ImportError:
            continue


NAMES = ["plain.db", "with space+plus.db", ODD, *(f"a{letter}b" for letter in ODD), "\udcff", "a\nb"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_by_its_url(name: str):
    path = Path("/folder") / name.replace("/", "") / "file.db"
    url = sqlite_url(path)
    assert sqlite_file(url) == path
    if name.isprintable():
        assert make_url(url).database == str(path)
        assert make_url(url).render_as_string() == url
    assert url == f"sqlite:///{path}" or url.startswith("sqlite+pysqlite:////folder/")


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:////folder/file.db", "/folder/file.db"),
        ("sqlite+pysqlite:////folder/file.db?timeout=3", "/folder/file.db"),
        ("sqlite:///file.db", Path("file.db").absolute()),
        ("sqlite:////a%3Fb", "/a?b"),
        ("sqlite:////50%/b", "/50%/b"),
        ("sqlite:///file:/folder/a%20b?mode=ro&uri=true", "/folder/a b"),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("postgresql://host/sqlite:///x", None),
        ("http://host", None),
    ],
)
def test_which_file_a_url_names(url: str, file: str | None):
    assert sqlite_file(url) == (None if file is None else Path(file))
