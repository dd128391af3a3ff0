"""What a trial's network answered to the test images is kept beside its weights, compared with its teacher's answers.

A trial loses nothing without it: what goes wrong is told, and nothing is tried again.
"""

from typing import TYPE_CHECKING

from trainers.files.store import Store

if TYPE_CHECKING:
    from torch import Tensor

    from trainers.predictions.answers import Answers


def keep_predictions(
    answers: "Answers | None", store: Store, key: str, name: str, teacher: str | None = None
) -> list[str]:
    """Write what a network answered; return what went wrong. None: it is not to be kept.

    Args:
        key: of the trial.
        name: of the file: the key, or the id of a given teacher, by which its students know it.
        teacher: id of the teacher that it learned from.
    """
    if answers is None:
        return []
    from safetensors import SafetensorError

    from trainers.predictions.answers import save_predictions

    path = store.predictions(name)
    try:
        save_predictions(path, answers, key, teacher or "", None if teacher is None else _of_teacher(store, teacher))
        store.keep(path)
    except (OSError, SafetensorError) as error:
        return [f"its predictions could not be kept: {error}"]
    return []


def _of_teacher(store: Store, teacher: str) -> "dict[str, Tensor] | None":
    """Return what the teacher answered; None where that was not kept."""
    from safetensors import SafetensorError

    from trainers.files.tensor_files import load_tensors

    try:
        tensors, _ = load_tensors(store.fetched(store.predictions(teacher)))
    except (OSError, SafetensorError, ValueError):
        return None
    return tensors
