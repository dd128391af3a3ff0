"""The nodes of a cluster that is not ours: whether each can work for a home, found out before anything starts on it.

A small task on every node says which versions it has, and whether it sees the home and the data. One that cannot work
is set aside by name, and what it has is held until the run ends, so that Ray puts nothing there; one that joins is
looked at, and used.
"""

import functools
import hashlib
import importlib.metadata
import math
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from trainers.files.files import remove

FIRST_LOOK_SECONDS, LOOK_SECONDS = 30.0, 120.0
"""So long is waited for the answers of nodes when a run begins; and so long has a node to start a process and answer:
until then nothing starts on it."""
HOLD_SECONDS = 10.0
PACKAGES = ("orchestrator", "reports", "search_spaces", "trainers")
MARKER = ".look-"
"""How a file begins that is in the home while a run looks at nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a node must have to work for a home."""

    home: Path
    folders: tuple[Path, ...] = ()
    """Of data sets that sweep files name."""
    shared: str | None = None
    """Folder with data sets, where a node knows none of its own."""
    names: tuple[str, ...] = ()
    """Of those that lie there."""
    cpus: int
    gpus: float
    """Of one trial, like the CPUs."""

    def room(self, resources: Mapping[str, float]) -> int:
        """Return how many trials fit into what Ray has."""
        by_cpus = int(resources.get("CPU", 0) // self.cpus)
        return min(by_cpus, int(resources.get("GPU", 0) / self.gpus + 1e-9)) if self.gpus else by_cpus


class Nodes:
    """The nodes of the cluster that this process is connected to.

    Args:
        say: called with a line for each node that is set aside.
        clock: monotonic, in seconds.
    """

    def __init__(self, wanted: Wanted, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._wanted = wanted
        self._say = say
        self._clock = clock
        self._marker: Path | None = None
        self._asked: dict[str, tuple[Any, float]] = {}
        """By node: what will be its answer, and when it was asked."""
        self._fit: dict[str, bool] = {}
        """By node that has answered: whether it can work."""
        self._aside: dict[str, str] = {}
        """By node, in words."""
        self._held: list[Any] = []

    def look(self, wait_seconds: float = 0.0) -> int:
        """Look at the nodes that are new; return how many trials have room on those that can work.

        Args:
            wait_seconds: for answers; what comes later is seen at a later look.

        Raises:
            RayError: the cluster does not answer.
            OSError: the home cannot be written.
        """
        alive = {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}
        for known in (self._asked, self._fit, self._aside):
            for node_id in known.keys() - alive.keys():
                del known[node_id]
        for node_id in alive.keys() - self._fit.keys() - self._asked.keys():
            self._asked[node_id] = self._ask(node_id), self._clock()
        for node_id, why in dict(self._answers(wait_seconds)).items():
            del self._asked[node_id]
            self._fit[node_id] = not why
            if why:
                self._set_aside(alive[node_id], why)
        return sum(self._wanted.room(node["Resources"]) for node_id, node in alive.items() if self._fit.get(node_id))

    def aside_with_room(self) -> str:
        """Return the nodes that are set aside, with the reasons, in words; empty where none is."""
        return "; ".join(self._aside.values())

    def close(self) -> None:
        """Leave nothing in the home."""
        if self._marker is not None:
            remove(self._marker)

    def _ask(self, node_id: str) -> Any:
        if self._marker is None:
            for former in self._wanted.home.glob(f"{MARKER}*"):  # of a driver that was killed
                remove(former)
            marker = self._wanted.home / f"{MARKER}{secrets.token_hex(8)}"
            marker.touch()
            self._marker = marker
        look = ray.remote(num_cpus=0, max_retries=0, scheduling_strategy=_on(node_id))(_looker())
        folders = [str(folder) for folder in self._wanted.folders]
        return look.remote(str(self._marker), folders, self._wanted.shared, list(self._wanted.names))

    def _answers(self, wait_seconds: float) -> Iterator[tuple[str, str]]:
        """Yield the nodes that have answered, and those that have taken too long, with why they cannot work."""
        refs = [ref for ref, _ in self._asked.values()]
        if not refs:
            return
        done, _ = ray.wait(refs, num_returns=len(refs), timeout=wait_seconds)
        for node_id, (ref, since) in self._asked.items():
            if ref in done:
                yield node_id, _reason(self._wanted, ref)
            elif self._clock() - since >= LOOK_SECONDS:
                yield node_id, f"it has not answered within {LOOK_SECONDS:g} s"

    def _set_aside(self, node: Mapping[str, Any], why: str) -> None:
        name, resources = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})", node["Resources"]
        self._say(f"node {name} is set aside: {why}")
        if not self._wanted.room(resources):
            return
        self._aside[node["NodeID"]] = f"{name}: {why}"
        units = [("num_cpus", resources.get("CPU", 0)), ("num_gpus", resources.get("GPU", 0))]
        ready = []
        for unit, count in units:  # one by one: others may be at work there, and what they free is held, too
            for _ in range(math.ceil(count)):
                options = {"num_cpus": 0, "num_gpus": 0} | {unit: 1}
                holder = ray.remote(scheduling_strategy=_on(node["NodeID"]), **options)(_holder())
                self._held.append(holder.remote())
                ready.append(self._held[-1].__ray_ready__.remote())
        ray.wait(ready, num_returns=len(ready), timeout=HOLD_SECONDS)


