"""What of a sweep is not as a reader of its file may think: told in plans and when a run begins, refused never."""

from collections.abc import Iterator, Mapping

from search_spaces.checks.silence import silent_corners
from search_spaces.files.dimensions import value_text
from search_spaces.sweeps.blueprint import is_warmup
from search_spaces.sweeps.sweep import Sweep
from trainers import methods
from trainers.data import DataInfo
from trainers.predictions.kept import answer_bytes
from trainers.texts.counting import counted, size_text
from trainers.trials.recipe import Recipe
from trainers.trials.trial import Split, Value

SPLITS: dict[Split, str] = {"full": "all training images", "search": "the fit images of a search"}

FEW_SCORED = 50
"""Validation images: with fewer, two settings differ by chance alone."""


def notes(sweep: Sweep) -> tuple[str, ...]:
    """Return them in words, each once."""
    kinds = (_ranks, _read, _fitted, _warmups, _silent, _images, _predictions)
    return tuple(dict.fromkeys(line for kind in kinds for line in kind(sweep)))


def _read(sweep: Sweep) -> Iterator[str]:
    """Yield where the weights of teachers were found in their files, where that is not plain."""
    for plan in sweep.teachers:
        if plan.reading:
            yield f"teachers.{plan.model}.checkpoint: weights {plan.reading}"


def _ranks(sweep: Sweep) -> Iterator[str]:
    """Yield what trials of several ranks hold, and where they are not those of one process."""
    resources = sweep.resources
    if resources.ranks == 1:
        return
    held = f"{counted(resources.ranks * resources.cpus, 'core')} and {counted(resources.gpus, 'GPU')}"
    yield f"{resources.ranks} ranks train a trial together, which holds {held}"
    if resources.gpus:
        yield "several GPUs in one trial (NCCL) were never run by this project's tests, which have CPUs alone (Gloo)"
    from trainers.models.dropping import drops  # imports torch

    infos = {plan.name: plan.info for plan in sweep.datasets}
    trained = [member.trial for member in sweep.fixed] + [plan.trial for plan in sweep.teachers if plan.trial]
    plans = [search.blueprint for search in sweep.searches]
    networks = {(one.dataset, one.student): one.student_args for one in trained}
    networks |= {(one.info.name, one.student): one.student_args for one in plans}
    for (dataset, name), arguments in networks.items():
        if drops(name, infos[dataset].classes, infos[dataset].channels, arguments):
            yield f"{name} has dropout, which each rank draws for itself: its trials are not those of one process"


def _fitted(sweep: Sweep) -> Iterator[str]:
    """Yield every default that is another on a data set of few classes."""
    classes = {plan.name: plan.info.classes for plan in sweep.datasets}
    rows = {row.label: row for row in sweep.rows}
    known = {
        (name, row.method): methods.get(row.method).fitted(classes[name]) for name in classes for row in sweep.rows
    }
    seen: set[tuple[str, str]] = set()
    for member in sweep.fixed if any(known.values()) else ():
        trial, row = member.trial, rows[member.row]
        if (trial.dataset, row.label) in seen:
            continue
        seen.add((trial.dataset, row.label))
        found = known[trial.dataset, trial.method].items()
        taken = {n: v for n, v in found if trial.hyperparameters[n] == v and n not in row.hyperparameters}
        defaults = methods.get(trial.method).defaults()
        yield from _lines(trial.dataset, classes[trial.dataset], trial.method, taken, defaults)
    for search in sweep.searches:
        info, method = search.blueprint.info, search.blueprint.method
        taken = search.blueprint.fitted(search.dimensions)
        yield from _lines(info.name, info.classes, method.name, taken, method.defaults())


def _lines(
    dataset: str, classes: int, method: str, taken: dict[str, Value], defaults: dict[str, Value]
) -> Iterator[str]:
    for name, value in taken.items():
        instead = f"{name} = {value_text(value)}, the default is {value_text(defaults[name])}"
        yield f"{dataset} has {classes} classes: {method} takes {instead}"


def _warmups(sweep: Sweep) -> Iterator[str]:
    """Yield every warm-up that lasts as long as the training, or longer."""
    seen: set[tuple[str, str]] = set()
    for member in sweep.fixed:
        if (member.trial.dataset, member.row) not in seen:
            seen.add((member.trial.dataset, member.row))
            yield from _too_long(member.row, member.trial.recipe, member.trial.hyperparameters)
    for search in sweep.searches:
        settings = {d.name: d.ends[-1] if is_warmup(d.name) else d.starts[0] for d in search.dimensions}
        trial = search.blueprint.trial(settings, split="search", epochs=search.recipe.epochs)
        yield from _too_long(search.row, trial.recipe, trial.hyperparameters)
    recipes = [member.trial.recipe for member in sweep.fixed[:1]] + [search.recipe for search in sweep.searches]
    for recipe in recipes:
        if recipe.lr_warmup_epochs >= recipe.epochs:
            end = f"{recipe.lr_warmup_epochs:g} in {counted(recipe.epochs, 'epoch')}"
            yield f"lr_warmup_epochs is {end}: the learning rate rises until the end"


def _too_long(row: str, recipe: Recipe, values: Mapping[str, Value]) -> Iterator[str]:
    for name, warmup in values.items():
        if is_warmup(name) and isinstance(warmup, int | float) and warmup >= max(recipe.epochs, 2):
            reached = f"{100 * recipe.epochs / warmup:.2g} % of its weight" if warmup > recipe.epochs else "its weight"
            when = "at the end" if warmup > recipe.epochs else "in the last epoch alone"
            yield f"{row}: {name} is {warmup:g} in {counted(recipe.epochs, 'epoch')}: the term reaches {reached} {when}"


def _silent(sweep: Sweep) -> Iterator[str]:
    """Yield every search that may propose what trains nothing."""
    for search in sweep.searches:
        plan = search.blueprint
        for names in silent_corners(plan.settings, search.dimensions, plan.method, plan.info.classes):
            yield f"{search.row}: a proposal with {' and '.join(names)} at 0 would train nothing"
            break


def _images(sweep: Sweep) -> Iterator[str]:
    """Yield what should be known of the images that a sweep trains on and is scored on."""
    for plan in sweep.datasets:
        yield from _of_data(sweep, plan.info)


def _of_data(sweep: Sweep, info: DataInfo) -> Iterator[str]:
    for split, batch, steps in _batches(sweep, info.name):
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


def _predictions(sweep: Sweep) -> Iterator[str]:
    """Yield the data sets on which predictions are too large to be kept by themselves."""
    for plan in sweep.datasets:
        if sweep.predictions is None and not sweep.keeps_predictions(plan.name):
            size = size_text(answer_bytes(plan.info))
            yield f"{plan.name}: predictions ({size} a training) are not kept; predictions: on keeps them"


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
