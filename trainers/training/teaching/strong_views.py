"""The strong views of a training's images, where its method compares them: who sees them, and what the teacher answers.

They are views as the others are, of a set of their own with as many: drawn by seed and epoch, shared by those that are
in step, and the teacher's logits stored by (image, view).
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from trainers.data.view_sets import strong
from trainers.files.store import Store
from trainers.ranks.parts import Part, places_of
from trainers.training.tasks.tasks import SeenStrong
from trainers.training.teaching.replies import Replies
from trainers.training.teaching.teacher import new_teacher, sees_strong
from trainers.trials.draws import draw
from trainers.trials.trial import Trial
from trainers.views.device_data import on_device
from trainers.views.views import Batch, Size, Views


class StrongViews(NamedTuple):
    """Of one training."""

    trial: Trial
    seen: Views
    sizes: Sequence[Size]
    """At which the teacher wants them, where they are not the student's."""
    replies: Replies
    see: Callable[[torch.Tensor], torch.Tensor]
    """Makes inputs of pixels."""

    def batches(self, epoch: int, images: int, parts: Sequence[Part]) -> Iterator[Batch]:
        """Yield those of an epoch.

        Args:
            images: of the trial's split.
            parts: of the epoch's batches, that are this rank's.
        """
        draws = draw(self.trial, epoch, images=images, views=self.seen.count, strong=True).at(places_of(parts))
        return self.seen.batches(draws.images, draws.views, [len(part.places) for part in parts], self.sizes)

    def of(self, batch: Batch) -> SeenStrong:
        """Return what there is of a batch."""
        inputs = self.see(batch.pixels)
        return SeenStrong(inputs, self.replies.to(batch, inputs, None))


def strong_views(
    trial: Trial,
    store: Store,
    device: torch.device,
    data_root: Path | None,
    bank: bool,
    loaders: int,
    share: Callable[[Views, Sequence[Size]], Views],
    *,
    warnings: list[str],
    on_step: Callable[[], None],
) -> StrongViews | None:
    """Return them; None where the method compares one view of each image.

    Raises:
        ValueError: the data set has none, or the recipe mixes images.
    """
    if not sees_strong(trial):
        return None
    if trial.recipe.mixup:
        raise ValueError(f"'{trial.method}' compares two views of an image, and recipe.mixup mixes images")
    data = on_device(trial.dataset, data_root, device, strong(trial.view_set), trial.views, loaders)
    teacher = new_teacher(trial, data, store, device)
    assert teacher is not None, "what compares views has a teacher"
    sizes = [teacher.size] if teacher.size is not None else []
    replies = Replies(trial, teacher, data, store, bank=bank, tapped=False, warnings=warnings, on_step=on_step)
    return StrongViews(trial, share(data.train, sizes), sizes, replies, data.lens)
