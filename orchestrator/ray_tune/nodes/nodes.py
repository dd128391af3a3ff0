"""The nodes of a cluster that is not ours: whether each can work for a home, found out before anything starts on it.

A small task on every node says which versions it has, and whether it sees the home and the data. One that does not see
the home works through the keeper. One that cannot work is set aside by name, and what it has is held until the run
ends, so that Ray puts nothing there; one that joins is looked at, and used.
"""

import contextlib
import math
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from orchestrator.ray_tune.address import ClusterError
from orchestrator.ray_tune.nodes.keeper import clear_copies, copies_name, start_keeper
from orchestrator.ray_tune.nodes.looking import looker, reason_of
from orchestrator.ray_tune.nodes.scaling import may_be_more
from orchestrator.ray_tune.nodes.wanted import Wanted, processors
from trainers.files.files import remove

FIRST_LOOK_SECONDS, LOOK_SECONDS = 30.0, 120.0
"""So long is waited for the answers of nodes when a run begins; and so long has a node to start a process and answer:
until then nothing starts on it."""
HOLD_SECONDS = 10.0
GIVEN_UP_SECONDS = 0.2
GONE_SECONDS = 60.0
"""So long after a node has gone a worker that was lost may have been on it."""
KEEPER_SECONDS = 5.0
CLEAR_SECONDS = 2.0
"""So long may it take to remove what nodes have of the home; what stays is found at the next run's look."""
PROBE_SECONDS = 3.0
MARKER = ".look-"
"""How a file begins that is in the home while a run looks at nodes."""


