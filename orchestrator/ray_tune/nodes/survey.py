"""What the nodes of a cluster are, asked of each by a task that changes nothing: for `doctor --address`."""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray

from orchestrator.patience import START_SECONDS, LateError, within
from orchestrator.ray_tune.address import check_address, silent
from orchestrator.ray_tune.entrance import ENTRANCE, connect, voice
from orchestrator.ray_tune.nodes.looking import versions
from orchestrator.ray_tune.nodes.nodes import LOOK_SECONDS, name_of, task_on
from orchestrator.ray_tune.nodes.scaling import ROOM_SECONDS, may_be_more
from trainers.files.files import remove
from trainers.texts.counting import counted

MARKER = ".doctor-"
AGAIN_SECONDS = 5.0
CLOCK_SECONDS = 5.0
"""More than this between two clocks is worth a word: an answer is on its way for a while, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What a node says of itself."""

    python: str
    versions: Mapping[str, str]
    """That must be the same on every node."""
    cores: int
    """That a process may use there, by affinity and limits."""
    gpus: tuple[tuple[str, int], ...]
    """Name and bytes of each that the driver of the cards shows."""
    capability: tuple[int, int] | None
    """The least compute capability of these; None where there is none."""
    cuda: str | None
    """Which torch was built for."""
    free_bytes: int
    """Where the banks would be: in the home, or in the folder of the node that `KDSWEEP_BANKS` names."""
    sees_home: bool
    has_data: bool | None
    """Whether the folder of data sets is there; None where none is named, here or there."""
    clock_seconds: float
    """By which its clock is ahead of ours; not exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """A node, and what it said."""

    name: str
    cpus: float
    """That Ray shares out there, like the GPUs."""
    gpus: float
    facts: NodeFacts | None
    trouble: str = ""
    """Why there are no facts."""

    def problems(self) -> Iterator[str]:
        """Yield in words what keeps it from working as this machine would, or makes it slow."""
        if self.facts is None:
            yield self.trouble
            return
        for what, here in versions().items():
            if self.facts.versions.get(what) != here:
                yield f"{what} {self.facts.versions.get(what)}, here {here}"
        if self.facts.has_data is False:
            yield "the folder of KDSWEEP_DATA is not there"
        if self.cpus > self.facts.cores:
            yield f"Ray shares out {counted(self.cpus, 'core')}, a process there may use {self.facts.cores}"
        if abs(self.facts.clock_seconds) > CLOCK_SECONDS:
            yield f"its clock is {self.facts.clock_seconds:+.0f} s from ours"


def survey(address: str, home: Path, data: str | None) -> list[Surveyed]:
    """Return what the nodes of a running cluster say, by name.

    Args:
        home: or the nearest folder above it that is there; a file is in it meanwhile.
        data: folder of data sets, where a node knows none of its own.

    Raises:
        ClusterError: the cluster does not answer.
    """
    return _survey(address, home, data)[0]


def _survey(address: str, home: Path, data: str | None) -> tuple[list[Surveyed], bool]:
    """Return what the nodes say, and whether more may come by themselves."""
    check_address(address)
    try:
        within(START_SECONDS, lambda: connect(address, voice(verbose=False)))
    except LateError as error:
        raise silent(address, f"it has not let us in within {START_SECONDS:g} s; {ENTRANCE}") from error
    marker = home / f"{MARKER}{secrets.token_hex(8)}"
    try:
        marker.touch()
        nodes = [node for node in ray.nodes() if node["Alive"]]
        asked = {task_on(node["NodeID"], _asker()).remote(str(marker), data): node for node in nodes}
        found, waiting = [], list(asked)
        deadline = time.monotonic() + LOOK_SECONDS
        while waiting and (left := deadline - time.monotonic()) > 0:
            done, waiting = ray.wait(waiting, timeout=left)
            found += [_surveyed(asked[answer], answer) for answer in done]
        late = f"it has not answered within {LOOK_SECONDS:g} s"
        found += [_of(asked[answer], None, late) for answer in waiting]
        more = may_be_more(nodes)
    finally:
        remove(marker)
        with contextlib.suppress(Exception):  # whatever state Ray is in
            ray.shutdown()
    return sorted(found, key=lambda one: one.name), more


def with_gpus(
    address: str,
    home: Path,
    data: str | None,
    patience_seconds: float | None = 0.0,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> list[Surveyed]:
    """Return what the nodes of a running cluster say, once one has a GPU.

    Args:
        patience_seconds: so long may those with GPUs still be on their way; None: `ROOM_SECONDS` where more may come by
            themselves, and not at all where none will.

    Raises:
        ClusterError: the cluster does not answer.
    """
    started = clock()
    while True:
        found, more = _survey(address, home, data)
        patience = patience_seconds if patience_seconds is not None else ROOM_SECONDS if more else 0.0
        if any(node.gpus for node in found) or clock() - started >= patience:
            return found
        pause(AGAIN_SECONDS)


def least_capability(nodes: Sequence[Surveyed]) -> tuple[int, int] | None:
    """Return the least compute capability among the GPUs that a cluster shares out; None where it has none."""
    found = (node.facts.capability for node in nodes if node.gpus and node.facts is not None)
    return min((one for one in found if one is not None), default=None)


def _asker() -> Callable[[str, str | None], dict[str, Any]]:
    def ask(marker: str, data: str | None) -> dict[str, Any]:
        """Runs on a node; travels whole, so that it can say that this package is missing there."""
        try:
            from orchestrator.ray_tune.nodes.survey import facts
        except ImportError as error:
            return {"error": str(error)}
        return facts(marker, data)

    return ask


def facts(marker: str, data: str | None) -> dict[str, Any]:
    """Return what `NodeFacts` holds, of this machine."""
    import os
    import platform
    import runpy
    import shutil
    from importlib.util import find_spec

    from trainers.machine import usable_cores

    folder = os.environ.get("KDSWEEP_BANKS") or str(Path(marker).parent)
    there = next(place for place in (Path(folder), *Path(folder).parents) if place.exists())
    own = os.environ.get("KDSWEEP_DATA") or data
    cards = list(_cards())
    torch = find_spec("torch")  # not loaded: that takes seconds
    assert torch is not None, "nothing of ours works without"
    return {
        "python": platform.python_version(),
        "versions": versions(),
        "cores": usable_cores(),
        "gpus": tuple((name, size) for name, size, _ in cards),
        "capability": min((capability for _, _, capability in cards), default=None),
        "cuda": runpy.run_path(str(Path(str(torch.origin)).parent / "version.py")).get("cuda"),
        "free_bytes": shutil.disk_usage(there).free,
        "sees_home": Path(marker).exists(),
        "has_data": Path(own).is_dir() if own else None,
        "now": time.time(),
    }


def _cards() -> Iterator[tuple[str, int, tuple[int, int]]]:
    """Yield name, bytes and compute capability of this machine's GPUs, which torch hides from a task without any."""
    from ray._private.thirdparty import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return
    for number in range(pynvml.nvmlDeviceGetCount()):
        card = pynvml.nvmlDeviceGetHandleByIndex(number)
        name = pynvml.nvmlDeviceGetName(card)
        name = name.decode() if isinstance(name, bytes) else name
        major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(card)
        yield name, int(pynvml.nvmlDeviceGetMemoryInfo(card).total), (int(major), int(minor))


