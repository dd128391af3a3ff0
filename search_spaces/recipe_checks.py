"""Rules for the recipes of a sweep file: known names, sound changes, a search no longer than the whole."""

from collections.abc import Sequence

from pydantic import BaseModel

from search_spaces import recipes
from search_spaces.draft import Draft
from search_spaces.entries import Entry
from search_spaces.yaml_lines import Path
from trainers.recipe import Recipe


def check_recipes(draft: Draft) -> None:
    """Check the sweep's recipe, those of teachers (which change it where they name no base), and `search.epochs`."""
    given = draft.sections.get("recipe")
    whole = _resolved(draft, ("recipe",), given, _defaults(draft) if _default_matters(draft) else [])
    for name, model in draft.teachers.items():
        if model.recipe is not None:
            _resolved(draft, ("teachers", name, "recipe"), model.recipe, whole)
    epochs = None if draft.search is None else draft.search.epochs
    longest = min((recipe.epochs for recipe in whole), default=None)
    if epochs is not None and longest is not None and epochs > longest:
        draft.tree.add(("search", "epochs"), f"must be at most the recipe's epochs ({longest}), got {epochs}")


def starts_published(draft: Draft, dataset: str, network: str) -> bool:
    """Return whether a network's recipe on a data set starts from the weights that are published for it."""
    given = draft.sections.get("recipe")
    of_teacher = draft.teachers[network].recipe if network in draft.teachers else None
    info = draft.infos()[dataset]
    base = getattr(of_teacher, "base", None) or getattr(given, "base", None) or info.recipe
    start = None
    for model in (of_teacher, given if getattr(of_teacher, "base", None) is None else None):
        start = start or recipes.changes(model).get("start")
    return (start or (recipes.get(base).start if base in recipes.names() else "random")) == "published"


def check_training(draft: Draft, entries: Sequence[Entry]) -> None:
    """Tell every method that cannot be trained as the recipe or the data set has it."""
    given = draft.sections.get("recipe")
    base = getattr(given, "base", None)
    for info in draft.infos().values():
        name = base or info.recipe
        if name not in recipes.names():
            continue  # told already
        values = {"mixup": recipes.get(name).mixup, "label_smoothing": recipes.get(name).label_smoothing}
        values |= {key: value for key, value in recipes.changes(given).items() if key in values}
        if info.task == "segmentation":
            for key in (key for key, value in values.items() if value):
                draft.tree.add(("recipe", key), f"is for classes of images, {info.name} has classes of pixels")
            _tell(draft, entries, "compares features", f"{info.name} has classes of pixels: methods of logits alone")
        elif values["mixup"]:
            _tell(draft, entries, "labelled", "depends on an image's one class, which recipe.mixup takes away")


def _tell(draft: Draft, entries: Sequence[Entry], rule: str, message: str) -> None:
    for entry in entries:
        for method in entry.method.parts or (entry.method,):
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


def _defaults(draft: Draft) -> list[Recipe]:
    return [recipes.get(info.recipe) for info in draft.infos().values()]


def _resolved(draft: Draft, path: Path, given: BaseModel | None, bases: list[Recipe]) -> list[Recipe]:
    """Return what the recipe at `path` comes to, one for each base; broken rules join the tree's problems."""
    name = getattr(given, "base", None)
    if name is not None:
        try:
            bases = [recipes.get(name)]
        except ValueError as error:
            draft.tree.add(draft.tree.known((*path, "base")), str(error))
            return []
    told = dict.fromkeys(problem for base in bases for problem in recipes.problems(base, given))
    for field, message in told:
        draft.tree.add((*path, field), message)
    return [] if told else [recipes.changed(base, given, "float32") for base in bases]
