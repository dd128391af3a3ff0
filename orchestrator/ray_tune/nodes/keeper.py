"""The keeper under Ray: an actor on the driver's node, and how a worker on any node speaks to it.

It has nothing but the home's files, so Ray starts it again wherever it dies while its node lives; what was asked of it
meanwhile is asked again.
"""

import functools
import hashlib
import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import ActorDiedError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from orchestrator.worker.keeper import FarFiles, HomeFiles, KeeperLostError
from trainers.files.files import remove

AT_ONCE = 4
"""Files that it reads or writes side by side."""
MOST_TOLD = 60
"""Beats that are on their way: a keeper that stands still gets no more."""
NODE_CHARACTERS = 16
"""Of a node's id, in the name of its folder."""


def start_keeper(home: Path, name: str) -> Any:
    """Return the keeper of a home, which workers find by its name; it ends with the last reference to it."""
    here = ray.get_runtime_context().get_node_id()
    actor = ray.remote(HomeFiles).options(
        name=name,
        num_cpus=0,
        max_restarts=-1,
        max_task_retries=-1,
        max_concurrency=AT_ONCE,
        scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=False),
    )
    return actor.remote(home)


def copies_name(home: Path) -> str:
    """Return the name of the folder in which nodes that do not see the home have their copies."""
    return f"kdsweep-{hashlib.sha256(f'{platform.node()}:{home}'.encode()).hexdigest()[:16]}"


def copies_folder(name: str) -> Path:
    """Return the folder of that name that this node has, for the one who runs this.

    Raises:
        PermissionError: somebody else has made it.
    """
    node: str = ray.get_runtime_context().get_node_id()
    folder = _of_all_nodes(name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.lstat().st_uid != os.getuid():
        raise PermissionError(f"{folder} is somebody else's")
    return folder / node[:NODE_CHARACTERS]


def _of_all_nodes(name: str) -> Path:
    """Return where this machine's nodes have such folders; there may be several nodes on one machine."""
    return Path(tempfile.gettempdir()) / f"{name}-{os.getuid()}"


def clear_copies(name: str, alive: list[str]) -> None:
    """Remove the copies that nodes of this machine have left behind which are no more.

    Args:
        alive: ids of nodes.
    """
    folder = _of_all_nodes(name)
    if not folder.is_dir():
        return
    there = {node[:NODE_CHARACTERS] for node in alive}
    for left in folder.iterdir():
        if left.name not in there:
            remove(left)
    if not there:
        remove(folder)


class Line:
    """The way to the keeper.

    Args:
        call: calls a method of the keeper; returns what will be its answer.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self._told: list[Any] = []

    def ask(self, what: str, *arguments: object) -> Any:
        """Return what the keeper answers.

        Raises:
            OSError, ValueError: the keeper does.
            KeeperLostError: there is none any more.
        """
        try:
            return ray.get(self._call(what, *arguments))
        except RayTaskError as error:
            raise error.cause from None
        except ActorDiedError as error:
            raise KeeperLostError("the keeper of the home's files is gone") from error

    def tell(self, what: str, *arguments: object) -> None:
        """Tell the keeper something, and learn what became of what it was told before.

        Raises:
            KeeperLostError: there is none any more.
        """
        done, self._told = ray.wait(self._told, num_returns=len(self._told), timeout=0) if self._told else ([], [])
        for answer in done:
            try:
                ray.get(answer)
            except ActorDiedError as error:
                raise KeeperLostError("the keeper of the home's files is gone") from error
            except RayError:
                continue  # it is being started again
        if len(self._told) < MOST_TOLD:
            self._told.append(self._call(what, *arguments))


def way(config: dict[str, Any]) -> dict[str, Any]:
    """Return by which way a worker reaches the home's files: empty on a cluster of our own."""
    if "marker" not in config:
        return {}
    sees_home = Path(config["marker"]).exists()
    return {"keeper": far_files(config["keeper"]), "copies": None if sees_home else copies_folder(config["copies"])}


@functools.cache
def far_files(name: str) -> FarFiles:
    """Return the way of this worker's process to the keeper of that name."""
    actor = ray.get_actor(name)

    def call(what: str, *arguments: object) -> Any:
        return getattr(actor, what).remote(*arguments)

    line = Line(call)
    return FarFiles(line.ask, line.tell, ray.get_runtime_context().get_node_id())
