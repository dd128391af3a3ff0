"""Values that keep every rule and cannot be meant: numbers beyond all use, texts for numbers, characters nobody sees.

Asked of files only: sweeps that were accepted before stay readable.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from search_spaces import recipes
from search_spaces.checks.silence import never_trains, silent_corners
from search_spaces.files.draft import Draft
from search_spaces.files.entries import Entry
from search_spaces.files.yaml_lines import Path, dotted
from trainers.texts.words import character_name, is_unseen, shown

MOST = 1e9
"""Of a hyperparameter."""
MOST_WHOLE = 10**6
"""Of one that is a whole number."""
MOST_OF_RECIPE: Mapping[str, float] = {
    "epochs": 10**6, "batch_size": 10**6, "accumulate": 10**5, "epoch_steps": 10**7, "learning_rate": 1000.0,
    "weight_decay": 1000.0, "gamma": 100.0, "power": 100.0, "lr_warmup_epochs": 1e6, "method_warmup_epochs": 1e6,
    "clip_norm": 1e9, "mixup": 1e6,
}  # fmt: skip
LEAST_RATE = 1e-12
"""Below it no weight of a network would move."""
PATHS = ("root", "checkpoint")
"""Keys of names that others have given to files."""


def check_plausible(draft: Draft) -> None:
    """Add what cannot be meant to the tree's problems."""
    told = {problem.where for problem in draft.tree.problems}
    for path, text in _texts(draft.tree.values, ()):
        letter = next((c for c in text if is_unseen(c) and not (c == "\n" and path[-1] == "caption")), "")
        if letter and dotted(path) not in told:
            draft.tree.add(path, f"must have no {character_name(letter)}, got {shown(text)}")
    for path, value in _numbers(draft):
        if isinstance(value, str | bool):
            draft.tree.add(path, f"must be a number, got {shown(value)}")
    for path, given in _recipes(draft):
        _check_recipe(draft, path, given)
    methods = draft.tree.values.get("methods")
    for entry in draft.entries:
        given = methods.get(entry.name) if isinstance(methods, dict) else None
        for name, value in given.items() if isinstance(given, dict) else ():
            if name != "method":
                _check_size(draft, ("methods", entry.name, name), value, warmup=name.endswith("warmup_epochs"))
        _check_weights(draft, entry)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _texts(one, (*path, key)) if key not in PATHS else ()
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from _texts(one, (*path, place))
    elif isinstance(value, str) and not (value.isascii() and value.isprintable()):
        yield path, value


def _numbers(draft: Draft) -> Iterator[tuple[Path, Any]]:
    """Yield what stands where a number is read, which pydantic would make of a text too."""
    report = draft.tree.values.get("report")
    if isinstance(report, dict) and report.get("level") is not None:
        yield ("report", "level"), report["level"]
    teachers = draft.tree.values.get("teachers")
    for name, given in teachers.items() if isinstance(teachers, dict) else ():
        for key in ("mean", "std"):
            listed = given.get(key) if isinstance(given, dict) else None
            yield from (
                (("teachers", name, key, i), v) for i, v in enumerate(listed if isinstance(listed, list) else ())
            )


def _recipes(draft: Draft) -> Iterator[tuple[Path, Any]]:
    yield ("recipe",), draft.sections.get("recipe")
    yield from ((("teachers", name, "recipe"), model.recipe) for name, model in draft.teachers.items())


def _check_recipe(draft: Draft, path: Path, given: Any) -> None:
    for name, value in recipes.changes(given).items():
        if not _is_number(value) or not math.isfinite(value):
            continue  # told by the recipe's own rules
        most = MOST_OF_RECIPE.get(name)
        if most is not None and value > most:
            draft.tree.add((*path, name), f"must be at most {most:g}, got {shown(value)}")
        if name == "learning_rate" and 0 < value < LEAST_RATE:
            draft.tree.add((*path, name), f"must be at least {LEAST_RATE:g}, got {shown(value)}")


def _check_size(draft: Draft, path: Path, value: Any, *, warmup: bool) -> None:
    """Look at a hyperparameter's value, or at all those in a list, a grid, a choice or a range."""
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            _check_size(draft, (*path, key), one, warmup=warmup)
    elif _is_number(value) and math.isfinite(value):
        most = MOST_WHOLE if isinstance(value, int) or warmup else MOST
        if abs(value) > most:
            draft.tree.add(path, f"must be at most {most:g}, got {shown(value)}")


def _check_weights(draft: Draft, entry: Entry) -> None:
    """Tell rows whose loss is nothing whatever is proposed: neither the cross-entropy nor any term counts."""
    for info in draft.infos().values():
        for row in entry.rows():
            if never_trains(row.hyperparameters, row.dimensions, entry.method, info.classes):
                names = next(silent_corners(row.hyperparameters, row.dimensions, entry.method, info.classes))
                message = f"row {shown(row.label)} trains nothing: {' and '.join(names)} are 0"
                draft.tree.add(("methods", entry.name), message)
                return


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
