"""Waiting has bounds: addresses of clusters where nobody answers, folders that Ray cannot use, servers that hang."""

import contextlib
import errno
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import run
from orchestrator.mlflow_store import TrackingError, location
from orchestrator.optuna_studies import storage
from orchestrator.optuna_studies.storage import StorageError
from orchestrator.patience import LateError, within
from orchestrator.ray_tune import address as addresses
from orchestrator.ray_tune import cluster, entrance
from orchestrator.ray_tune.address import ClusterError, check_address, cluster_address
from orchestrator.ray_tune.cluster import Cluster
from orchestrator.ray_tune.entrance import ClusterStartError
from orchestrator.ray_tune.nodes.wanted import Wanted
from orchestrator.sweep_run.drive import ClusterLostError
from trainers.files import temporary
from trainers.files.temporary import keep_sockets_short, longest_for_sockets, short_folder

SWEEP = """
name: waiting
dataset: digits100
seeds: 1
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 1}
methods: {ce: }
"""


@contextlib.contextmanager
def listening(answer: bytes | None, *, accepts: bool = True) -> Iterator[int]:
    """Listen on a port; answer every connection with some bytes, or, given None, with nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    held.append(connection)
                    if answer is not None:
                        connection.recv(1000)
                        connection.sendall(answer)
                        connection.close()

        if accepts:
            threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)  # ends the accept
        for connection in held:
            connection.close()


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_nobody_listens() -> None:
    port = unused_port()
    with pytest.raises(
        ClusterError, match=f"the Ray cluster at 127.0.0.1:{port} does not answer: nobody listens there"
    ):
        check_address(f"127.0.0.1:{port}")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"-ERR unknown command\r\n", b"", b"\0\0\4"])
def test_something_else_listens(answer: bytes) -> None:
    with listening(answer) as port, pytest.raises(ClusterError, match="what listens there is not Ray"):
        check_address(f"localhost:{port}")


@pytest.mark.parametrize("accepts", [True, False])
def test_somebody_who_never_answers(accepts: bool) -> None:
    started = time.monotonic()
    with listening(None, accepts=accepts) as port, pytest.raises(ClusterError, match="nothing answers in time"):
        check_address(f"127.0.0.1:{port}", seconds=0.4)
    assert time.monotonic() - started < 10


def test_somebody_who_answers_as_ray_does() -> None:
    with listening(b"\0\0\6\4\0\0\0\0\0" + b"\0\4\0\0\377\377") as port:
        check_address(f"127.0.0.1:{port}")


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ClusterError, match="its host's name is not known: Name or service not known"):
        check_address("head.invalid:6379")


def test_names_that_nobody_answers_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: asked.wait(60))
    with pytest.raises(ClusterError, match="nothing answers in time"):
        check_address("head:6379", seconds=0.4)
    asked.set()


@pytest.mark.parametrize("given", [None, "", " ", "local", " local\n"])
def test_a_cluster_of_our_own(given: str | None) -> None:
    assert cluster_address(given) is None


@pytest.mark.parametrize("given", ["auto", "10.0.0.1:6379", "head.cluster-7:1", "[::1]:6379", " host_1:65535 "])
def test_addresses(given: str) -> None:
    assert cluster_address(given) == given.strip()


@pytest.mark.parametrize(
    "given",
    [
        "host",
        "host:",
        ":6379",
        "host:0",
        "host:65536",
        "host:99999",
        "http://h:1",
        "redis://h:1",
        "a b:1",
        "h:1/x",
        "::1:6",
    ],
)
def test_addresses_that_can_be_none(given: str) -> None:
    with pytest.raises(ClusterError, match=r"is none of a Ray cluster; it is HOST:PORT"):
        cluster_address(given)


@pytest.mark.parametrize("given", ["ray://10.0.0.1:10001", "ray://head"])
def test_addresses_of_ray_client(given: str) -> None:
    with pytest.raises(ClusterError, match=r"Ray Client, by which no sweep can run; give HOST:PORT"):
        cluster_address(given)


def test_a_new_sweep_with_a_dead_cluster_starts_nothing(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "waiting.yaml"
    file.write_text(SWEEP)
    with listening(b"HTTP/1.1 400\r\n\r\n") as port, pytest.raises(ClusterError, match="what listens there is not Ray"):
        run([file], home=home, address=f"127.0.0.1:{port}")
    with pytest.raises(ClusterError, match="Ray Client"):
        run([file], home=home, address="ray://127.0.0.1:10001")
    monkeypatch.setenv("RAY_ADDRESS", "ray://127.0.0.1:10001")
    with pytest.raises(ClusterError, match="Ray Client"):
        run([file], home=home)
    assert not home.exists()


def test_a_cluster_that_refuses_us_leaves_no_sweep_behind(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers as Ray does, but takes another token: known before anything is recorded."""

    def init(**_: object) -> None:
        raise ConnectionError("the token is another one")

    file = tmp_path / "waiting.yaml"
    file.write_text(SWEEP)
    monkeypatch.setattr(cluster.ray, "init", init)
    with (
        listening(b"\0\0\6\4\0\0\0\0\0" + b"\0\4\0\0\377\377") as port,
        pytest.raises(ClusterError, match="the token is another one; a cluster that wants a token"),
    ):
        run([file], home=home, address=f"127.0.0.1:{port}")
    assert not (home / "ledger.db").exists()


