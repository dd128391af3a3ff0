"""What Tune asks: a searcher, which hands out attempts, a scheduler, which passes results on, and a stopper.

Tune copies and pickles them, so they hold a name and find the bridge by it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher
from ray.tune.stopper import Stopper

from orchestrator.ray_tune.bridge import Bridge

if TYPE_CHECKING:
    from ray.tune.execution.tune_controller import TuneController
    from ray.tune.experiment import Trial as RayTrial

BRIDGES: dict[str, Bridge] = {}
"""By the name of the Tune run."""


class AttemptSearcher(Searcher):
    """Asks the planner for attempts."""

    def __init__(self, name: str) -> None:
        super().__init__(metric=None, mode=None)
        self._name = name

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        return BRIDGES[self._name].suggest(trial_id)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        BRIDGES[self._name].completed(trial_id, error)

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the ledger is the truth."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore: a run goes on from the ledger."""


class AttemptScheduler(FIFOScheduler):
    """Passes results to the planner, and its word back."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def on_trial_add(self, tune_controller: "TuneController", trial: "RayTrial") -> None:
        BRIDGES[self._name].added(trial)

    def on_trial_result(self, tune_controller: "TuneController", trial: "RayTrial", result: dict[str, Any]) -> str:
        return BRIDGES[self._name].reported(trial.trial_id, result["reports"])

    def on_trial_error(self, tune_controller: "TuneController", trial: "RayTrial") -> None:
        path = Path(trial.error_file) if trial.error_file else None
        if path is not None and path.exists():
            BRIDGES[self._name].lost(trial.trial_id, path.read_text(encoding="utf-8", errors="replace"))

    def on_trial_complete(self, tune_controller: "TuneController", trial: "RayTrial", result: dict[str, Any]) -> None:
        if "reports" in result:
            BRIDGES[self._name].last_reported(trial.trial_id, result["reports"])


class BridgeStopper(Stopper):
    """Ends the whole Tune run when the bridge says so."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return BRIDGES[self._name].is_over()
