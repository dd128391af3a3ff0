"""The Ray Tune driver: it carries the planner's attempts to workers and their reports back.

A Ray trial is one attempt. Tune schedules processes and resources; what runs, what is retried and what is stopped is
the planner's word, so Tune's own state can be thrown away at any moment. The searcher hands out attempts, the scheduler
passes results on; Tune copies and pickles both, so they hold a name and find the planner by it.
"""

import contextlib
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher
from ray.tune.stopper import Stopper

from orchestrator.attempts import Attempt, Outcome, Signal, Verdict
from orchestrator.planner import Planner
from orchestrator.ray_tune.trainable import AttemptTrainable
from orchestrator.reporting import deliver
from orchestrator.worker import Order, Report, failure_file
from trainers.errors import RequestError
from trainers.files import remove
from trainers.store import Store

if TYPE_CHECKING:
    from ray.tune.execution.tune_controller import TuneController
    from ray.tune.experiment import Trial as RayTrial

STOP_GRACE_SECONDS = 5.0
"""After a request to stop, running epochs have this long to end; their trials then go on from their last epoch."""


class _Bridge:
    """What searcher, scheduler and stopper share: the planner, and which Ray trial runs which attempt."""

    def __init__(
        self, planner: Planner, order_for: Callable[[Attempt], Order], store: Store, most_in_flight: int
    ) -> None:
        self.planner = planner
        self.deadline: float | None = None
        self.errors: dict[str, str] = {}
        """What Ray says of workers that were lost, by Ray trial."""
        self._order_for = order_for
        self._store = store
        self._most_in_flight = most_in_flight
        self._attempts: dict[str, Attempt] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        if len(self._attempts) >= self._most_in_flight:
            return None
        step = self.planner.next()
        if isinstance(step, Attempt):
            self._attempts[trial_id] = step
            return {"order": self._order_for(step).to_text()}
        return Searcher.FINISHED if step is Signal.DONE else None

    def result(self, trial_id: str, text: str) -> str:
        attempt = self._attempts.get(trial_id)
        if attempt is None:
            return str(TrialScheduler.STOP)
        verdict = deliver(self.planner, attempt, Report.from_text(text))
        return str(TrialScheduler.STOP if verdict is Verdict.STOP else TrialScheduler.CONTINUE)

    def last_result(self, trial_id: str, text: str) -> None:
        """Take a result after which Tune stops the trial: the planner knows it already unless it says how it ended."""
        attempt, report = self._attempts.get(trial_id), Report.from_text(text)
        if attempt is not None and report.ending != "":
            deliver(self.planner, attempt, report)
            self.planner.ended(attempt, Outcome(ending=report.ending, metrics=report.metrics))

    def completed(self, trial_id: str, error: bool) -> None:
        """Take the end of a Ray trial; for an attempt whose end the planner has already, this changes nothing."""
        attempt = self._attempts.pop(trial_id, None)
        if attempt is None:
            return
        if not error:
            self.planner.ended(attempt, Outcome(ending="INTERRUPTED", reason="the run was stopped"))
            return
        failure = failure_file(self._store, attempt.key, attempt.number)
        if failure.exists():
            self.planner.ended(attempt, Outcome(ending="FAIL", reason=failure.read_text()))
        else:
            reason = self.errors.pop(trial_id, "the worker's process or its machine died")
            self.planner.ended(attempt, Outcome(ending="LOST", reason=reason))


_BRIDGES: dict[str, _Bridge] = {}
"""By the name of the Tune run."""


class AttemptSearcher(Searcher):
    """Asks the planner for attempts."""

    def __init__(self, name: str) -> None:
        super().__init__(metric=None, mode=None)
        self._name = name

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        return _BRIDGES[self._name].suggest(trial_id)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        _BRIDGES[self._name].completed(trial_id, error)

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the ledger is the truth."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore: a run goes on from the ledger."""


