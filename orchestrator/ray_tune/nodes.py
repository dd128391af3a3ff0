"""The nodes of a cluster that is not ours: whether each can work for a home, found out before anything starts on it.

A small task on every node says which versions it has, and whether it sees the home and the data. One that cannot work
is set aside by name, and what it has is held, so that Ray puts nothing there; one that joins is looked at, and used.
"""

import functools
import hashlib
import importlib.metadata
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from trainers.files.files import remove

LOOK_SECONDS = 30.0
"""So long has a node to start a process and answer."""
PACKAGES = ("orchestrator", "reports", "search_spaces", "trainers")
MARKER = ".look-"
"""How a file begins that is in the home while nodes are looked at."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a node must have to work for a home."""

    home: Path
    folders: tuple[Path, ...]
    """Of data sets."""
    cpus: int
    gpus: float
    """Of one trial, like the CPUs."""


class Nodes:
    """The nodes of the cluster that this process is connected to.

    Args:
        say: called with a line for each node that is set aside.

    Attributes:
        aside: why nodes are set aside, by their names.
    """

    def __init__(self, wanted: Wanted, say: Callable[[str], None]) -> None:
        self._wanted = wanted
        self._say = say
        self._known: dict[str, bool] = {}
        """By node: whether it can work."""
        self._held: list[Any] = []
        self.aside: dict[str, str] = {}

    def look(self) -> int:
        """Look at the nodes that are new; return how many trials have room on those that can work.

        Raises:
            RayError: the cluster does not answer.
        """
        alive = {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}
        new = {node_id: node for node_id, node in alive.items() if node_id not in self._known}
        for node_id, why in _reasons(self._wanted, list(new)).items():
            self._known[node_id] = not why
            if why:
                self._set_aside(new[node_id], why)
        return sum(self._room(node["Resources"]) for node_id, node in alive.items() if self._known[node_id])

    def _room(self, resources: Mapping[str, float]) -> int:
        by_cpus = int(resources.get("CPU", 0) // self._wanted.cpus)
        by_gpus = int(resources.get("GPU", 0) / self._wanted.gpus + 1e-9) if self._wanted.gpus else by_cpus
        return min(by_cpus, by_gpus)

    def _set_aside(self, node: Mapping[str, Any], why: str) -> None:
        name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        self.aside[name] = why
        self._say(f"node {name} is set aside: {why}")
        resources = node["Resources"]
        holder = ray.remote(
            num_cpus=resources.get("CPU", 0), num_gpus=resources.get("GPU", 0), scheduling_strategy=_on(node["NodeID"])
        )(_holder())
        self._held.append(holder.remote())


def _holder() -> type[object]:
    class Holder:  # made here, so that it travels whole: a node without this package holds its place, too
        pass

    return Holder


def _on(node_id: str) -> NodeAffinitySchedulingStrategy:
    return NodeAffinitySchedulingStrategy(node_id, soft=False)


def _reasons(wanted: Wanted, node_ids: Sequence[str]) -> dict[str, str]:
    """Return for each node why it cannot work for the home; empty where it can."""
    if not node_ids:
        return {}
    marker = wanted.home / f"{MARKER}{secrets.token_hex(8)}"
    marker.touch()
    try:
        look = ray.remote(num_cpus=0, max_retries=0)(_looker())
        folders = [str(folder) for folder in wanted.folders]
        asked = {
            look.options(scheduling_strategy=_on(node_id)).remote(str(marker), folders): node_id for node_id in node_ids
        }
        done, late = ray.wait(list(asked), num_returns=len(asked), timeout=LOOK_SECONDS)
        found = {asked[one]: f"it has not answered within {LOOK_SECONDS:g} s" for one in late}
        return found | {asked[one]: _reason(wanted, one) for one in done}
    finally:
        remove(marker)


def _looker() -> Callable[[str, list[str]], dict[str, Any]]:
    def look(marker: str, folders: list[str]) -> dict[str, Any]:
        """Runs on a node; travels whole, so that it can say that this package is missing there."""
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
        missing = [folder for folder in folders if not Path(folder).is_dir()]
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
    try:
        found = ray.get(answer)
    except ray.exceptions.RayError as error:
        return f"nothing can be run on it: {(str(error).strip() or type(error).__name__).splitlines()[-1]}"
    if "error" in found:
        return f"kdsweep cannot be loaded there, or is an older one: {found['error']}"
    own = versions()
    others = [
        f"{name} {found['versions'].get(name)}, here {is_}"
        for name, is_ in own.items()
        if found["versions"].get(name) != is_
    ]
    reasons = [f"it has other versions: {'; '.join(others)}"] if others else []
    if not found["home"]:
        reasons.append(f"it does not see the home {wanted.home}; give one with --home that all nodes share")
    if found["missing"]:
        reasons.append(f"it has no data in {', '.join(found['missing'])}")
    return "; ".join(reasons)
