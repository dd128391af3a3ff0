"""The worker's side of Ray Tune. Imports little: every worker process pays for it before its first step."""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ray import tune
from ray.util import get_current_placement_group

from orchestrator.ray_tune.nodes.keeper import way
from orchestrator.worker.cohort import Cohort
from orchestrator.worker.worker import Joined, Order, alone

if TYPE_CHECKING:
    from orchestrator.ray_tune.rank_actors import RankActors


class AttemptTrainable(tune.Trainable):
    """Runs the attempts of one worker, an epoch a step. Reused for attempt after attempt; nothing heavy is imported
    before the first step, so that Ray starts workers on all slots before the first one is busy."""

    def setup(self, config: dict[str, Any]) -> None:
        self._others: RankActors | None = None
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        self._begin(new_config)
        return True

    def _begin(self, config: dict[str, Any]) -> None:
        orders = [Order.from_text(text) for text in config["orders"]]
        joined: Joined = alone
        if orders[0].ranks > 1:
            from orchestrator.ray_tune.rank_actors import RankActors

            self._others = self._others or RankActors(get_current_placement_group())
            joined = functools.partial(self._others.joined, config)
        self._cohort = Cohort(orders, joined=joined, **way(config))

    def step(self) -> dict[str, Any]:
        said = [(key, report.to_text()) for key, report in self._cohort.round()]
        return {"reports": said, "done": self._cohort.is_over}

    def drop(self, keys: Sequence[str]) -> None:
        """End attempts while the others go on; called between two steps."""
        for key in keys:
            self._cohort.drop(key)

    def cleanup(self) -> None:
        self._cohort.close()

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        raise NotImplementedError("checkpoints are the worker's own; Tune is told to take none")
