"""The trial that scores a given teacher: nothing is trained. No torch in here; `teacher_scores` runs it."""

from trainers.data import DataInfo
from trainers.trials.recipe import Recipe
from trainers.trials.trial import Teacher, Trial

CLAIMED = "claimed_score"
"""Metric: what the teacher's file says that it scores, in percent."""
REORDERED = "reordered_top1"
"""Metric: its accuracy in percent if its classes were in the order that suits it best; only where that is far more."""


def scoring(info: DataInfo, teacher: Teacher) -> Trial:
    """Return the trial that scores a given teacher: nothing is trained, and its key decides its numbers as any does."""
    return _scoring(info.name, info.digest, info.view_set, info.views, teacher)


def scoring_of(student: Trial) -> Trial:
    """Return the trial that scores the teacher of a student, where that was given."""
    assert student.teacher is not None, "a student has one"
    return _scoring(student.dataset, student.data_digest, student.view_set, student.views, student.teacher)


def _scoring(dataset: str, data_digest: str, view_set: str, views: int, teacher: Teacher) -> Trial:
    return Trial(
        role="given",
        dataset=dataset,
        data_digest=data_digest,
        view_set=view_set,
        views=views,
        teacher=teacher,
        student=teacher.model,
        student_args=dict(teacher.model_args),
        method="ce",
        method_version=1,
        hyperparameters={},
        recipe=Recipe(epochs=1, batch_size=1, learning_rate=1.0),
        seed=0,
    )