def test_a_cluster_that_never_lets_us_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()
    monkeypatch.setattr(cluster.ray, "init", lambda **_: held.wait(60))
    monkeypatch.setattr(cluster, "check_address", lambda _: None)
    monkeypatch.setattr(cluster, "START_SECONDS", 0.3)
    with pytest.raises(ClusterError, match="auto does not answer: it has not let us in within"):
        Cluster(Wanted(home=tmp_path, cpus=1, gpus=0), "auto", workers=0).__enter__()
    held.set()


def test_one_of_our_own_that_never_comes_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()
    monkeypatch.setattr(cluster.ray, "init", lambda **_: held.wait(60))
    monkeypatch.setattr(cluster, "LOCAL_SECONDS", 0.3)
    with pytest.raises(ClusterError, match=r"has not started on this machine within .*--workers 0"):
        Cluster(Wanted(home=tmp_path, cpus=1, gpus=0), None, workers=1).__enter__()
    held.set()


LASTING = [
    OSError("validate_socket_filename failed: AF_UNIX path length cannot exceed 107 bytes: /x"),
    PermissionError(errno.EACCES, "Permission denied"),
    ValueError("num_cpus must be a positive integer"),
    UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range"),
    FileNotFoundError(errno.ENOENT, "raylet"),
    ImportError("no module"),
    OSError(errno.EROFS, "Read-only file system"),
]
PASSING = [
    RuntimeError("the raylet is gone"),
    ConnectionError("GCS is away"),
    OSError(errno.EADDRINUSE, "Address already in use"),
    TimeoutError("timed out"),
    Exception("Failed to start GCS"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
]


@pytest.mark.parametrize("error", [*LASTING, *PASSING], ids=str)
def test_what_will_stay_is_not_tried_again(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**_: object) -> None:
        raise error

    monkeypatch.setattr(cluster.ray, "init", init)
    expected = ClusterStartError if error in PASSING else ClusterError
    with pytest.raises(expected, match=re.escape(str(error))):
        Cluster(Wanted(home=tmp_path, cpus=1, gpus=0), None, workers=1).__enter__()


def test_a_cluster_that_did_not_start_three_times_is_told_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestrator.sweep_run import drive as driving

    class Planner:
        idle = stopping = False
        ended_attempts = 0

    said: list[str] = []
    monkeypatch.setattr(driving, "_drive_on_cluster", lambda *_, **__: "the Ray cluster did not start (no port)")
    with pytest.raises(ClusterLostError, match=r"did not start \(no port\); what has ended is kept"):
        driving.drive(Planner(), None, None, None, driving.Workforce(), on_slots=lambda _: None, say=said.append)
    assert said == ["the Ray cluster did not start (no port); another one is started and goes on"] * 2


# --- temporary folders ------------------------------------------------------------------------------------------


def test_a_folder_that_fits_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary, "PLACES", (str(tmp_path),))
    behind = temporary.SOCKET_BYTES - len(str(tmp_path))
    assert short_folder(behind, str(tmp_path)) == tmp_path
    assert longest_for_sockets(behind) == len(str(tmp_path))
    for wrong in (tmp_path / "long", "/tmp/caf\u00e9", os.fsdecode(b"/tmp/\xff"), "/proc/none", "/tmp/a\nb"):
        assert short_folder(behind, str(wrong)) == tmp_path
    assert short_folder(behind + 1, str(tmp_path)) is None


