"""An MLflow tracking server of our own on loopback that can be killed and started again with the same data."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.ports import free_port, wait_until


class MlflowServer:
    """A server with its database and its artifacts in one folder.

    Args:
        store: URI of its database; by default a SQLite file in the folder.
    """

    def __init__(self, folder: Path, store: str | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.store = store or f"sqlite:///{folder / 'mlflow.db'}"
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, port: int | None = None) -> str:
        """Return its address, by way of another port where a proxy listens."""
        return f"http://127.0.0.1:{port or self.port}"

    def start(self) -> None:
        """Start it on its port; return when it answers."""
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", "1", "--backend-store-uri", self.store]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        wait_until(self._answers, "the MLflow server starts", 120)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url()}/health", timeout=2).close()
        except OSError:
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and its workers."""
        if self._process is not None:
            os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """End it and its workers at once."""
        self.send(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(30)
            self._process = None


@contextmanager
def running_server(folder: Path, store: str | None = None) -> Iterator[MlflowServer]:
    """A running server; gone at the end."""
    server = MlflowServer(folder, store)
    server.start()
    try:
        yield server
    finally:
        server.kill()
