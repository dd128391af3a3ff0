"""The trial that scores a given teacher: nothing is trained. No torch in here; `teacher_scores` runs it."""

from collections.abc import Mapping

from trainers.data import DataInfo
from trainers.trials.recipe import Recipe
from trainers.trials.trial import Teacher, Trial, Value

CLAIMED = "claimed_score"
"""Metric: what the teacher's file says that it scores, in percent."""
REORDERED = "reordered_top1"
"""Metric: its accuracy in percent if its classes were in the order that suits it best; only where that is far more."""


def scoring(info: DataInfo, model: str, arguments: Mapping[str, Value], teacher: Teacher) -> Trial:
    """Return the trial that scores a given teacher: nothing is trained, and its key decides its numbers as any does."""
    return Trial(
        role="given",
        dataset=info.name,
        data_digest=info.digest,
        view_set=info.view_set,
        views=info.views,
        teacher=teacher,
        student=model,
        student_args=dict(arguments),
        method="ce",
        method_version=1,
        hyperparameters={},
        recipe=Recipe(epochs=1, batch_size=1, learning_rate=1.0),
        seed=0,
    )
