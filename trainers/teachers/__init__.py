"""Teachers as students meet them: frozen networks and stored logits."""

from trainers import methods
from trainers.trials.trial import Trial


def has_bank(trial: Trial, task: str) -> bool:
    """Return whether the teacher's logits of a trial can be kept: they depend on image and view alone, and are few."""
    needs = methods.get(trial.method).needs
    return task == "classification" and needs is methods.Needs.LOGITS and not trial.recipe.mixup
