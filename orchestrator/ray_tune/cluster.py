"""The Ray cluster: one that runs already, or one of our own on this machine that leaves nothing behind."""

import contextlib
import gc
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import ray

from orchestrator.ray_tune.processes import descendants, kill, left_behind, marked
from trainers.errors import RequestError
from trainers.files import remove

LOOK_SECONDS = 2.0
"""How often the cluster's processes are looked at."""
NODE_SECONDS = 10.0
"""How often a cluster that is not ours is asked whether our node is one of its living ones."""


class ClusterError(RequestError):
    """The Ray cluster that was asked for does not answer, or has no room for a trial."""


class ClusterStartError(Exception):
    """A cluster of our own did not come up, or died while it did; another try may help."""


class Cluster:
    """Connects to a Ray cluster, or starts one; entered once.

    Started in a thread of its own: in the main thread Ray's Python takes SIGTERM. That thread lives as long as the
    cluster, which dies with the thread that started it. Ray's core takes SIGTERM wherever it is started: the caller
    takes it back.

    Args:
        home: that it works for.
        address: of a running cluster; None starts a local one for `workers` trials at once.
        workers: trials at once on a local cluster; 0 asks for as many as the machine's cores allow.
        cpus, gpus: of one trial.
        verbose: let Ray speak.
        clock: monotonic, in seconds.

    Attributes:
        slots: trials that run side by side.

    Raises:
        ClusterError: on entering.
        ClusterStartError: on entering, for a local one.
    """

    def __init__(
        self,
        home: Path,
        address: str | None,
        *,
        workers: int,
        cpus: int,
        gpus: float,
        verbose: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._home = home
        self._address = address
        self._workers = workers
        self._request = (cpus, gpus)
        self._verbose = verbose
        self._clock = clock
        self._left = threading.Event()
        self._error: BaseException | None = None
        self._processes: set[psutil.Process] = set()
        self._looked = self._asked = 0.0
        self.slots = 0

    def __enter__(self) -> "Cluster":
        ready = threading.Event()
        threading.Thread(target=self._keep, args=(ready,), name="ray", daemon=True).start()
        try:
            while not ready.wait(0.2):
                pass  # a plain wait would keep signals from their handlers
            if self._error is not None:
                raise self._error
            self._look()
            self.slots = self._slots()
        except BaseException as error:
            self._close()
            if self._address is None and isinstance(error, Exception) and not isinstance(error, RequestError):
                raise ClusterStartError(str(error) or type(error).__name__) from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def _keep(self, ready: threading.Event) -> None:
        """Start Ray, and stay."""
        try:
            self._start()
        except BaseException as error:  # noqa: BLE001 (told to the thread that waits)
            self._error = error
        ready.set()
        self._left.wait()

    def _start(self) -> None:
        level = logging.INFO if self._verbose else logging.ERROR
        options: dict[str, Any] = {"logging_level": level, "log_to_driver": self._verbose, "configure_logging": False}
        for name in ("ray", "ray._private.worker", "ray._private.authentication"):
            logging.getLogger(name).setLevel(level)
        if not self._verbose:  # nothing that Ray offers keeps it from printing what its own processes died of
            ray._private.worker.print_to_stdstream = _print_nothing
        if self._address is not None:
            _connect(self._address, options)
            return
        kill(set(left_behind(self._home)))  # of a driver that was killed: the home is ours now
        cpus, _ = self._request
        cores = self._workers * cpus if self._workers else max(os.cpu_count() or 1, cpus)
        with _private_token(), marked(self._home):
            ray.init(address="local", num_cpus=cores, include_dashboard=False, **options)

    def _slots(self) -> int:
        cpus, gpus = self._request
        total = ray.cluster_resources()
        slots = int(total.get("CPU", 1) // cpus)
        if gpus > 0:
            slots = min(slots, int(total.get("GPU", 0) / gpus))
        if slots < 1:
            there = f"{total.get('CPU', 0):g} CPUs and {total.get('GPU', 0):g} GPUs"
            raise ClusterError(f"no trial fits: resources ask for {cpus} CPUs and {gpus:g} GPUs, Ray has {there}")
        return min(slots, self._workers) if self._workers else slots

    # --- while it runs ------------------------------------------------------------------------------------------

    def is_alive(self) -> bool:
        """Return whether trials can still be started. Asked often, looked at now and then."""
        if self._clock() - self._looked >= LOOK_SECONDS:
            self._look()
        if self._address is None:
            return all(process.poll() is None for process in self._vital())
        if self._clock() - self._asked < NODE_SECONDS:
            return True
        self._asked = self._clock()
        ours = ray.get_runtime_context().get_node_id()
        return any(node["Alive"] and node["NodeID"] == ours for node in ray.nodes())

    def _look(self) -> None:
        """Remember the processes that there are: a worker that outlives its raylet is found by this alone."""
        self._looked = self._clock()
        if self._address is None:
            alive = {process for process in self._processes if process.is_running()}
            self._processes = alive | descendants([process.pid for process in _started_by_ray()])

    @staticmethod
    def _vital() -> list[Any]:
        """Return those of Ray's processes without which nothing goes on."""
        return [process for name, process in _named_processes() if name in ("raylet", "gcs_server")]

    def kill(self) -> None:
        """End every process of a local cluster at once."""
        if self._address is None:
            self._look()
            kill(self._processes | set(left_behind(self._home)))

    def _close(self) -> None:
        """Leave the cluster; of a local one nothing stays, not even its logs."""
        session = _session_folder() if self._address is None and not self._verbose else None
        self._look()
        if self._address is None and not all(process.poll() is None for process in self._vital()):
            self.kill()  # Ray would wait for those that are gone
        gc.collect()  # what refers to Ray goes first: collected once Ray is down, it would end the process
        with contextlib.suppress(Exception):  # whatever state Ray is in
            ray.shutdown()
        self._left.set()
        if self._address is None:
            kill(self._processes | set(left_behind(self._home)))
        if session is not None:
            remove(session)


def _print_nothing(data: object, ignore_prefix: bool) -> None:
    """Stand in for Ray's printer of messages: a worker that is lost is told by our own lines."""


def _named_processes() -> Iterator[tuple[str, Any]]:
    """Yield the kind and the process of everything that Ray has started for us."""
    node = ray._private.worker._global_node
    for name, infos in (node.all_processes if node is not None else {}).items():
        for info in infos:
            yield name, info.process


def _started_by_ray() -> list[Any]:
    return [process for _, process in _named_processes()]


def _session_folder() -> Path | None:
    node = ray._private.worker._global_node
    return Path(node.get_session_dir_path()) if node is not None else None


def _connect(address: str, options: dict[str, Any]) -> None:
    try:
        ray.init(address=address, **options)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        hint = "a cluster that wants a token is entered with RAY_AUTH_MODE=token"
        raise ClusterError(f"the Ray cluster at {address} does not answer: {reason} ({hint})") from error


@contextlib.contextmanager
def _private_token() -> Iterator[None]:
    """Make the token that Ray writes for its first local cluster readable by its owner alone: whoever has it runs code
    in the cluster."""
    token = Path.home() / ".ray" / "auth_token"
    there = token.exists()
    yield
    if not there and token.exists():
        token.chmod(0o600)
