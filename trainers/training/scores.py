"""The scores of a network in training: asked after every epoch, of one network by all ranks together."""

from collections.abc import Generator

import torch
from torch import Tensor, nn

from trainers.predictions.answers import Answers as Predictions
from trainers.predictions.answers import answers_of
from trainers.ranks.ranks import Ranks
from trainers.teachers.frozen import check_learnable
from trainers.training.arithmetic import autocast
from trainers.training.tasks.collapse import Answers
from trainers.training.tasks.tasks import Task
from trainers.training.turns import Step
from trainers.trials.trial import Trial
from trainers.views.device_data import DeviceData
from trainers.views.views import Views


class Scores:
    """Scores what a trial trains, and keeps what it answered.

    Args:
        fitted: views of the images that it is trained with, those for validation among them.
        tested: of the test images.
        keeps: what the network answers to the test images after the last epoch.

    Attributes:
        answers: what the network answered when it was last scored.
        predictions: to the test images, after the last epoch.
    """

    def __init__(
        self, trial: Trial, data: DeviceData, task: Task, ranks: Ranks, *, fitted: Views, tested: Views, keeps: bool
    ) -> None:
        self.answers: Answers | None = None
        self.predictions: Predictions | None = None
        self._trial = trial
        self._data = data
        self._task = task
        self._ranks = ranks
        self._fitted = fitted
        self._tested = tested
        self._keeps = keeps and trial.split != "search"
        self._finite: Tensor | None = None
        """Whether all answers were finite."""

    def score(self, number: int, student: nn.Module, scored: nn.Module) -> Generator[Step, None, dict[str, float]]:
        """Return scores in percent on the validation images in a search, on the test images elsewhere.

        Args:
            number: of the epoch.
            student: what is trained.
            scored: what is scored of it: itself, or the average of its weights.
        """
        info = self._data.info
        if self._trial.split == "search":
            numbers = torch.arange(info.fit, info.fit + info.validation)
            main = self._task.scores[0]
            found = yield from self._look(number, student, scored, self._fitted, numbers)
            return {f"val_{main}": found[main]}
        numbers = torch.arange(self._data.test_images)
        found = yield from self._look(number, student, scored, self._tested, numbers)
        return {f"test_{name}": value for name, value in found.items()}

    @torch.inference_mode()
    def _look(
        self, number: int, student: nn.Module, scored: nn.Module, views: Views, numbers: Tensor
    ) -> Generator[Step, None, dict[str, float]]:
        """Return the scores of these images, of which each rank looks at a part, all with the first one's network."""
        device = self._data.train_targets.device
        if self._trial.norm_parts > 1:
            self._ranks.like_the_first(student, scored)
        numbers = numbers[self._ranks.rank :: self._ranks.size]
        network, tally = scored.eval(), self._task.tally(device)
        wrong = torch.zeros((), dtype=torch.int64, device=device)
        centres = torch.full_like(numbers, views.centre)
        keeps = self._keeps and number == self._trial.recipe.epochs
        kept = answers_of(self._data.info, self._data.test_images, self._ranks) if keeps else None
        for batch in views.batches(numbers, centres, self._data.scored_together) if len(numbers) else ():
            inputs = self._data.lens(batch.pixels)
            with autocast(self._trial.recipe.precision, device):
                logits = network.forward(inputs)  # never compiled: other rows, and only now and then
            tally.add(logits, batch.targets)
            if kept is not None:
                kept.add(logits, batch.targets)
            wrong += ~logits.isfinite().all()
            yield Step(number)
        tally.together(self._ranks)
        self._ranks.add(wrong)
        if kept is not None:
            kept.together(self._ranks)
            self.predictions = kept
        self.answers, self._finite = tally.answers(), wrong == 0
        return tally.scores()

    def check_finite(self, scored: nn.Module) -> None:
        """Find out whether students can learn from the network, as it was scored last.

        Raises:
            TeacherError: its weights, or what it answered, are not all finite; the training loss may be.
        """
        check_learnable(self._trial.student, scored, answers_finite=self._finite is None or bool(self._finite))
