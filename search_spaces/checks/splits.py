"""Rules for the images that a trial trains on and is scored on: too few of them, or too few in a batch."""

from collections.abc import Iterator, Mapping
from typing import Any

from search_spaces.checks.recipes import recipe_values
from search_spaces.files.draft import Draft
from search_spaces.files.yaml_lines import Path
from trainers.data import DataInfo
from trainers.trials.trial import Value


def check_splits(draft: Draft) -> None:
    """Tell every data set that has too few images for what is asked of it, and every method that compares more images
    with one another than a batch has."""
    searched = draft.searched
    for info in draft.infos().values():
        if searched is not None and not info.validation:
            place: Path = ("methods", searched.name, searched.searched[0].name)
            message = f"is searched, and {info.name} has no image that a proposal could be scored on: {_too_few(info)}"
            draft.tree.add(place, f"{message}; give it more images, or give one value, a list of values or grid:")
        if info.task == "segmentation" and info.trained_on("full" if searched is None else "search") < 2:
            message = "has one training image to train on; networks for pixels normalise over the images of a batch"
            draft.tree.add(draft.datasets[info.name][0], message)
        rows = recipe_values(draft, info).get("batch_size")
        for entry in draft.entries:
            for method in entry.method.methods:
                if isinstance(rows, int) and 0 < rows < method.least_batch:
                    message = f"{method.name} compares the images of a batch with one another: recipe.batch_size must "
                    message += f"be at least {method.least_batch} for it, got {rows}"
                    draft.tree.add(("methods", entry.name), message)


def _too_few(info: DataInfo) -> str:
    if info.task == "segmentation":
        return "each of its cities has one training image, and none is held out for validation"
    return f"each of its {info.classes} classes has one training image, and none is held out for validation"


def check_batches_of_one(draft: Draft) -> None:
    """Tell every network that cannot be trained with one image at a time, where the recipe asks for that."""
    for dataset, info in draft.infos().items():
        for path, plain in _trained_by_ones(draft, info):
            given = draft.arguments.get(dataset, {}).get(plain, {})
            if plain in draft.models.get(dataset, {}) and info.task == "classification":
                problem = _alone(draft.models[dataset][plain], given, info)
                if problem is not None:
                    message = f"must be at least 2 for {plain} on {dataset}, got 1: {problem}"
                    draft.tree.add((*path, "batch_size"), message)


def _trained_by_ones(draft: Draft, info: DataInfo) -> Iterator[tuple[Path, str]]:
    """Yield the networks whose recipe has batches of one image, with the place of the recipe."""
    students = dict.fromkeys(pair.student for pair in draft.pairs.values())
    for student in students:
        if recipe_values(draft, info, student).get("batch_size") == 1:
            yield ("recipe",), student
    for teacher in dict.fromkeys(pair.teacher for pair in draft.pairs.values()):
        given = draft.teacher(teacher)
        if given.is_given:
            continue
        values = recipe_values(draft, info, teacher, of_teacher=True)
        if values.get("batch_size") == 1 and teacher not in students:
            yield ("teachers", teacher, "recipe") if given.recipe is not None else ("recipe",), teacher


def _alone(name: str, arguments: Mapping[str, Value], info: DataInfo) -> str | None:
    from trainers.models.fitting import problem_of_one  # imports timm and torch

    keys: dict[str, Any] = {"classes": info.classes, "channels": info.channels, "size": info.size, "width": info.width}
    return problem_of_one(name, tuple(sorted(arguments.items())), **keys)
