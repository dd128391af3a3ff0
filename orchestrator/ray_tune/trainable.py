"""The worker's side of Ray Tune. Imports little: every worker process pays for it before its first step."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from ray import tune
from ray.util import get_current_placement_group

from orchestrator.ray_tune.keeper import way
from orchestrator.worker.attempts import Report
from orchestrator.worker.worker import Order, run_order

if TYPE_CHECKING:
    from orchestrator.ray_tune.rank_actors import RankActors


class AttemptTrainable(tune.Trainable):
    """Runs one attempt, an epoch a step. Reused for attempt after attempt; nothing heavy is imported before the first
    step, so that Ray starts workers on all slots before the first one is busy."""

    def setup(self, config: dict[str, Any]) -> None:
        self._others: RankActors | None = None
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        self._begin(new_config)
        return True

    def _begin(self, config: dict[str, Any]) -> None:
        order = Order.from_text(config["order"])
        joined: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext
        if order.ranks > 1:
            from orchestrator.ray_tune.rank_actors import RankActors

            self._others = self._others or RankActors(get_current_placement_group())
            joined = functools.partial(self._others.joined, config)
        self._reports: Iterator[Report] = run_order(order, joined=joined, **way(config))

    def step(self) -> dict[str, Any]:
        report = next(self._reports)
        return {"report": report.to_text(), "done": report.ending in ("COMPLETE", "DIVERGED")}

    def cleanup(self) -> None:
        close = getattr(self._reports, "close", None)
        if close is not None:
            close()

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        raise NotImplementedError("checkpoints are the worker's own; Tune is told to take none")
