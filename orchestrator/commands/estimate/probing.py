"""Timing a few steps of each kind of training that a sweep has, in this process."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from search_spaces import Sweep
from trainers.teachers import has_bank
from trainers.trials.batches import epoch_images
from trainers.trials.trial import Trial

if TYPE_CHECKING:
    from orchestrator.worker.probe import ImageSeconds  # which loads torch

Asked: TypeAlias = tuple[str, ...]
"""What the time of an image depends on: data set, student, method, teacher, batch."""


def probed_seconds(sweep: Sweep, trials: Sequence[Trial], say: Callable[[str], None]) -> list[float | None]:
    """Return how long each training takes; None where its data are not here."""
    import torch

    from orchestrator.worker.probe import image_seconds
    from trainers.training.arithmetic import set_arithmetic

    plans = {plan.name: plan for plan in sweep.datasets}
    device = torch.device("cuda" if sweep.resources.gpus else "cpu")
    kinds: dict[Asked, Trial] = {}
    for trial in trials:
        if plans[trial.dataset].info.found:
            kinds.setdefault(_asked(trial), trial)
    found: dict[Asked, ImageSeconds] = {}
    for number, (asked, trial) in enumerate(kinds.items(), start=1):
        say(f"probing {number} of {len(kinds)}: {trial.dataset}, {trial.student}, {trial.method}")
        teaches = trial.role == "teacher"
        set_arithmetic(threads=sweep.resources.teacher_cpus if teaches else sweep.resources.cpus)
        root: Path | None = plans[trial.dataset].root
        info = plans[trial.dataset].info
        found[asked] = image_seconds(trial, device, root, stored=sweep.bank and has_bank(trial, info.task))
    return [_seconds(sweep, trial, found.get(_asked(trial))) for trial in trials]


def _seconds(sweep: Sweep, trial: Trial, each: "ImageSeconds | None") -> float | None:
    if each is None:
        return None
    info = next(plan.info for plan in sweep.datasets if plan.name == trial.dataset)
    scored = info.validation if trial.split == "search" else info.test
    shown = epoch_images(trial.recipe, info.trained_on(trial.split))
    return trial.recipe.epochs * (each.trained * shown + each.scored * scored)


def _asked(trial: Trial) -> Asked:
    teacher = "" if trial.teacher is None else trial.teacher.model
    return (trial.dataset, trial.student, trial.method, teacher, str(trial.recipe.batch_size), trial.role)
