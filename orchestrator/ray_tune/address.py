"""The address of a Ray cluster: whether it is one, and whether Ray answers there; found out without Ray, which would
try for a quarter of an hour."""

import contextlib
import os
import re
import socket
import time
from collections.abc import Callable

from orchestrator.patience import LateError, within
from trainers.errors import RequestError

AUTO, LOCAL = "auto", "local"
CLIENT = "ray://"
HOST_PORT = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%]+)\]|(?P<host>[^\s:/\[\]@]+)):(?P<port>\d{1,5})")
PROBE_SECONDS = 10.0
HINT = (
    "is it running, and is this the port of its head, by default 6379? Without --address and RAY_ADDRESS one is started"
)
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
"""How a client of gRPC begins, with its settings, which are none; a server begins with its own settings."""
FRAME_HEAD, SETTINGS = 9, 4
"""Bytes that a frame begins with, and the kind of a frame, which the fourth of them is."""


class ClusterError(RequestError):
    """The Ray cluster that was asked for does not answer, or has no room for a trial."""


def cluster_address(given: str | None) -> str | None:
    """Return the address of a running cluster; None where one of our own is wanted.

    Raises:
        ClusterError: it can be none.
    """
    address = (given or "").strip()
    if address in ("", LOCAL):
        return None
    if address.startswith(CLIENT):
        raise ClusterError(
            f"{address} is an address of Ray Client, by which no sweep can run; give HOST:PORT of the head "
            "node, by default port 6379, or start this command on the cluster (ray job submit)"
        )
    if address != AUTO and _host_and_port(address) is None:
        raise ClusterError(
            f"the address {address} is none of a Ray cluster; it is HOST:PORT of the head node, such as "
            "10.0.0.1:6379, or auto for one that runs on this machine, or local for one of its own"
        )
    return address


def check_address(address: str, seconds: float = PROBE_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
    """Find out whether something that may be Ray listens at an address; `auto` is Ray's to look up.

    Args:
        clock: monotonic, in seconds.

    Raises:
        ClusterError: nothing does; says why.
    """
    place = _host_and_port(address)
    if place is None:
        return
    try:
        within(seconds, lambda: _probe(*place, clock() + seconds, clock))
    except (OSError, LateError) as error:
        raise silent(address, _reason(error)) from error


def silent(address: str, reason: str) -> ClusterError:
    """Return what to raise for a cluster that does not answer."""
    return ClusterError(f"the Ray cluster at {address} does not answer: {reason} ({HINT})")


def _host_and_port(address: str) -> tuple[str, int] | None:
    found = HOST_PORT.fullmatch(address)
    if found is None or not 0 < int(found["port"]) < 2**16:
        return None
    return found["six"] or found["host"], int(found["port"])


def _probe(host: str, port: int, deadline: float, clock: Callable[[], float]) -> None:
    with socket.create_connection((host, port), timeout=max(0.1, deadline - clock())) as connection:
        if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
            return
        connection.sendall(HELLO)
        answer = b""
        while len(answer) < FRAME_HEAD:
            connection.settimeout(max(0.1, deadline - clock()))
            more = connection.recv(FRAME_HEAD - len(answer))
            if not more:
                break
            answer += more
        if len(answer) < FRAME_HEAD or answer[3] != SETTINGS:
            raise OSError("what listens there is not Ray")
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def _reason(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return f"its host's name is not known: {error.strerror}"
    if isinstance(error, TimeoutError | LateError):
        return "nothing answers in time"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "what listens there is not Ray"
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)
