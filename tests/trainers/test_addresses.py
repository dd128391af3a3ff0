"""No password of an address is ever shown."""

import pytest

from trainers.addresses import watchful, without_password


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
