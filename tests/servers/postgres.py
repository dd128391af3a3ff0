"""A PostgreSQL server of our own on loopback: passwords matter, it can be killed and started again."""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest

from tests.servers.ports import free_port, wait_until

USER = "kdsweep"
PASSWORD = "s3cret/p@ss word"  # all that a URL must encode
HOW_TO_GET_IT = "there is no PostgreSQL server here; get it with: apt-get install postgresql"


def programs() -> Path:
    """Return the folder of the newest PostgreSQL's programs; skip the test where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        pytest.skip(HOW_TO_GET_IT)
    return found[-1].parent if found else Path(on_path or "").parent


class Postgres:
    """A cluster in a folder of its own. It refuses to run as root, so there `nobody` runs it."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._bin = bin_folder
        self._user = "nobody" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count()
        if self._user is not None:
            shutil.chown(folder, self._user)
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        made = ["initdb", "-D", "data", "-U", USER, "--auth=scram-sha-256", "--pwfile=password", "-N", "-E", "UTF8"]
        self._run([*made, "--locale=C"])

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [str(self._bin / arguments[0]), *arguments[1:]]

    def _run(self, arguments: Sequence[str]) -> None:
        subprocess.run(
            self._command(arguments), cwd=self._folder, user=self._user, check=True, stdout=subprocess.DEVNULL
        )

    def start(self) -> None:
        """Start it on its port; return when it takes connections."""
        settings = ["listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={self._folder}"]
        settings += ["fsync=off", "shared_buffers=32MB", "max_connections=50"]
        command = self._command(["postgres", "-D", "data", *(part for text in settings for part in ("-c", text))])
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, user=self._user, stdout=log, stderr=log)
        wait_until(self._answers, "PostgreSQL starts")

    def _answers(self) -> bool:
        try:
            self.connect("postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """End it at once, as a crash would: every connection breaks, what was committed stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def connect(self, database: str) -> "psycopg2.extensions.connection":
        return psycopg2.connect(host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname=database)

    def execute(self, sql: str, database: str = "postgres") -> list[tuple]:
        """Run one statement; return its rows."""
        connection = self.connect(database)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def new_database(self, template: str = "template1") -> str:
        """Make a database; return its name."""
        name = f"db{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def url(self, database: str, port: int | None = None) -> str:
        """Return the database's URL, by way of another port where a proxy listens."""
        return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port or self.port}/{database}"


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A running server; gone with all its data at the end."""
    bin_folder = programs()
    # not pytest's folder: only its owner may enter that one
    with tempfile.TemporaryDirectory(prefix="kdsweep-postgres-", ignore_cleanup_errors=True) as name:
        server = Postgres(Path(name), bin_folder)
        server.start()
        try:
            yield server
        finally:
            server.kill()
