"""Rules for the recipes of a sweep file: known names, sound changes, a search no longer than the whole."""

from pydantic import BaseModel

from search_spaces import recipes
from search_spaces.draft import Draft
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
