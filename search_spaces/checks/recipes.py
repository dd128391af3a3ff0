"""Rules for the recipes of a sweep file: known names, sound changes, a search no longer than the whole."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from search_spaces import recipes
from search_spaces.files.draft import Draft
from search_spaces.files.yaml_lines import Path
from trainers.data import DataInfo
from trainers.data.view_sets import strong
from trainers.trials.recipe import Recipe

OF_IMAGES = ("mixup", "label_smoothing")
"""Settings of a recipe that change what an image's one class means."""


def check_recipes(draft: Draft) -> None:
    """Check the sweep's recipe, those of teachers (which change it where they name no base), and `search.epochs`."""
    given = draft.sections.get("recipe")
    defaults = [info.recipe for info in draft.infos().values()] if _default_matters(draft) else []
    networks = dict.fromkeys(pair.student for pair in draft.pairs.values())
    networks |= dict.fromkeys(pair.teacher for pair in draft.pairs.values() if not _stands_alone(draft, pair.teacher))
    whole = _resolved(draft, ("recipe",), given, _bases(draft, ("recipe",), given, defaults, [*networks] or [""]))
    for name, model in draft.teachers.items():
        if model.recipe is not None:
            path: Path = ("teachers", name, "recipe")
            if _stands_alone(draft, name):
                bases = _bases(draft, path, model.recipe, (), [name])
            else:
                bases = _bases(draft, None, given, defaults, [name]) if whole else []
                bases = [recipes.changed(base, given, "float32") for base in bases]
            _resolved(draft, path, model.recipe, bases)
    epochs = None if draft.search is None else draft.search.epochs
    longest = min((recipe.epochs for recipe in whole), default=None)
    if epochs is not None and longest is not None and epochs > longest:
        draft.tree.add(("search", "epochs"), f"must be at most the recipe's epochs ({longest}), got {epochs}")


def _stands_alone(draft: Draft, teacher: str) -> bool:
    """Whether a teacher's recipe names a base, and so changes nothing of the sweep's."""
    return getattr(draft.teacher(teacher).recipe, "base", None) is not None


def _bases(
    draft: Draft, path: Path | None, given: BaseModel | None, defaults: Sequence[str], networks: Sequence[str]
) -> list[Recipe]:
    """Return the named recipes that `given` changes, each with its exceptions for the networks.

    Args:
        path: of `given`, whose base joins the tree's problems where there is none of its name; None where it is told.
        defaults: names where `given` has none.
    """
    name = getattr(given, "base", None)
    try:
        found = [recipes.get(base, network) for base in (defaults if name is None else [name]) for network in networks]
    except ValueError as error:
        if path is not None:
            draft.tree.add(draft.tree.known((*path, "base")), str(error))
            _tell_without_base(draft, path, given)
        return []
    return [*dict.fromkeys(found)]


def _tell_without_base(draft: Draft, path: Path, given: BaseModel | None) -> None:
    """Tell what is wrong with single settings of a recipe whose base is unknown: what no base would make right."""
    own = recipes.changes(given)
    everywhere = [set(recipes.problems(base, given)) for base in map(recipes.get, recipes.names())]
    for field, message in sorted(set.intersection(*everywhere)):
        if field in own:
            draft.tree.add((*path, field), message)


def recipe_values(draft: Draft, info: DataInfo, network: str = "", *, of_teacher: bool = False) -> dict[str, Any]:
    """Return the settings of the recipe that a network is trained by on a data set; of one with an unknown name those
    given.

    Args:
        network: empty: any student.
    """
    own = draft.teacher(network).recipe if of_teacher else None
    base, changes = recipes.chain(info.recipe, draft.sections.get("recipe"), own)
    whole = dict(recipes.get(base, network)) if base in recipes.names() else {}
    return {**whole, **{name: value for one in changes for name, value in recipes.changes(one).items()}}


def check_training(draft: Draft) -> None:
    """Tell every method that cannot be trained as the recipe or the data set has it."""
    for info in draft.infos().values():
        values = recipe_values(draft, info)
        _check_views(draft, info, values)
        if info.task == "segmentation":
            _check_pixels(draft, ("recipe",), values, info)
            for name, model in draft.teachers.items():
                if model.recipe is not None:
                    of_teacher = recipe_values(draft, info, name, of_teacher=True)
                    changed = {key: value for key, value in of_teacher.items() if values.get(key) != value}
                    _check_pixels(draft, ("teachers", name, "recipe"), changed, info)
            _tell(draft, "compares features", f"{info.name} has classes of pixels: methods of logits alone")
        elif values.get("mixup"):
            _tell(draft, "labelled", "depends on an image's one class, which recipe.mixup takes away")


def _check_views(draft: Draft, info: DataInfo, values: Mapping[str, Any]) -> None:
    """Tell every method that compares two views of an image where that cannot be."""
    why = "recipe.mixup mixes images" if values.get("mixup") else ""
    try:
        strong(info.view_set)
    except ValueError as error:
        why = f"{info.name} has no second view: {error}"
    for entry in draft.entries if why else ():
        if entry.sees_strong():
            path: Path = ("methods", entry.name)
            draft.tree.add(path, f"{entry.method.name}: compares a weak and a strong view of an image, and {why}")


def _check_pixels(draft: Draft, path: Path, values: Mapping[str, Any], info: DataInfo) -> None:
    for key in OF_IMAGES:
        if values.get(key):
            draft.tree.add((*path, key), f"is for classes of images, {info.name} has classes of pixels")
    if values.get("batch_size") == 1:
        message = f"must be at least 2 on {info.name}, got 1: networks for pixels normalise over the images of a batch"
        draft.tree.add((*path, "batch_size"), message)


def _tell(draft: Draft, rule: str, message: str) -> None:
    for entry in draft.entries:
        for method in entry.method.methods:
            if method.labelled if rule == "labelled" else method.features or method.module is not None:
                draft.tree.add(("methods", entry.name), f"{method.name}: {message}")


def _default_matters(draft: Draft) -> bool:
    """Whether a rule depends on the data set's recipe; to look it up can take seconds."""
    given = draft.sections.get("recipe")
    if getattr(given, "base", None) is not None:
        return False
    of_teachers = [model.recipe for model in draft.teachers.values() if model.recipe is not None]
    open_teacher = any(getattr(recipe, "base", None) is None for recipe in of_teachers)
    return bool(recipes.changes(given)) or open_teacher or (draft.search is not None and bool(draft.search.epochs))


def _resolved(draft: Draft, path: Path, given: BaseModel | None, bases: Sequence[Recipe]) -> list[Recipe]:
    """Return what the recipe at `path` comes to, one for each base; broken rules join the tree's problems."""
    told = dict.fromkeys(problem for base in bases for problem in recipes.problems(base, given))
    for field, message in told:
        draft.tree.add((*path, field), message)
    return [] if told else [recipes.changed(base, given, "float32") for base in bases]
