"""The Ray Tune driver: one Tune run that carries the planner's attempts to workers and their reports back."""

import logging
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray import tune

from orchestrator.ray_tune.bridge import Bridge
from orchestrator.ray_tune.nodes.wanted import Wanted
from orchestrator.ray_tune.trainable import AttemptTrainable
from orchestrator.ray_tune.tune_parts import BRIDGES, AttemptScheduler, AttemptSearcher, BridgeStopper
from trainers.files.files import remove

if TYPE_CHECKING:
    from ray.tune.experiment import Trial as RayTrial


def drive(bridge: Bridge, wanted: Wanted, *, slots: int, folder: Path, verbose: bool = False) -> None:
    """Run everything that the bridge hands out on the Ray cluster this process is connected to.

    Args:
        wanted: what a trial has for itself.
        slots: trials at a time.
        folder: for Tune's own files; removed at the end.
        verbose: let Tune speak.

    Raises:
        Exception: `bridge.error`, what went wrong in the planner or the ledger.
    """
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(max(1, slots))
    os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"
    os.environ["TUNE_GLOBAL_CHECKPOINT_S"] = "86400"
    logging.getLogger("ray.tune").setLevel(logging.INFO if verbose else logging.CRITICAL)
    name = f"tune-{secrets.token_hex(6)}"
    BRIDGES[name] = bridge
    tuner = tune.Tuner(
        tune.with_resources(AttemptTrainable, _resources(wanted)),
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
            verbose=1 if verbose else 0,
            stop=BridgeStopper(name),
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False, checkpoint_frequency=0),
        ),
    )
    try:
        tuner.fit()
    except Exception:
        if not bridge.cluster_lost and bridge.error is None:  # else Tune stumbles over what the bridge knows of
            raise
    finally:
        del BRIDGES[name]
        bridge.let_go()
        remove(folder)
    if bridge.cluster_lost:
        bridge.give_up()
    if bridge.error is not None:
        raise bridge.error


def _resources(wanted: Wanted) -> Any:
    """Return what Tune sets aside for a trial: of several ranks a bundle for each, the first one's the trainable's."""
    if wanted.ranks == 1:
        return {"cpu": wanted.cpus, "gpu": wanted.gpus}
    return tune.PlacementGroupFactory(wanted.bundles)


def _trial_name(trial: "RayTrial") -> str:
    return str(trial.trial_id)