class AttemptScheduler(FIFOScheduler):
    """Passes results to the planner, and its word back."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def on_trial_result(self, tune_controller: "TuneController", trial: "RayTrial", result: dict[str, Any]) -> str:
        return _BRIDGES[self._name].result(trial.trial_id, result["report"])

    def on_trial_error(self, tune_controller: "TuneController", trial: "RayTrial") -> None:
        path = Path(trial.error_file) if trial.error_file else None
        if path is not None and path.exists():
            _BRIDGES[self._name].errors[trial.trial_id] = path.read_text()

    def on_trial_complete(self, tune_controller: "TuneController", trial: "RayTrial", result: dict[str, Any]) -> None:
        if "report" in result:
            _BRIDGES[self._name].last_result(trial.trial_id, result["report"])


class _PlannerStopper(Stopper):
    """Ends the whole run when the planner is stopping and its grace is over."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        bridge = _BRIDGES[self._name]
        if not bridge.planner.stopping:
            return False
        if bridge.deadline is None:
            bridge.deadline = self._clock() + STOP_GRACE_SECONDS
        return not bridge.planner.running() or self._clock() >= bridge.deadline


class ClusterError(RequestError):
    """The Ray cluster that was asked for does not answer, or refuses us."""


def _connect(address: str, quiet: dict[str, Any]) -> None:
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ClusterError(f"the Ray cluster at {address} does not answer: {reason}") from error


@contextlib.contextmanager
def _private_token() -> Iterator[None]:
    """Make the token that Ray writes for its first local cluster readable by its owner alone: whoever has it runs code
    in the cluster."""
    token = Path.home() / ".ray" / "auth_token"
    there = token.exists()
    yield
    if not there and token.exists():
        token.chmod(0o600)


@contextlib.contextmanager
def cluster(address: str | None, *, workers: int, cpus: int, gpus: float) -> Iterator[int]:
    """Connect to a Ray cluster, or start one on this machine; yield how many trials run side by side.

    Args:
        address: of a running cluster; None starts a local one for `workers` trials at once.
        workers: trials at once on a local cluster; 0 asks for as many as the machine's cores allow.
        cpus, gpus: of one trial.
    """
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False, "configure_logging": False}
    logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)
    if address is None:
        cores = workers * cpus if workers else max(os.cpu_count() or 1, cpus)
        with _private_token():
            ray.init(address="local", num_cpus=cores, include_dashboard=False, **quiet)
    else:
        _connect(address, quiet)
    try:
        total = ray.cluster_resources()
        slots = int(total.get("CPU", 1) // cpus)
        if gpus > 0:
            slots = min(slots, int(total.get("GPU", 0) / gpus))
        if slots < 1:
            there = f"{total.get('CPU', 0):g} CPUs and {total.get('GPU', 0):g} GPUs"
            raise ClusterError(f"no trial fits: resources ask for {cpus} CPUs and {gpus:g} GPUs, Ray has {there}")
        yield min(slots, workers) if workers else slots
    finally:
        ray.shutdown()


def drive(
    planner: Planner,
    order_for: Callable[[Attempt], Order],
    *,
    store: Store,
    slots: int,
    most_in_flight: int,
    cpus: int,
    gpus: float,
    folder: Path,
) -> None:
    """Run everything the planner hands out on the Ray cluster this process is connected to."""
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(slots)
    os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"
    os.environ["TUNE_GLOBAL_CHECKPOINT_S"] = "86400"
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    name = f"tune-{secrets.token_hex(6)}"
    _BRIDGES[name] = _Bridge(planner, order_for, store, most_in_flight)
    tuner = tune.Tuner(
        tune.with_resources(AttemptTrainable, {"cpu": cpus, "gpu": gpus}),
        tune_config=tune.TuneConfig(
            search_alg=AttemptSearcher(name),
            scheduler=AttemptScheduler(name),
            num_samples=-1,
            reuse_actors=True,
            trial_name_creator=_trial_name,
            trial_dirname_creator=_trial_name,
        ),
        run_config=tune.RunConfig(
            name=name,
            storage_path=str(folder),
            verbose=0,
            stop=_PlannerStopper(name),
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False, checkpoint_frequency=0),
        ),
    )
    try:
        tuner.fit()
    finally:
        del _BRIDGES[name]
        remove(folder)


def _trial_name(trial: "RayTrial") -> str:
    return str(trial.trial_id)
