"""A way between client and server on which things go wrong: answers get lost, requests come late, nobody answers."""

import contextlib
import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

CHUNK = 65_536


@dataclass(slots=True)
class Trap:
    """What is done to the next requests that have a mark in them."""

    mark: bytes = b""
    times: int = 0
    late_seconds: float = 0.0
    """The request is passed on so much later, whether or not its sender still waits."""
    loses_answer: bool = False


class Proxy:
    """Passes bytes on from a port of its own to another one on loopback.

    Attributes:
        refuses: ends every connection instead of answering.
        hangs: takes every request and passes none on.
        answer_seconds: so late comes every answer.
        hits: requests that something has been done to.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.refuses = False
        self.hangs = False
        self.answer_seconds = 0.0
        self.hits = 0
        self._trap = Trap()
        self._closed = threading.Event()
        self._released = threading.Event()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_answers(self, mark: bytes, times: int) -> None:
        """Pass the next requests with this mark on, and lose their answers."""
        self._trap = Trap(mark, times, loses_answer=True)

    def hold_requests(self, mark: bytes, seconds: float, times: int) -> None:
        """Pass the next requests with this mark on so much later; `math.inf`: once they are released."""
        self._trap = Trap(mark, times, late_seconds=seconds)

    def release(self) -> None:
        """Pass on what is held."""
        self._released.set()

    def close(self) -> None:
        self._closed.set()
        self._released.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            lost = threading.Event()
            for source, sink, forth in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass, args=(source, sink, forth, lost), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, forth: bool, lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if forth:
                    while self.hangs and not self._closed.is_set():
                        self._closed.wait(0.05)
                    trap = self._trapped(data)
                    if trap.late_seconds:
                        self._deliver_later(data, source, trap.late_seconds)
                        break
                    if trap.loses_answer:
                        lost.set()
                else:
                    self._closed.wait(self.answer_seconds)
                    if lost.is_set() or self.refuses:
                        break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _deliver_later(self, data: bytes, source: socket.socket, seconds: float) -> None:
        """Take the request whole, until its sender gives up; pass it on by a connection of its own and wait for the
        answer: MLflow's server drops what nobody waits for, other servers and queues do not."""
        started = time.monotonic()
        while more := source.recv(CHUNK):
            data += more
        left = seconds - (time.monotonic() - started)
        self._released.wait(None if left == math.inf else max(0.0, left))
        with socket.create_connection(("127.0.0.1", self._target)) as server:
            server.sendall(data)
            server.recv(CHUNK)

    def _trapped(self, data: bytes) -> Trap:
        with self._lock:
            trap = self._trap
            if not trap.times or trap.mark not in data:
                return Trap()
            trap.times -= 1
            self.hits += 1
            return trap


@contextmanager
def running_proxy(port: int) -> Iterator[Proxy]:
    """A proxy to the port; gone at the end."""
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
