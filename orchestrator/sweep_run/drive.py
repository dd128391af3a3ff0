"""Driving: from a planner with work to do to the last trial that ends, on Ray or in this process."""

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.planning.planner import Planner
from orchestrator.sweep_run.signals import StopSignals
from orchestrator.worker.attempts import Attempt
from orchestrator.worker.pulse import clear_stale
from orchestrator.worker.worker import Order, make_order, shared_data
from search_spaces import Sweep
from trainers.data import folder_of, names
from trainers.errors import RequestError
from trainers.files.store import Store

if TYPE_CHECKING:
    from orchestrator.ray_tune.nodes.wanted import Wanted

MOST_LOST_CLUSTERS = 3
"""So many clusters of ours that die in a row, without a trial that ends between, end the run."""

Say = Callable[[str], None]

log = logging.getLogger("kdsweep")


class ClusterLostError(RequestError):
    """The Ray cluster died again and again, or is not ours to start again. What has ended is recorded.

    Attributes:
        stuck: Ray stands still in this process, which is ended by `os._exit`, or by Ray's core within a minute.
    """

    def __init__(self, text: str, *, stuck: bool = False) -> None:
        super().__init__(text)
        self.stuck = stuck


@dataclass(frozen=True, slots=True, kw_only=True)
class Workforce:
    """Who trains."""

    address: str | None = None
    """Of a Ray cluster; None starts a local one."""
    workers: int | None = None
    """Trials at a time; 0: one after the other in this process; None: as many as the machine or the cluster takes."""
    wait_seconds: float | None = None
    """So long may a cluster that is not ours have no room for a trial when the run begins; None: as long as nodes may
    come by themselves, within bounds."""
    mixed: bool = False
    """Nodes of a cluster that is not ours may have another version of torch."""
    verbose: bool = False
    """Let Ray speak."""


class RanksError(RequestError):
    """One process is to train what several ranks are asked for."""


def check_alone(sweeps: Sequence[Sweep]) -> None:
    """Raise RanksError where one process cannot train a sweep's trials."""
    for sweep in sweeps:
        if sweep.resources.ranks > 1:
            raise RanksError(
                f"{sweep.name}: the {sweep.resources.ranks} ranks of a trial are processes that Ray starts, and "
                "--workers 0 does without it; leave it out, or train with --set resources.ranks=1 and one GPU at most"
            )


class Orders:
    """Makes the order for an attempt from the resources of the sweep that asked for it first."""

    def __init__(self, sweeps: Sequence[Sweep], home: Path, shared: Callable[[], float] = lambda: 1.0) -> None:
        self._sweeps = {sweep.name: sweep for sweep in sweeps}
        self._home = home
        self._shared = shared
        """What of a GPU a trial takes where it shares one."""

    @property
    def request(self) -> tuple[int, float, int]:
        """CPUs and GPUs that Ray sets aside for a rank of a trial, and ranks: one request for all, so that workers can
        be reused."""
        every = [sweep.resources for sweep in self._sweeps.values()]
        gpus = [self._shared() if one.share_gpus else one.gpus / one.ranks for one in every]
        return max(one.cpus for one in every), max(gpus), max(one.ranks for one in every)

    def data(self) -> tuple[tuple[Path, ...], str | None, tuple[str, ...]]:
        """Return the folders of data sets that are named, the folder of all others, and which of them lie there."""
        plans = [plan for sweep in self._sweeps.values() for plan in sweep.datasets]
        roots = {plan.name: plan.root for plan in plans if plan.root is not None}
        lying = [root if name in names() else folder_of(root) for name, root in roots.items()]
        folders = dict.fromkeys(_from_anywhere(folder) for folder in lying if folder is not None)
        shared = shared_data()
        unnamed = dict.fromkeys(plan.name for plan in plans if plan.root is None)
        return tuple(folders), shared, tuple(name for name in unnamed if shared and (Path(shared) / name).is_dir())

    def wanted(self, home: Path, *, mixed: bool = False) -> "Wanted":
        """Return what a node must have.

        Args:
            mixed: it may have another version of torch.
        """
        from orchestrator.ray_tune.nodes.wanted import Wanted

        cpus, gpus, ranks = self.request
        folders, shared, names = self.data()
        of_data = {"folders": folders, "shared": shared, "names": names}
        return Wanted(home=home, cpus=cpus, gpus=gpus, ranks=ranks, mixed=mixed, **of_data)  # type: ignore[arg-type]

    def together(self, attempt: Attempt) -> int:
        """Return how many attempts may be trained in step, if the first is this one."""
        return self._sweeps[attempt.sweep].resources.together

    def stall_seconds(self, attempt: Attempt) -> float:
        """Return how long the attempt may make no step."""
        return self._sweeps[attempt.sweep].resources.stall_seconds

    def __call__(self, attempt: Attempt) -> Order:
        sweep = self._sweeps[attempt.sweep]
        threads = sweep.resources.cpus if attempt.trial.role == "student" else sweep.resources.teacher_cpus
        root = next((plan.root for plan in sweep.datasets if plan.name == attempt.trial.dataset), None)
        device = "cuda" if sweep.resources.gpus > 0 else "cpu"
        clear_stale(Store(self._home).checkpoints(attempt.key), attempt.number, attempt.life)
        loaders = sweep.resources.loaders
        if loaders is None:
            loaders = threads if device == "cuda" else 0
        return make_order(
            attempt,
            home=self._home,
            threads=threads,
            device=device,
            data_root=None if root is None else _from_anywhere(root),
            loaders=loaders,
            ranks=1 if attempt.trial.role == "given" else sweep.resources.ranks,
            deterministic=sweep.resources.deterministic,
            own=sweep.own,
        )


