"""The head of a cluster: gone once nobody listens any more, and not for one look in vain."""

import socket
from collections.abc import Iterator

import pytest

from orchestrator.ray_tune.head import LOOK_SECONDS, REFUSALS, SILENT_SECONDS, Head


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


class Looking:
    """A head that is asked once a second."""

    def __init__(self, address: str) -> None:
        self.now = 0.0
        self.head = Head(address, lambda: self.now)

    def after(self, seconds: float) -> bool:
        self.now += seconds
        return self.head.is_gone()


def address_of(server: socket.socket) -> str:
    host, port = server.getsockname()
    return f"{host}:{port}"


def test_a_head_that_listens_is_there(listener: socket.socket):
    looking = Looking(address_of(listener))
    assert not any(looking.after(LOOK_SECONDS) for _ in range(40))


def test_a_head_is_gone_after_three_refusals_in_a_row(listener: socket.socket):
    looking = Looking(address_of(listener))
    looking.after(LOOK_SECONDS)
    listener.close()
    assert [looking.after(LOOK_SECONDS) for _ in range(REFUSALS)] == [False] * (REFUSALS - 1) + [True]


def test_between_looks_nobody_is_asked(listener: socket.socket):
    looking = Looking(address_of(listener))
    listener.close()
    assert not any(looking.after(LOOK_SECONDS / 100) for _ in range(99))


def test_a_machine_without_any_answer_has_longer(monkeypatch: pytest.MonkeyPatch):
    def silence(*_: object, **__: object) -> socket.socket:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silence)
    looking = Looking("10.0.0.1:6379")
    answers = [looking.after(LOOK_SECONDS) for _ in range(int(SILENT_SECONDS / LOOK_SECONDS))]
    assert answers == [False] * (len(answers) - 1) + [True]