def test_ray_gets_a_folder_only_where_its_own_will_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_TMPDIR", "TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    assert entrance.own_folder() == {}
    long = tmp_path / ("job/" + "0000001/" * 7 + "scratch")
    monkeypatch.setenv("TMPDIR", str(long))
    assert entrance.own_folder() == {"_temp_dir": "/tmp/ray"}
    monkeypatch.setenv("RAY_TMPDIR", "/dev/shm")
    assert entrance.own_folder() == {}
    monkeypatch.delenv("RAY_TMPDIR")
    monkeypatch.setattr(temporary, "PLACES", ("/proc/none",))
    with pytest.raises(ClusterError, match=r"no folder for its sockets: .*RAY_TMPDIR.*--workers 0"):
        entrance.own_folder()


def test_the_longest_folder_that_is_taken_is_one_that_ray_takes() -> None:
    from ray._private.utils import validate_socket_filepath

    longest = "/" + "x" * (longest_for_sockets(entrance.SESSION_BYTES) - 1)
    validate_socket_filepath(f"{longest}/ray/session_2026-12-31_23-59-59_999999_4194304/sockets/plasma_store")


def test_loaders_get_a_folder_only_where_their_own_will_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import multiprocessing.process
    import tempfile

    config = multiprocessing.process.current_process()._config  # type: ignore[attr-defined]
    monkeypatch.setitem(config, "tempdir", None)  # which also puts back what is made below
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    keep_sockets_short()
    assert config.get("tempdir") is None
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    keep_sockets_short()
    made = Path(config["tempdir"])
    assert made.is_dir() and len(str(made)) < 40
    keep_sockets_short()
    assert Path(config["tempdir"]) == made
    made.rmdir()


# --- stores -----------------------------------------------------------------------------------------------------


def test_what_does_not_end_is_left_to_itself() -> None:
    held = threading.Event()
    with pytest.raises(LateError, match=r"no answer within 0\.3 s"):
        within(0.3, lambda: held.wait(60))
    held.set()
    assert within(60.0, lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        within(60.0, lambda: 1 / 0)


def test_a_tracking_server_that_sends_a_byte_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit on a single read helps there."""
    held = threading.Event()
    monkeypatch.setattr(location, "START_SECONDS", 0.3)
    monkeypatch.setattr(location, "_ask", lambda *_: held.wait(60))
    with pytest.raises(TrackingError, match=r"at http://host:1 does not answer: no answer within"):
        location.check_answers("http://user:secret@host:1", patience_seconds=0.0)
    held.set()


def test_a_database_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "START_SECONDS", 0.5)
    with listening(None) as port, pytest.raises(StorageError, match=r"does not answer|cannot be used") as told:
        storage.check_storage(f"postgresql://user:secret@127.0.0.1:{port}/x?connect_timeout=60")
    assert "secret" not in str(told.value)


def test_the_addresses_module_waits_less_than_the_whole() -> None:
    assert addresses.PROBE_SECONDS < cluster.START_SECONDS