def _from_anywhere(folder: Path) -> Path:
    """Return the folder as it is found from any other; symbolic links stay, since other nodes may have others, unless
    `..` depends on them."""
    return folder.resolve() if ".." in folder.parts else folder.absolute()


def drive(
    planner: Planner,
    orders: Orders,
    store: Store,
    stop: StopSignals,
    workforce: Workforce,
    *,
    on_slots: Callable[[int], None],
    say: Say,
) -> None:
    """Run everything that the planner hands out.

    Args:
        stop: its second signal ends a local cluster at once.
        on_slots: called with the number of trials at a time when the workers are there.

    Raises:
        ClusterError: the Ray cluster does not answer or has no room for a trial.
        ClusterLostError: it died, and another one did not help.
        LedgerWriteError: the ledger cannot be written.
    """
    if workforce.workers == 0:
        from orchestrator.sweep_run import local_driver

        on_slots(1)
        local_driver.drive(planner, orders, orders.together)
        return
    lost = 0
    while not planner.idle and not planner.stopping:
        before = planner.ended_attempts
        why = _drive_on_cluster(planner, orders, store, stop, workforce, on_slots=on_slots, say=say)
        if why is None:
            return
        lost = 1 if planner.ended_attempts > before else lost + 1
        on_slots(0)
        if workforce.address is not None or lost >= MOST_LOST_CLUSTERS:
            raise ClusterLostError(f"{why}; what has ended is kept")
        say(f"{why}; another one is started and goes on")


def look_at_cluster(orders: Orders, home: Path, stop: StopSignals, workforce: Workforce, say: Say) -> None:
    """Enter the cluster at an address, wait for room in it, and leave it: what refuses us, or cannot work for the home,
    is known before anything is recorded.

    Raises:
        ClusterError: it does not let us in, has no node that can work, or no room for a trial.
        KeyboardInterrupt: asked to stop meanwhile, with the number of the signal.
    """
    from orchestrator.ray_tune.cluster import Cluster

    with Cluster(
        orders.wanted(home, mixed=workforce.mixed),
        workforce.address,
        workers=workforce.workers or 0,
        verbose=workforce.verbose,
        say=say,
        given_up=lambda: bool(stop.number),
    ) as cluster:
        stop.install()
        cluster.attend(lambda: cluster.await_room(workforce.wait_seconds))
    if stop.number:
        raise KeyboardInterrupt(stop.number)


def each_share(ready: int, free_slots: int) -> int:
    """Return how many trials a worker takes, so that those that have nothing to do yet all get some."""
    return -(-ready // max(1, free_slots))


def _drive_on_cluster(
    planner: Planner,
    orders: Orders,
    store: Store,
    stop: StopSignals,
    workforce: Workforce,
    *,
    on_slots: Callable[[int], None],
    say: Say,
) -> str | None:
    """Run until nothing is left or the cluster dies; return in words that it died, or why it never came up."""
    from orchestrator.ray_tune.bridge import Bridge
    from orchestrator.ray_tune.cluster import Cluster
    from orchestrator.ray_tune.driver import drive as drive_tune
    from orchestrator.ray_tune.entrance import ClusterStartError
    from orchestrator.ray_tune.nodes.blame import Blame

    wanted = orders.wanted(store.home, mixed=workforce.mixed)
    new = Cluster(
        wanted,
        workforce.address,
        workers=workforce.workers or 0,
        verbose=workforce.verbose,
        say=say,
        on_slots=on_slots,
        given_up=lambda: planner.stopping,
    )
    stop.at_once = new.kill
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(new)
        except ClusterStartError as error:
            log.info("Ray did not start", exc_info=error)
            return f"the Ray cluster did not start ({error})"
        stop.install()
        waiting = 1 if workforce.address is not None else 2  # on a cluster of ours as many wait for their worker
        bridge = Bridge(
            planner,
            orders,
            store,
            cluster,
            most_in_flight=lambda: waiting * cluster.slots,
            together=lambda attempt: min(
                orders.together(attempt), each_share(planner.waiting + 1, cluster.slots - bridge.in_flight)
            ),
            stall_seconds=orders.stall_seconds,
            for_workers=None if cluster.nodes is None else cluster.nodes.for_workers,
            blame=None if cluster.nodes is None else Blame(cluster.nodes),
        )

        def work() -> None:
            cluster.await_room(workforce.wait_seconds)
            if not planner.stopping:
                folder = store.home / "ray"
                drive_tune(bridge, wanted, slots=cluster.slots, folder=folder, verbose=workforce.verbose)

        if not cluster.attend(work):
            bridge.cut_off()
            raise ClusterLostError("the head of the Ray cluster has died; what has ended is kept", stuck=True)
    return "the Ray cluster died" if bridge.cluster_lost else None
