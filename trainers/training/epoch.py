"""What a training yields: an epoch that has been trained and scored, and what can be kept of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainers.files.tensor_files import save_tensors
from trainers.training.checkpoint import save_checkpoint
from trainers.trials.trial import trial_key

if TYPE_CHECKING:
    from trainers.training.distill import Training


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch that has been trained and scored."""

    number: int
    """From 1."""
    values: dict[str, float]
    """What is logged: losses, accuracies in percent, learning rate, seconds."""
    diverged: bool
    """The training loss is not finite; there is no next epoch."""
    training: "Training"
    collapsed: str = ""
    """Of the last epoch: why the training is thought to have come to nothing; empty where it is not."""

    @property
    def last(self) -> bool:
        """No epoch follows."""
        return self.diverged or self.number == self.training.trial.recipe.epochs

    def save(self, path: Path) -> None:
        """Write a checkpoint that `distill(..., checkpoint=path)` goes on from, bit by bit as if never stopped."""
        save_checkpoint(path, self.training)

    def save_weights(self, path: Path) -> None:
        """Write the student's weights."""
        weights = self.training.scored.state_dict()
        save_tensors(path, weights, {"trial_key": trial_key(self.training.trial), "epoch": self.number})

    def summary(self) -> dict[str, float]:
        """Return the metrics of the whole run so far: final and best accuracy, seconds, teacher passes, memory."""
        return self.training.summary()
