"""What should be known of the images that a sweep trains on and is scored on, though nothing is wrong with them."""

from collections.abc import Iterator

from search_spaces.sweeps.sweep import DataSetPlan, Sweep
from trainers.trials.trial import Split

SPLITS: dict[Split, str] = {"full": "all training images", "search": "the fit images of a search"}

FEW_SCORED = 50
"""Validation images: with fewer, two settings differ by chance alone."""


def split_notes(sweep: Sweep) -> Iterator[str]:
    """Yield a line for each thing, in the order of the data sets."""
    for plan in sweep.datasets:
        yield from _of_data(sweep, plan)


def _of_data(sweep: Sweep, plan: DataSetPlan) -> Iterator[str]:
    info = plan.info
    for split, batch, steps in _batches(sweep, plan.name):
        images = info.trained_on(split)
        what = f"{info.name}: {SPLITS[split]} ({images:,})"
        if not steps and images < batch:
            yield f"{what} are fewer than a batch of {batch}: an epoch is one step"
        elif not steps and batch > 1 and images % batch == 1:
            yield f"{what} in batches of {batch} leave one over, which joins the batch before"
    if any(search.blueprint.info.name == info.name for search in sweep.searches):
        if info.unvalidated:
            classes = f"{info.unvalidated} of {info.classes} classes have"
            yield f"{info.name}: {classes} one training image: no proposal of a search is scored on them"
        if info.task == "classification" and info.validation < FEW_SCORED:
            step = 100 / info.validation
            yield f"{info.name}: a search is scored on {info.validation} images: one is {step:.2g} points of accuracy"


def _batches(sweep: Sweep, dataset: str) -> dict[tuple[Split, int, int], None]:
    """Return split, images of a batch and steps of an epoch (0: one pass) of every kind of training on a data set."""
    found: dict[tuple[Split, int, int], None] = {}
    for trial in [member.trial for member in sweep.fixed] + [one.trial for one in sweep.teachers if one.trial]:
        if trial.dataset == dataset:
            found[trial.split, trial.recipe.batch_size, trial.recipe.epoch_steps] = None
    for search in sweep.searches:
        recipe = search.blueprint.recipe
        if search.blueprint.info.name == dataset:
            found["search", recipe.batch_size, recipe.epoch_steps] = None
            found["full", recipe.batch_size, recipe.epoch_steps] = None
    return found
