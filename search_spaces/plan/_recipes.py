"""Recipes in a line each: what a data set's networks are trained by, and who is trained otherwise."""

from collections.abc import Iterator, Mapping

from search_spaces import recipes
from search_spaces.files.schema import SweepModel
from search_spaces.plan._base import RecipeLine
from search_spaces.recipes import SCALE
from search_spaces.sweeps.reading import model_of
from search_spaces.sweeps.sweep import Sweep
from trainers.texts.counting import counted
from trainers.trials.recipe import Recipe


def recipe_lines(sweep: Sweep) -> Iterator[RecipeLine]:
    """Yield the recipes of each data set, the one of most networks first and without their names."""
    model = model_of(sweep.resolved["given"])
    for dataset in (plan.name for plan in sweep.datasets):
        by_words: dict[str, list[str]] = {}
        for network, recipe in _used(sweep, dataset).items():
            by_words.setdefault(_words(recipe, _base_rate(model, sweep, dataset, network)), []).append(network)
        ordered = sorted(by_words.items(), key=lambda item: -len(item[1]))
        for number, (words, networks) in enumerate(ordered):
            yield RecipeLine(dataset=dataset, networks=tuple(networks) if number else (), recipe=words)


TEACHER = "teacher "
"""Before the name of one."""


def _used(sweep: Sweep, dataset: str) -> Mapping[str, Recipe]:
    """Return the recipe of each student and of each teacher that is trained."""
    students = {cell.id: cell.student for cell in sweep.cells if cell.dataset == dataset}
    found = {students[one.cell]: one.trial.recipe for one in sweep.fixed if one.cell in students}
    found |= {students[one.cell]: one.blueprint.recipe for one in sweep.searches if one.cell in students}
    of_teachers = {TEACHER + plan.model: plan.trial for plan in sweep.teachers if plan.dataset == dataset}
    return found | {name: trial.recipe for name, trial in of_teachers.items() if trial is not None}


def _base_rate(model: SweepModel, sweep: Sweep, dataset: str, network: str) -> float | None:
    """Return the learning rate that was scaled to another batch; None where none was."""
    plain = network.removeprefix(TEACHER)
    of_teacher = model.teachers[plain].recipe if network != plain and plain in model.teachers else None
    (info,) = (plan.info for plan in sweep.datasets if plan.name == dataset)
    base, changes = recipes.chain(info.recipe, model.recipe, of_teacher)
    return recipes.get(base, plain).learning_rate if any(getattr(one, SCALE) for one in changes) else None


def _words(recipe: Recipe, base_rate: float | None) -> str:
    steps = f" of {counted(recipe.epoch_steps, 'step')}" if recipe.epoch_steps else ""
    batches = f" x {recipe.accumulate}" if recipe.accumulate > 1 else ""
    scaled = "" if base_rate in (None, recipe.learning_rate) else f" ({base_rate:g} scaled with the batch)"
    parts = [
        f"{counted(recipe.epochs, 'epoch')}{steps}",
        f"batch {recipe.batch_size}{batches}",
        f"{recipe.optimizer} at {recipe.learning_rate:g}{scaled}",
        _schedule(recipe),
    ]
    parts += [f"warm-up {counted(recipe.lr_warmup_epochs, 'epoch')}"] if recipe.lr_warmup_epochs else []
    parts += [f"gradients clipped to {recipe.clip_norm:g}"] if recipe.clip_norm else []
    parts += ["from published weights"] if recipe.start == "published" else []
    return ", ".join(parts)


def _schedule(recipe: Recipe) -> str:
    if recipe.schedule == "step":
        after = ", ".join(map(str, recipe.milestones))
        return f"x {recipe.gamma:g} after epochs {after}" if after else "constant"
    power = f" {recipe.power:g}" if recipe.schedule == "poly" else ""
    down_to = "" if recipe.schedule == "constant" else f" to {recipe.min_learning_rate:g}"
    return f"{recipe.schedule}{power}{down_to}"
