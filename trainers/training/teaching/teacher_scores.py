"""The score of a given teacher on the data's own test images: asked once, before students learn from it.

Shapes: B = batch, C = classes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from trainers.files.store import Store
from trainers.files.tensor_files import load_metadata
from trainers.predictions.answers import Answers, answers_of
from trainers.teachers.frozen import FrozenTeacher, TeacherError, frozen_teacher
from trainers.training.tasks.collapse import collapse
from trainers.training.tasks.tasks import task_of
from trainers.training.teaching.scoring import CLAIMED, REORDERED
from trainers.trials.trial import Trial
from trainers.views.device_data import on_device

MOST_CLASSES = 2000
"""Up to so many it is looked whether another order of classes suits a teacher better."""
FAR_MORE = 30.0
"""In percent of the images, and twice the score: so much better only an order that was mistaken can be."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A teacher that has been scored: to whoever waits for epochs, its only and last one."""

    values: dict[str, float]
    """Scores on the test images, in percent."""
    metrics: dict[str, float]
    """At the end: the same, and what is to be compared with them."""
    collapsed: str
    """Why the teacher is thought to be worth nothing; empty where it is not."""
    predictions: Answers | None = None
    """What it answered, where that is kept."""
    number: int = 1
    last: bool = True

    def summary(self) -> dict[str, float]:
        """Return the metrics at the end."""
        return self.metrics


def score_teacher(
    trial: Trial,
    store: Store,
    *,
    device: torch.device | str = "cpu",
    data_root: Path | None = None,
    loaders: int = 0,
    on_step: Callable[[], None] = lambda: None,
    predictions: bool = False,
) -> Scored:
    """Score the teacher of a trial of `scoring` on the test images, as its students will ask it.

    Args:
        predictions: keep what it answers.

    Raises:
        FileNotFoundError: the teacher's weights are not in the store.
        TeacherError: what it answers is not finite, in the type that its logits are kept in.
        ValueError: the data have changed.
    """
    assert trial.teacher is not None, "a given teacher is a trial's teacher"
    device = torch.device(device)
    data = on_device(trial.dataset, data_root, device, trial.view_set, trial.views, loaders)
    if data.info.digest != trial.data_digest:
        raise ValueError(f"the data set {trial.dataset} has changed since the sweep was accepted")
    teacher = frozen_teacher(trial.teacher, store, data, device)
    pixels = data.info.task == "segmentation"
    task = task_of(data.info, 0.0)
    tally, confusion = task.tally(device), _Confusion(0 if pixels else data.info.classes, device)
    finite = torch.ones((), dtype=torch.bool, device=device)
    numbers = torch.arange(data.test_images)
    kept = answers_of(data.info, data.test_images) if predictions else None
    for batch in data.test.batches(numbers, torch.full_like(numbers, data.test.centre), data.scored_together):
        logits = _answer(teacher, (teacher.lens or data.lens)(batch.pixels), pixels=pixels)
        finite &= logits.isfinite().all()
        tally.add(logits, batch.targets)
        if kept is not None:
            kept.add(logits, batch.targets)
        confusion.add(logits, batch.targets)
        on_step()
    if not finite:
        raise TeacherError(
            f"the teacher {trial.teacher.model} cannot be learnt from: not all that it answers on the test images of "
            f"{trial.dataset} is finite in {trial.teacher.precision}, kept in {trial.teacher.logit_type}"
        )
    scores = tally.scores()
    final = {f"final_{name}": value for name, value in scores.items()}
    compared = _compared(load_metadata(store.fetched(store.weights(trial.teacher.id))).get("claimed"), confusion)
    values = {f"test_{name}": value for name, value in scores.items()}
    return Scored(values, {**final, **compared}, collapse(tally.answers()), kept)


def _answer(teacher: FrozenTeacher, inputs: Tensor, *, pixels: bool) -> Tensor:
    return teacher.of_pixels(inputs)[0] if pixels else teacher.at_once(inputs)


def _compared(claimed: object, confusion: "_Confusion") -> dict[str, float]:
    found = {CLAIMED: float(claimed)} if isinstance(claimed, int | float) else {}
    best, own = confusion.best(), confusion.own()
    return found | ({REORDERED: best} if best >= own + FAR_MORE and best >= 2 * own else {})


class _Confusion:
    """How often images of each class were taken for each class."""

    def __init__(self, classes: int, device: torch.device) -> None:
        self._classes = classes if classes <= MOST_CLASSES else 0
        self._counts = torch.zeros(self._classes**2, dtype=torch.int64, device=device)

    def add(self, logits_BC: Tensor, targets_B: Tensor) -> None:
        """Count a batch."""
        if self._classes:
            pairs = targets_B * self._classes + logits_BC.argmax(1)
            self._counts.scatter_add_(0, pairs, torch.ones_like(pairs))

    def own(self) -> float:
        """Return the share of right answers in percent."""
        return self._share(torch.arange(self._classes))

    def best(self) -> float:
        """Return the same under the order of classes that suits the network best."""
        from scipy.optimize import linear_sum_assignment

        return self._share(torch.from_numpy(linear_sum_assignment(self._matrix.numpy(), maximize=True)[1]))

    @property
    def _matrix(self) -> Tensor:
        return self._counts.reshape(self._classes, self._classes).cpu()

    def _share(self, taken_C: Tensor) -> float:
        right = self._matrix[torch.arange(self._classes), taken_C].sum() if self._classes else torch.zeros(())
        return float(100.0 * right / max(1, int(self._counts.sum())))
