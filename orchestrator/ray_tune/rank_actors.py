"""The ranks of a trial but the first: an actor in each further bundle of its placement group, kept for the next trials.

The first one is the trainable, in the first bundle. They end with it, for it owns them.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import psutil
import ray
from ray.util.placement_group import PlacementGroup
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from orchestrator.ray_tune.nodes.keeper import way
from orchestrator.worker.attempts import RankFailedError, RankLostError
from orchestrator.worker.following import PATIENCE, follow
from orchestrator.worker.worker import Order, store_of

if TYPE_CHECKING:
    from trainers.ranks.ranks import Ranks

READY_SECONDS = 600.0
"""So long may the processes of ranks take to come up, where many do so at once."""
LOOK_SECONDS, MEETING_SECONDS = 1.0, 0.05
CAUSE_SECONDS = 10.0
"""So long is waited for the others to say what they have met with."""


class RankActor:
    """A rank, from trial to trial."""

    def make_ready(self) -> None:
        """Load what training needs, before anybody waits for it."""
        from trainers.training import distill  # noqa: F401

        _speak_by(ray.util.get_node_ip_address())

    def train(self, config: dict[str, Any], rank: int, host: str, port: int) -> None:
        """Train an order as one of its ranks."""
        order = Order.from_text(config["orders"][0])
        follow(order, store_of(order, **way(config)), rank, host, port)


class RankActors:
    """The other ranks of one trainable's trials."""

    def __init__(self, group: PlacementGroup) -> None:
        bundles = group.bundle_specs
        self._actors = [_actor(group, place, bundles[place]) for place in range(1, len(bundles))]
        self._ready = [actor.make_ready.remote() for actor in self._actors]

    @contextlib.contextmanager
    def joined(self, config: dict[str, Any], on_step: Callable[[], None]) -> "Iterator[Ranks]":
        """Have as many as an order asks for train it, and be the first of them.

        Args:
            config: as Tune hands it to the trainable.
            on_step: called while the others' processes come up.

        Raises:
            RankLostError: on leaving, where the training has failed for want of one that has died.
            RankFailedError: likewise, where one has raised an exception.
        """
        import torch

        from trainers.ranks.ranks import LeftAloneError, are_there, joined, meeting

        order = Order.from_text(config["orders"][0])
        host, ranks = ray.util.get_node_ip_address(), order.ranks
        actors = self._actors[: ranks - 1]
        _speak_by(host)
        self._await(on_step)
        store = meeting(host, ranks)
        answers = [actor.train.remote(config, i, host, store.port) for i, actor in enumerate(actors, start=1)]
        try:
            while not are_there(store, ranks):  # without a step: one that stands still is ended by whoever waits
                if ray.wait(answers, timeout=MEETING_SECONDS)[0]:
                    raise LeftAloneError("one has gone before they met")
            with joined(0, ranks, torch.device(order.device), store, PATIENCE) as first:
                yield first
        except LeftAloneError as error:
            raise _cause(error, answers) from error

    def _await(self, on_step: Callable[[], None]) -> None:
        """Wait until the others are ready, which they are from the first trial on."""
        deadline, waiting = time.monotonic() + READY_SECONDS, self._ready
        while waiting and time.monotonic() < deadline:
            _, waiting = ray.wait(waiting, num_returns=len(waiting), timeout=LOOK_SECONDS)
            on_step()
        try:
            ray.get(self._ready, timeout=0)
        except ray.exceptions.RayActorError as error:
            raise RankLostError(f"a rank died: {_line(error)}") from error
        except ray.exceptions.GetTimeoutError as error:
            raise RankLostError(f"a rank's process has not come up within {READY_SECONDS:g} s") from error


def _actor(group: PlacementGroup, place: int, bundle: dict[str, float]) -> Any:
    strategy = PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=place)
    options = {"num_cpus": bundle.get("CPU", 0), "num_gpus": bundle.get("GPU", 0), "max_restarts": 0}
    return ray.remote(scheduling_strategy=strategy, **options)(RankActor).remote()


def _cause(error: Exception, answers: Sequence[Any]) -> Exception:
    """Return what has become of the ranks, of which this one knows only that they are gone."""
    from trainers.ranks.ranks import LeftAloneError

    ray.wait(list(answers), num_returns=len(answers), timeout=CAUSE_SECONDS)
    failed = []
    for rank, answer in enumerate(answers, start=1):
        try:
            ray.get(answer, timeout=0)
        except ray.exceptions.RayActorError as died:
            return RankLostError(f"rank {rank} of {len(answers) + 1} died: {_line(died)}")
        except ray.exceptions.GetTimeoutError:
            continue
        except ray.exceptions.RayTaskError as raised:
            if not isinstance(raised, LeftAloneError):
                failed.append(f"in rank {rank} of {len(answers) + 1}:\n{raised}")
    return RankFailedError("\n".join(failed)) if failed else RankLostError(f"the ranks have lost each other: {error}")


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _speak_by(own: str) -> None:
    """Let Gloo use the network by which Ray reaches this node: it takes that of the host's name, which may be one that
    other nodes do not see."""
    names = [name for name, found in psutil.net_if_addrs().items() if any(one.address == own for one in found)]
    if names and "GLOO_SOCKET_IFNAME" not in os.environ:
        os.environ["GLOO_SOCKET_IFNAME"] = names[0]
