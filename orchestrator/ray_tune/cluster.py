"""The Ray cluster: one that runs already, or one of our own on this machine that leaves nothing behind."""

import contextlib
import gc
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import ray

from orchestrator.patience import START_SECONDS, LateError, unless, wait
from orchestrator.ray_tune.address import ClusterError, check_address, silent
from orchestrator.ray_tune.entrance import (
    ENTRANCE,
    connect,
    not_started,
    own_folder,
    own_token,
    voice,
)
from orchestrator.ray_tune.head import Head
from orchestrator.ray_tune.nodes.nodes import FIRST_LOOK_SECONDS, Nodes
from orchestrator.ray_tune.nodes.scaling import ROOM_SECONDS
from orchestrator.ray_tune.nodes.wanted import Wanted, processors
from orchestrator.ray_tune.processes import descendants, kill, left_behind, marked
from trainers.errors import RequestError
from trainers.files.files import remove
from trainers.machine import usable_cores

LOOK_SECONDS = 2.0
"""How often the cluster's processes are looked at."""
NODE_SECONDS = 10.0
"""How often a cluster that is not ours is asked for its nodes: whether ours lives, and how many trials have room."""
AWAITED_SECONDS = 2.0
"""How often, while none has."""
POLL_SECONDS = 0.2

LOCAL_SECONDS = 120.0
"""So long may a cluster of our own take to come up: its programs are read from a disk that may be slow."""