def _surveyed(node: Mapping[str, Any], answer: Any) -> Surveyed:
    try:
        said = ray.get(answer)
    except ray.exceptions.RayError as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[-1]
        return _of(node, None, f"nothing can be run on it: {why}")
    if "error" in said:
        return _of(node, None, f"kdsweep cannot be loaded there, or is an older one: {said['error']}")
    return _of(node, NodeFacts(clock_seconds=said.pop("now") - time.time(), **said))


def _of(node: Mapping[str, Any], facts: NodeFacts | None, trouble: str = "") -> Surveyed:
    resources = node["Resources"]
    return Surveyed(
        name=name_of(node),
        cpus=resources.get("CPU", 0),
        gpus=resources.get("GPU", 0),
        facts=facts,
        trouble=trouble,
    )


HEADS = ("node", "cores", "GPUs", "python", "torch", "kdsweep", "CUDA", "free", "home", "data", "clock")


def table_of(nodes: Sequence[Surveyed]) -> str:
    """Return a table in words, a line for each node."""
    lines = [HEADS, *(_cells(node) for node in nodes)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _cells(node: Surveyed) -> tuple[str, ...]:
    said = node.facts
    if said is None:
        return node.name, f"{node.cpus:g}", f"{node.gpus:g}", *["?"] * (len(HEADS) - 3)
    cards = [f"{name} {size / 2**30:.0f} GiB" for name, size in said.gpus]
    kinds = [f"{cards.count(card)} x {card}" for card in dict.fromkeys(cards)]
    return (
        node.name,
        f"{node.cpus:g} of {said.cores}",
        f"{node.gpus:g}" + (f" of {', '.join(kinds)}" if kinds else ""),
        said.python,
        said.versions["torch"],
        said.versions["kdsweep"],
        said.cuda or "none",
        f"{said.free_bytes / 10**9:.1f} GB",
        "seen" if said.sees_home else "through Ray",
        {None: "not named", True: "there", False: "missing"}[said.has_data],
        f"{said.clock_seconds:+.1f} s",
    )
