"""Recipes as sweep files name and change them."""

import fnmatch
import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel

from search_spaces.files.errors import SweepFileError
from search_spaces.files.yaml_lines import read_text, read_tree
from trainers.texts.nearest import unknown
from trainers.trials.recipe import Precision, Recipe, compress, recipe_problems

SCALE = "scale_learning_rate"
BY_NETWORK = "by_network"
"""In recipes.yaml: patterns of networks' plain names, and what is changed for them."""
NAMED = FilePath(__file__).with_name("recipes.yaml")
Definitions = Mapping[str, Mapping[str, Any]]
"""Named recipes as recipes.yaml has them, with their exceptions by network, as plain JSON values."""
BEFORE: Definitions = {"quick": {"clip_norm": 0}, "digits": {"clip_norm": 0}}
"""What named recipes said otherwise when sweeps did not yet record what they were accepted with."""
DEFAULTS: dict[str, Any] = {name: field.default for name, field in Recipe.model_fields.items()}

DEAD = {
    "adamw": ("momentum", "nesterov", "dot_delta"),
    "sgd": ("dot_delta",),
    "constant": ("milestones", "gamma", "power", "min_learning_rate"),
    "cosine": ("milestones", "gamma", "power"),
    "step": ("power", "min_learning_rate"),
    "poly": ("milestones", "gamma"),
}
"""Fields that an optimiser or a schedule does not look at."""


def names() -> tuple[str, ...]:
    """Return the names of all recipes."""
    return tuple(_file())


def get(name: str, network: str = "", accepted: Definitions | None = None) -> Recipe:
    """Return a named recipe, with what it changes for a network.

    Args:
        accepted: what is said of some names in place of recipes.yaml.

    Raises:
        ValueError: there is none of that name; names the nearest one.
    """
    known = {**_file(), **(accepted or {})}
    if name not in known:
        raise ValueError(unknown("recipe", name, names()))
    return Recipe(**_without(known[name]) | exceptions(known[name], network))


def definitions(used: Iterable[str], accepted: Definitions | None = None) -> dict[str, Any]:
    """Return what is said of these names now, or was said when a sweep was accepted."""
    return {name: dict((accepted or {}).get(name) or _file()[name]) for name in used}


def as_accepted(resolved: Mapping[str, Any]) -> Definitions:
    """Return the named recipes that a resolved sweep was accepted with."""
    recorded: Definitions | None = resolved.get("named_recipes")
    return {name: {**_file()[name], **was} for name, was in BEFORE.items()} if recorded is None else recorded


@functools.cache
def _file() -> Mapping[str, Mapping[str, Any]]:
    tree = read_tree(read_text(NAMED))
    if tree.problems:
        raise SweepFileError(NAMED, tree.problems)
    whole: Mapping[str, Mapping[str, Any]] = tree.values
    return whole


def _without(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != BY_NETWORK}


def exceptions(recipe: Mapping[str, Any], network: str) -> dict[str, Any]:
    """Return what a named recipe, as recipes.yaml has it, changes for a network.

    Args:
        network: as the sweep file has it.
    """
    plain = network.rpartition(":")[2]
    found: dict[str, Any] = {}
    for pattern, values in recipe.get(BY_NETWORK, {}).items():
        if fnmatch.fnmatchcase(plain, pattern):
            found |= values
    return found


def chain(default: str, *given: BaseModel | None) -> tuple[str, list[BaseModel]]:
    """Return the name of the recipe that a network's training begins with, and what of a sweep file changes it.

    Args:
        default: the data set's.
        given: the students' recipe, and the teacher's where it is one; the last that names a base stands on it.
    """
    later = [one for one in given if one is not None]
    for place, one in reversed(list(enumerate(later))):
        if getattr(one, "base", None) is not None:
            return one.base, later[place:]  # type: ignore[attr-defined]  # a recipe has it
    return default, later


def changes(given: BaseModel | None) -> dict[str, Any]:
    """Return the single settings that a recipe in a sweep file replaces."""
    return {} if given is None else given.model_dump(exclude_unset=True, exclude={"base", SCALE})


def problems(base: Recipe, given: BaseModel | None) -> Iterator[tuple[str, str]]:
    """Yield (field, what is wrong with it) for every rule that the changed recipe breaks."""
    if getattr(given, SCALE, False) and "learning_rate" in changes(given):
        yield SCALE, "give a learning_rate, or let that of the base be scaled, not both"
    yield from recipe_problems(_merged(base, changes(given), scaled=getattr(given, SCALE, False)))


def changed(base: Recipe, given: BaseModel | None, precision: Precision) -> Recipe:
    """Return the base with the settings that the sweep file replaces.

    New `epochs` without new milestones squeeze (or stretch) the whole base: milestones and warm-ups keep their share.
    """
    merged = _merged(base, changes(given), scaled=getattr(given, SCALE, False))
    return Recipe(**{**merged, "precision": precision})


def _merged(base: Recipe, replaced: Mapping[str, Any], *, scaled: bool) -> dict[str, Any]:
    epochs = replaced.get("epochs", base.epochs)
    if type(epochs) is int and epochs >= 1 and epochs != base.epochs and "milestones" not in replaced:
        base = compress(base, epochs)
    merged = {**dict(base), **replaced}
    if scaled and "learning_rate" not in replaced:
        merged["learning_rate"] *= _share(merged, base)
    return merged


def _share(merged: Mapping[str, Any], base: Recipe) -> float:
    """Return the images of an optimiser step over those of the base; 1 where a value is no number, told elsewhere."""
    images = [merged[name] for name in ("batch_size", "accumulate")]
    if not all(type(number) is int and number >= 1 for number in images):
        return 1.0
    return float(images[0] * images[1] / (base.batch_size * base.accumulate))


def as_trained(recipe: Recipe, *, taught: bool = True) -> Recipe:
    """Return the recipe as it stands in a trial: what has no effect is at its default, so that keys do not differ.

    `method_warmup_epochs` is one of these: by then it is the method's own `warmup_epochs`.

    Args:
        taught: there is a teacher; without one DOT is SGD.
    """
    if recipe.optimizer == "dot" and not taught:
        recipe = recipe.replaced(optimizer="sgd")
    dead = {"method_warmup_epochs", *DEAD.get(recipe.optimizer, ()), *DEAD.get(recipe.schedule, ())}
    if recipe.schedule == "step" and not recipe.milestones:
        dead.add("gamma")
    if not recipe.weight_decay:
        dead.add("decay_norms")
    return recipe.replaced(**{name: DEFAULTS[name] for name in dead})
