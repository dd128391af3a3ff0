"""Which images an epoch shows, in which order and view: functions of the trial's seed and the epoch, nothing else."""

from dataclasses import dataclass

import torch
from torch import Tensor

from trainers.trials.randomness import generator
from trainers.trials.trial import Trial


@dataclass(frozen=True, slots=True)
class Draws:
    """One epoch. Both [N], on the CPU."""

    images: Tensor
    views: Tensor

    def at(self, places: Tensor) -> "Draws":
        """Return what lies at these places of the epoch."""
        return Draws(self.images[places], self.views[places])


def draw(trial: Trial, epoch: int, *, images: int, views: int, strong: bool = False) -> Draws:
    """Return what an epoch shows.

    Where an epoch is a number of steps, it goes on in the order of passes where the epoch before it ended.

    Args:
        epoch: from 1.
        images: of the trial's split.
        views: that an image has.
        strong: which strong views are shown; of the same images in the same order, each drawn for itself.
    """
    recipe = trial.recipe
    if not recipe.epoch_steps:
        return _pass(trial, epoch, images, views, strong)
    each = recipe.epoch_steps * recipe.batch_size * recipe.accumulate
    first, end = (epoch - 1) * each, epoch * each
    parts = []
    for number in range(first // images, (end - 1) // images + 1):
        whole, start = _pass(trial, number + 1, images, views, strong), number * images
        inside = slice(max(first - start, 0), min(end - start, images))
        parts.append((whole.images[inside], whole.views[inside]))
    return Draws(*(torch.cat(same) for same in zip(*parts, strict=True)))


def _pass(trial: Trial, number: int, images: int, views: int, strong: bool) -> Draws:
    names = (trial.role, trial.seed, number)
    order = torch.randperm(images, generator=generator("order", *names))
    return Draws(
        order, torch.randint(views, (images,), generator=generator("strong views" if strong else "views", *names))
    )