class Nodes:
    """The nodes of the cluster that this process is connected to.

    Args:
        say: called with a line for each node that is set aside.
        given_up: asked several times a second, while there is a wait, whether to wait no longer.
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        wanted: Wanted,
        say: Callable[[str], None],
        given_up: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wanted = wanted
        self._say = say
        self._given_up = given_up
        self._clock = clock
        self._marker: Path | None = None
        self._asked: dict[str, tuple[Any, float]] = {}
        """By node: what will be its answer, and when it was asked."""
        self._fit: dict[str, bool] = {}
        """By node that has answered: whether it can work."""
        self._aside: dict[str, str] = {}
        """By node, in words."""
        self._held: dict[str, list[Any]] = {}
        """By node, what takes its place."""
        self._without_home: set[str] = set()
        self._lost_one = -math.inf
        """When a node that could work was last found to be gone."""
        self._keeper: Any = None
        self._seen: Any = None
        """Until it is known, what will say whether the keeper sees the home."""

    @property
    def for_workers(self) -> dict[str, str]:
        """What a worker needs to know of where the home's files are."""
        assert self._marker is not None, "nodes have been looked at"
        copies = copies_name(self._wanted.home)
        return {"marker": str(self._marker), "copies": copies, "keeper": _keeper_name(self._marker)}

    def look(self, wait_seconds: float = 0.0) -> int:
        """Look at the nodes that are new; return how many trials have room on those that can work.

        Args:
            wait_seconds: for answers; what comes later is seen at a later look.

        Raises:
            RayError: the cluster does not answer.
            OSError: the home cannot be written.
            ClusterError: the node of this machine does not see the home.
        """
        alive = {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}
        if {node_id for node_id, fit in self._fit.items() if fit} - alive.keys():
            self._lost_one = self._clock()
        for known in (self._asked, self._fit, self._aside, self._held):
            for node_id in known.keys() - alive.keys():
                del known[node_id]
        for node_id in alive.keys() - self._fit.keys() - self._asked.keys():
            self._asked[node_id] = self._ask(node_id, list(alive)), self._clock()
        self._check_keeper()
        without = []
        for node_id, (why, sees_home) in dict(self._answers(wait_seconds)).items():
            del self._asked[node_id]
            self._fit[node_id] = not why
            if why:
                self._set_aside(alive[node_id], why)
            elif not sees_home:
                without.append(node_id)
        self._without_home = self._without_home & alive.keys() | set(without)
        if without:
            names = ", ".join(name_of(alive[node_id]) for node_id in without)
            self._say(f"without the home {self._wanted.home}, by way of this node, works {names}")
        return self._wanted.trials(node["Resources"] for node_id, node in alive.items() if self._fit.get(node_id))

    def _check_keeper(self) -> None:
        if self._seen is None or (not self._wait([self._seen], LOOK_SECONDS) and self._given_up()):
            return
        try:
            seen = ray.get(self._seen, timeout=0)
        except ray.exceptions.RayError as error:
            why = (str(error).strip() or type(error).__name__).splitlines()[-1]
            raise ClusterError(f"on this machine's node of the Ray cluster nothing can be run: {why}") from error
        if not seen:
            raise ClusterError(
                f"this machine's node of the Ray cluster does not see the home {self._wanted.home}; give another with "
                "--home, or start Ray here where it is seen"
            )
        self._seen = None

    # --- what becomes of nodes while they work ------------------------------------------------------------------

    def is_alive(self, node_id: str) -> bool:
        """Return whether a node is there still: one that was killed is alive to Ray for ten seconds more."""
        return any(node["NodeID"] == node_id and node["Alive"] and _listens(node) for node in ray.nodes())

    def has_lost_one(self) -> bool:
        """Return whether a node that could work has just gone."""
        gone = any(not self.is_alive(node_id) for node_id, fit in self._fit.items() if fit)
        return gone or self._clock() - self._lost_one < GONE_SECONDS

    def revives_keeper(self) -> bool:
        """Return whether the keeper stands still; then another one takes its place."""
        if self._keeper is None or self._marker is None:
            return False
        if ray.wait([self._keeper.sees.remote(self._marker.name)], timeout=KEEPER_SECONDS)[0]:
            return False
        self._say(f"the keeper of the home's files has not answered within {KEEPER_SECONDS:g} s and is started again")
        ray.kill(self._keeper, no_restart=False)
        return True

    def has_others(self, node_id: str) -> bool:
        """Return whether trials have room on another node."""
        return any(
            node["Alive"]
            and node["NodeID"] != node_id
            and self._fit.get(node["NodeID"])
            and self._wanted.room(node["Resources"])
            for node in ray.nodes()
        )

    def name(self, node_id: str) -> str:
        """Return what people know a node by."""
        return next((name_of(node) for node in ray.nodes() if node["NodeID"] == node_id), node_id)

    def set_aside(self, node_id: str, why: str) -> None:
        """Let nothing more start on a node that has worked."""
        for node in ray.nodes():
            if node["NodeID"] == node_id and node["Alive"] and self._fit.get(node_id):
                self._fit[node_id] = False
                self._set_aside(node, why)

    def take_back(self, node_id: str) -> None:
        """Let trials start again on a node that was set aside."""
        if self._aside.pop(node_id, None) is None:
            return
        for holder in self._held.pop(node_id, []):
            ray.kill(holder)
        self._fit[node_id] = True
        self._say(f"node {self.name(node_id)} is taken back: it was not the cause")

    def may_be_more(self) -> bool:
        """Return whether more may be there soon: one has not answered, or nodes may come by themselves."""
        alive = [node for node in ray.nodes() if node["Alive"]]
        return any(node["NodeID"] not in self._fit for node in alive) or may_be_more(alive)

    def told(self) -> str:
        """Return what the nodes that can work have, in words, those that have the same together."""
        fit = [node["Resources"] for node in ray.nodes() if node["Alive"] and self._fit.get(node["NodeID"])]
        kinds = Counter(processors(one.get("CPU", 0), one.get("GPU", 0)) for one in fit)
        return "; ".join(kind if count == 1 else f"{count} times {kind}" for kind, count in kinds.items())

    def aside_with_room(self) -> str:
        """Return the nodes that are set aside, with the reasons, in words; empty where none is."""
        return "; ".join(self._aside.values())

    def close(self, *, silent: bool = False) -> None:
        """Leave nothing in the home, and no copies on nodes that do not see it.

        Args:
            silent: Ray does not answer any more, and is not asked.
        """
        if self._marker is not None:
            remove(self._marker)
        if silent:
            return
        with contextlib.suppress(ray.exceptions.RayError):  # a cluster that has died takes them with it
            name = copies_name(self._wanted.home)
            cleared = [task_on(node_id, clear_copies).remote(name, []) for node_id in self._without_home]
            if cleared:
                ray.wait(cleared, num_returns=len(cleared), timeout=CLEAR_SECONDS)

    def _ask(self, node_id: str, alive: list[str]) -> Any:
        if self._marker is None:
            for former in self._wanted.home.glob(f"{MARKER}*"):  # of a driver that was killed
                remove(former)
            marker = self._wanted.home / f"{MARKER}{secrets.token_hex(8)}"
            marker.touch()
            self._marker = marker
            self._keeper = start_keeper(self._wanted.home, _keeper_name(marker))
            self._seen = self._keeper.sees.remote(marker.name)
        folders = [str(folder) for folder in self._wanted.folders]
        look, names = task_on(node_id, looker()), list(self._wanted.names)
        return look.remote(
            str(self._marker), folders, self._wanted.shared, names, copies_name(self._wanted.home), alive
        )

    def _answers(self, wait_seconds: float) -> Iterator[tuple[str, tuple[str, bool]]]:
        """Yield the nodes that have answered, and those that have taken too long, with why they cannot work and whether
        they see the home."""
        refs = [ref for ref, _ in self._asked.values()]
        if not refs:
            return
        done = self._wait(refs, wait_seconds)
        for node_id, (ref, since) in self._asked.items():
            if ref in done:
                yield node_id, reason_of(self._wanted, ref)
            elif self._clock() - since >= LOOK_SECONDS:
                yield node_id, (f"it has not answered within {LOOK_SECONDS:g} s", False)

    def _set_aside(self, node: Mapping[str, Any], why: str) -> None:
        name, resources = name_of(node), node["Resources"]
        self._say(f"node {name} is set aside: {why}")
        if not self._wanted.room(resources):
            return
        self._aside[node["NodeID"]] = f"{name}: {why}"
        units = [("num_cpus", resources.get("CPU", 0)), ("num_gpus", resources.get("GPU", 0))]
        held, ready = self._held.setdefault(node["NodeID"], []), []
        for unit, count in units:  # one by one: others may be at work there, and what they free is held, too
            for _ in range(math.ceil(count)):
                options = {"num_cpus": 0, "num_gpus": 0} | {unit: 1}
                holder = ray.remote(scheduling_strategy=_on(node["NodeID"]), **options)(_holder())
                held.append(holder.remote())
                ready.append(held[-1].__ray_ready__.remote())
        self._wait(ready, HOLD_SECONDS)

    def _wait(self, refs: list[Any], seconds: float) -> list[Any]:
        """Wait for answers; return those that there are after so long, or once nobody waits for them any more."""
        ended = self._clock() + seconds
        while True:
            left = ended - self._clock()
            done, others = ray.wait(refs, num_returns=len(refs), timeout=max(0.0, min(left, GIVEN_UP_SECONDS)))
            if not others or left <= 0 or self._given_up():
                return list(done)


def _holder() -> type[object]:
    class Holder:  # made here, so that it travels whole: a node without this package holds its place, too
        pass

    return Holder


def name_of(node: Mapping[str, Any]) -> str:
    """Return what people know a node by."""
    return f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"


def _keeper_name(marker: Path) -> str:
    return f"kdsweep-keeper{marker.name}"


def _listens(node: Mapping[str, Any]) -> bool:
    try:
        socket.create_connection((node["NodeManagerAddress"], node["NodeManagerPort"]), timeout=PROBE_SECONDS).close()
    except OSError:
        return False
    return True


def task_on(node_id: str, function: Callable[..., Any]) -> Any:
    """Return a function as a task that runs on a node, however busy it is."""
    return ray.remote(num_cpus=0, max_retries=0, scheduling_strategy=_on(node_id))(function)


def _on(node_id: str) -> NodeAffinitySchedulingStrategy:
    return NodeAffinitySchedulingStrategy(node_id, soft=False)
