"""Small trials for tests: a few epochs of the real networks on the real data."""

import dataclasses
from pathlib import Path

from trainers import data, methods
from trainers.files.store import Store
from trainers.training.distill import Epoch, distill
from trainers.trials.recipe import Recipe
from trainers.trials.trial import Teacher, Trial, trial_key

RECIPE = Recipe(epochs=2, batch_size=128, learning_rate=0.1, momentum=0.9, nesterov=True, schedule="cosine")


def teacher_trial(epochs: int = 1) -> Trial:
    """Return a teacher that is trained for an epoch: it knows something, not much."""
    info = data.describe("digits100")
    return Trial(
        role="teacher",
        dataset=info.name,
        data_digest=info.digest,
        view_set=info.view_set,
        views=info.views,
        student="cifar_tinycnn",
        method="ce",
        method_version=1,
        hyperparameters={},
        recipe=RECIPE.replaced(epochs=epochs),
        seed=0,
    )


def student_trial(method: str = "kd", *, split: str = "search", seed: int = 0, **hyperparameters: object) -> Trial:
    """Return a student of that teacher."""
    teacher = Teacher(id=trial_key(teacher_trial()), model="cifar_tinycnn") if method != "ce" else None
    return dataclasses.replace(
        teacher_trial(),
        role="student",
        split=split,
        teacher=teacher,
        method=method,
        hyperparameters=methods.get(method).canonical(hyperparameters, 100),
        recipe=RECIPE,
        seed=seed,
    )


def run(trial: Trial, store: Store, **options: object) -> list[Epoch]:
    """Train a trial to its end."""
    return list(distill(trial, store, **options))


def new_store(folder: Path) -> Store:
    """Return a store in which the teacher is trained."""
    store = Store(folder)
    trial = teacher_trial()
    run(trial, store)[-1].save_weights(store.weights(trial_key(trial)))
    return store
