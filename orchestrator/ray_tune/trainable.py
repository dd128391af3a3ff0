"""The worker's side of Ray Tune. Imports little: every worker process pays for it before its first step."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ray import tune

from orchestrator.worker.attempts import Report
from orchestrator.worker.worker import Order, run_order


def way(config: dict[str, Any]) -> dict[str, Any]:
    """Return by which way the home's files are reached: empty on a cluster of our own."""
    if "marker" not in config:
        return {}
    from orchestrator.ray_tune.keeper import copies_folder, far_files

    sees_home = Path(config["marker"]).exists()
    return {"keeper": far_files(), "copies": None if sees_home else copies_folder(config["copies"])}


class AttemptTrainable(tune.Trainable):
    """Runs one attempt, an epoch a step. Reused for attempt after attempt; nothing heavy is imported before the first
    step, so that Ray starts workers on all slots before the first one is busy."""

    def setup(self, config: dict[str, Any]) -> None:
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._begin(new_config)
        return True

    def _begin(self, config: dict[str, Any]) -> None:
        self._reports: Iterator[Report] = run_order(Order.from_text(config["order"]), **way(config))

    def step(self) -> dict[str, Any]:
        report = next(self._reports)
        return {"report": report.to_text(), "done": report.ending in ("COMPLETE", "DIVERGED")}

    def cleanup(self) -> None:
        close = getattr(self._reports, "close", None)
        if close is not None:
            close()

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        raise NotImplementedError("checkpoints are the worker's own; Tune is told to take none")
