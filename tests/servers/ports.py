"""Loopback ports, and waiting for a server in another process to listen."""

import socket
import time
from collections.abc import Callable

import pytest

POLL_SECONDS = 0.05


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], what: str, seconds: float = 60.0, poll_seconds: float = POLL_SECONDS) -> None:
    """Ask again and again whether another process is ready; nothing tells when it is."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {seconds:g} s")
        time.sleep(poll_seconds)