class Cluster:
    """Connects to a Ray cluster, or starts one; entered once.

    Started in a thread of its own: in the main thread Ray's Python takes SIGTERM. That thread lives as long as the
    cluster, which dies with the thread that started it. Ray's core takes SIGTERM wherever it is started: the caller
    takes it back.

    Args:
        address: of a running cluster; None starts a local one for `workers` trials at once.
        workers: trials at once on a local cluster; 0 asks for as many as the cores that we may use allow.
        wanted: what every node must have that is not ours, and CPUs and GPUs of one trial.
        verbose: let Ray speak.
        say: called with a line for each node that is set aside, and while there is no room for a trial.
        on_slots: called with `slots` when it is known, and when it changes.
        given_up: asked several times a second, while there is a wait, whether to wait no longer.
        clock: monotonic, in seconds.

    Attributes:
        nodes: of a cluster that is not ours.
        slots: trials that run side by side; of a cluster that is not ours it follows the nodes, and may be 0.

    Raises:
        ClusterError: on entering.
        ClusterStartError: on entering, for a local one.
    """

    def __init__(
        self,
        wanted: Wanted,
        address: str | None,
        *,
        workers: int,
        verbose: bool = False,
        say: Callable[[str], None] = lambda _: None,
        on_slots: Callable[[int], None] = lambda _: None,
        given_up: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._home = wanted.home
        self._address = address
        self._workers = workers
        self._wanted = wanted
        self._verbose = verbose
        self._say = say
        self._on_slots = on_slots
        self._given_up = given_up
        self.nodes = None if address is None else Nodes(wanted, say, given_up)
        self._clock = clock
        self._left = threading.Event()
        self._error: BaseException | None = None
        self._processes: set[psutil.Process] = set()
        self._looked = self._asked = 0.0
        self._patience = LOCAL_SECONDS if address is None else START_SECONDS
        self._is_late = False
        """Ray is still at it, in a thread that cannot be ended."""
        self.slots = 0

    def __enter__(self) -> "Cluster":
        ready = threading.Event()
        threading.Thread(target=self._keep, args=(ready,), name="ray", daemon=True).start()
        try:
            if not wait(ready, self._patience):
                self._is_late = True
                raise self._late()
            if self._error is not None:
                raise self._error
            self._look()
            self._count(FIRST_LOOK_SECONDS)
        except BaseException as error:
            self._close()
            if self._address is None and isinstance(error, Exception) and not isinstance(error, RequestError):
                raise not_started(error) from error
            raise
        return self

    def _late(self) -> ClusterError:
        """Return what to raise where Ray has not done in time what it was asked; its thread is left to itself."""
        if self._address is not None:
            return silent(self._address, f"it has not let us in within {self._patience:g} s; {ENTRANCE}")
        return ClusterError(
            f"Ray has not started on this machine within {self._patience:g} s; --verbose shows what it does, "
            "--workers 0 does without it"
        )

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
        options = voice(self._verbose)
        if self._address is not None:
            check_address(self._address)
            connect(self._address, options)
            return
        kill(set(left_behind(self._home)))  # of a driver that was killed: the home is ours now
        cpus = self._wanted.cpus * self._wanted.ranks
        cores = self._workers * cpus if self._workers else max(usable_cores(), cpus)
        # Whoever ends a whole job, as Slurm does, sends SIGTERM to Ray's processes, too; without them the driver would
        # stand still until Ray's core ended it. They inherit what this thread blocks, and go when we do.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        with own_token(), marked(self._home):
            ray.init(address="local", num_cpus=cores, include_dashboard=False, **own_folder(), **options)

    def _count(self, wait_seconds: float = 0.0) -> None:
        """Find out how many trials run side by side.

        Raises:
            ClusterError: none does, on a cluster of ours.
        """
        room = self._room() if self.nodes is None else self.nodes.look(wait_seconds)
        slots = min(room, self._workers) if self._workers else room
        if slots != self.slots:
            self.slots = slots
            self._on_slots(slots)

    def _room(self) -> int:
        total = ray.cluster_resources()
        room = self._wanted.trials([total])
        if room < 1:
            there = processors(total.get("CPU", 0), total.get("GPU", 0))
            raise ClusterError(f"no trial fits: resources ask for {self._wanted}, Ray has {there}")
        return room

    def await_room(self, patience_seconds: float | None) -> None:
        """Wait until a trial has room: nodes may be on their way, and an autoscaler is asked for one.

        Args:
            patience_seconds: at most; None: `ROOM_SECONDS` where more nodes may come, and not at all where none will.

        Raises:
            ClusterError: none has, after so long; or every node that has room for one cannot work for the home.
        """
        if self.nodes is None or self.slots or self._given_up():
            return
        aside = self.nodes.aside_with_room()
        if aside:
            raise ClusterError(f"no node of the Ray cluster can work for this home: {aside}")
        trial, cluster = str(self._wanted), f"the Ray cluster at {self._address}"
        if patience_seconds is None:
            if not self.nodes.may_be_more():
                raise ClusterError(
                    f"no trial fits into {cluster}: resources ask for {trial}, its nodes have {self.nodes.told()}; "
                    "--wait-for-nodes SECONDS waits for more"
                )
            patience_seconds = ROOM_SECONDS
        self._say(f"{cluster} has no node with room for a trial ({trial}); it is waited for, {patience_seconds:g} s")
        started = self._clock()
        try:
            with _asked_for(self._wanted.bundles):
                while not self.slots and not self._given_up():
                    if self._clock() - started >= patience_seconds:
                        told = f"; {aside}" if (aside := self.nodes.aside_with_room()) else ""
                        raise ClusterError(
                            f"{cluster} has had no node with room for a trial ({trial}) for that long{told}"
                        )
                    self._left.wait(POLL_SECONDS)
                    if self._clock() - self._asked >= AWAITED_SECONDS:
                        self._asked = self._clock()
                        self._count()
        except ray.exceptions.RayError as error:
            raise silent(str(self._address), str(error).splitlines()[0]) from error

    # --- while it runs ------------------------------------------------------------------------------------------

    def attend(self, action: Callable[[], None]) -> bool:
        """Do what calls Ray; return whether it came to its end.

        It does not where the head of a cluster that is not ours dies meanwhile. The action is then left to itself, in a
        thread that stands still: nothing may be asked of Ray any more, and the process ends by `os._exit`.
        """
        if self._address is None:
            action()
            return True
        head = Head(ray.get_runtime_context().gcs_address, self._clock)
        try:
            unless(head.is_gone, action)
        except LateError:
            self._is_late = True
        return not self._is_late

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
        if not any(node["Alive"] and node["NodeID"] == ours for node in ray.nodes()):
            return False
        self._count()
        return True

    def revives_keeper(self) -> bool:
        """Return whether the keeper of the home's files stood still, and is started again."""
        return self.nodes is not None and self.nodes.revives_keeper()

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
        if self.nodes is not None:
            self.nodes.close(silent=self._is_late)
        self._look()
        if self._address is None and not all(process.poll() is None for process in self._vital()):
            self.kill()  # Ray would wait for those that are gone
        gc.collect()  # what refers to Ray goes first: collected once Ray is down, it would end the process
        node = ray._private.worker._global_node
        if (
            self._address is None and node is not None
        ):  # which would give each a second for a SIGTERM that it never gets
            node.kill_all_processes = lambda **_: self.kill()
        if not self._is_late:
            with contextlib.suppress(Exception):  # whatever state Ray is in
                ray.shutdown()
        self._left.set()
        if self._address is None:
            kill(self._processes | set(left_behind(self._home)))
        if session is not None:
            remove(session)


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


@contextlib.contextmanager
def _asked_for(bundles: list[dict[str, float]]) -> Iterator[None]:
    """Let an autoscaler see that there is want of nodes, by a request that ends with this process at the latest."""
    from ray.util.placement_group import placement_group, remove_placement_group

    group = placement_group(bundles)
    try:
        yield
    finally:
        remove_placement_group(group)
