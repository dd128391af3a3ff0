"""What a trial's network answered to the test images is kept beside its weights, compared with its teacher's answers.

A trial loses nothing without it: what goes wrong is told, and nothing is tried again.
"""

from typing import TYPE_CHECKING

from trainers.files.store import Store
from trainers.training.teaching.scoring import scoring_of
from trainers.trials.trial import Trial, trial_key

if TYPE_CHECKING:
    from torch import Tensor

    from trainers.predictions.answers import Answers


def keep_predictions(answers: "Answers | None", store: Store, key: str, trial: Trial) -> list[str]:
    """Write what a trial's network answered, under its key; return what went wrong. None: it is not to be kept."""
    if answers is None:
        return []
    from safetensors import SafetensorError

    from trainers.predictions.answers import save_predictions

    path = store.predictions(key)
    try:
        teacher, theirs = _of_teacher(store, trial)
        save_predictions(path, answers, key, teacher, theirs)
        store.keep(path)
    except (OSError, SafetensorError) as error:
        return [f"its predictions could not be kept: {error}"]
    return []


def _of_teacher(store: Store, trial: Trial) -> "tuple[str, dict[str, Tensor] | None]":
    """Return the key of the trial that trained or scored the teacher, and what it answered; None where that was not
    kept. The weights of a given teacher answer differently to images that are normalised or sized otherwise, so they
    lie under the key of the trial that scored them, which has all of that in it."""
    if trial.teacher is None or trial.role == "given":
        return "", None
    from safetensors import SafetensorError

    from trainers.files.tensor_files import load_tensors

    for key in (trial.teacher.id, trial_key(scoring_of(trial))):
        try:
            tensors, told = load_tensors(store.fetched(store.predictions(key)))
        except (OSError, SafetensorError, ValueError):
            continue
        if told.get("trial_key") == key:
            return key, tensors
    return "", None