def _holder() -> type[object]:
    class Holder:  # made here, so that it travels whole: a node without this package holds its place, too
        pass

    return Holder


def _on(node_id: str) -> NodeAffinitySchedulingStrategy:
    return NodeAffinitySchedulingStrategy(node_id, soft=False)


def _looker() -> Callable[[str, list[str], str | None, list[str]], dict[str, Any]]:
    def look(marker: str, folders: list[str], shared: str | None, names: list[str]) -> dict[str, Any]:
        """Runs on a node; travels whole, so that it can say that this package is missing there."""
        import os
        import time
        from pathlib import Path

        try:
            from orchestrator.ray_tune.nodes import versions
        except ImportError as error:
            return {"error": str(error)}
        for _ in range(10):  # a network's file system may show what is new after a while
            if Path(marker).exists():
                break
            time.sleep(0.3)
        own = os.environ.get("KDSWEEP_DATA") or shared
        wanted = folders + ([str(Path(own) / name) for name in names] if own else [])
        missing = [folder for folder in wanted if not Path(folder).is_dir()]
        return {"versions": versions(), "home": Path(marker).exists(), "missing": missing}

    return look


@functools.cache
def versions() -> dict[str, str]:
    """Return what must be the same on every node: rounding and orders depend on it."""
    root = Path(__file__).resolve().parents[2]
    files = sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
    code = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()
    return {"kdsweep": code[:12], "torch": importlib.metadata.version("torch")}


def _reason(wanted: Wanted, answer: Any) -> str:
    """Return why a node cannot work for the home; empty where it can."""
    try:
        found = ray.get(answer)
    except ray.exceptions.RayError as error:
        return f"nothing can be run on it: {(str(error).strip() or type(error).__name__).splitlines()[-1]}"
    if "error" in found:
        return f"kdsweep cannot be loaded there, or is an older one: {found['error']}"
    there, here = found["versions"], versions()
    others = [f"{name} {there.get(name)}, here {own}" for name, own in here.items() if there.get(name) != own]
    reasons = [f"it has other versions: {'; '.join(others)}"] if others else []
    if not found["home"]:
        reasons.append(f"it does not see the home {wanted.home}; give one with --home that all nodes share")
    if found["missing"]:
        reasons.append(f"it has no data in {', '.join(found['missing'])}")
    return "; ".join(reasons)
