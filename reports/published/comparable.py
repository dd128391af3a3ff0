"""Whether a number of ours may stand beside a published figure: how its training differs from the figure's.

Where a network computed (precision, device, stored logits) is no difference.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.published import figures as published_figures
from reports.results import naming
from reports.results.naming import STANDARDIZE
from reports.results.sweep import ALONE, Value, value_text
from reports.stores import METHOD_PREFIX, RECIPE_PREFIX, of_prefix
from trainers import methods
from trainers.texts.counting import counted

if TYPE_CHECKING:
    from reports.published.figures import Figure

WARMUP = "warmup_epochs"
PLAIN = "plain"
"""The variant of the teachers that published figures have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How the trials of one row in one cell were trained."""

    params: Mapping[str, str]
    """Of one of its runs; the others differ in the seed."""
    taught_by: str = PLAIN
    """Variant of the teacher."""
    searched: tuple[str, ...] = ()
    """Hyperparameters that a search has chosen."""
    views: str = ""
    """Name of the set of views of a training image; empty where it is not known."""


def reasons(setting: Setting, figure: "Figure") -> Iterator[str]:
    """Yield why the two are not comparable; nothing where they are, as far as is known."""
    yield from published_figures.differences(figure)
    if setting.searched:
        yield f"searched here: {', '.join(setting.searched)}"
    recipe = dict(_recipe_differences(setting, figure))
    if recipe:
        yield f"recipe: {', '.join(recipe.values())}"
    known = published_figures.conditions(figure.dataset)
    if known is not None and setting.views and setting.views != known.views:
        yield f"views: {setting.views} instead of {known.views}"
    if setting.taught_by != PLAIN:
        yield f"taught by a teacher of another kind: {setting.taught_by}"
    if figure.method != ALONE and not setting.searched:
        values = list(_hyperparameter_differences(setting, figure, shortened="epochs" in recipe))
        if values:
            yield f"hyperparameters: {', '.join(values)}"


def _recipe_differences(setting: Setting, figure: "Figure") -> Iterator[tuple[str, str]]:
    """Yield each field of the recipe that differs, and how."""
    ours, plain = of_prefix(setting.params, RECIPE_PREFIX), published_figures.plain_recipe()
    for name, theirs in published_figures.recipe(figure).items():
        text = _iterations(ours) if name == "iterations" else ours.get(name, plain.get(name))
        if text is None:
            yield name, f"{name} not recorded"
        elif _items(str(text)) != _items(str(theirs)):
            yield name, f"{name} {_shown(str(text))} instead of {_shown(str(theirs))}"


def _iterations(recipe: Mapping[str, str]) -> str | None:
    """Return the steps of the optimiser, where the recipe counts them; its epochs elsewhere."""
    steps = int(recipe.get("epoch_steps", 0))
    if steps:
        return str(int(recipe["epochs"]) * steps)
    return f"in {counted(int(recipe['epochs']), 'epoch')}" if "epochs" in recipe else None


def _hyperparameter_differences(setting: Setting, figure: "Figure", *, shortened: bool) -> Iterator[str]:
    """Yield each hyperparameter that differs, and how; where the recipe is shortened, warm-ups follow it."""
    try:
        expected = _as_published(setting, figure)
    except ValueError as error:  # a plug-in that is not there any more
        yield f"its defaults are not known here ({error})"
        return
    ours = of_prefix(setting.params, METHOD_PREFIX)
    for name, theirs in expected.items():
        if name in ours and _items(ours[name]) != _items(str(theirs)) and not (shortened and _is_warmup(name)):
            yield f"{naming.setting(name, _shown(ours[name]))} instead of {_shown(str(theirs))}"


def _as_published(setting: Setting, figure: "Figure") -> Mapping[str, Value | tuple[int, ...] | tuple[float, ...]]:
    """Return the hyperparameters of the figure, all of the method's, as a run records them.

    Raises:
        ValueError: the method is not known, or refuses them.
    """
    known = published_figures.conditions(figure.dataset)
    assert known is not None  # there is a figure; a test holds that its data set has conditions
    method = methods.get(setting.params["method"])
    names = (setting.params.get("teacher", ""), setting.params.get("student", ""))
    values: dict[str, object] = dict(method.defaults(figure.dataset, *names))
    for name, value in method.defaults().items():
        if _is_warmup(name) and isinstance(value, int | float) and value > 0:
            values[name] = known.warmup_epochs
    if figure.method.endswith(published_figures.STANDARDIZED):
        values[STANDARDIZE] = True
    return method.canonical({**values, **published_figures.hyperparameters(figure)}, known.classes)


def _is_warmup(name: str) -> bool:
    return name.rpartition(".")[2] == WARMUP


def _items(text: str) -> tuple[float | str, ...]:
    """Return what a param says, whichever way it is written: 5 and 5.0, `[1, 2]` and `1,2` are the same."""
    return tuple(_item(part.strip()) for part in text.strip("[]()").split(",") if part.strip())


def _item(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text.lower()


def _shown(text: str) -> str:
    return ",".join(value_text(item) for item in _items(text)) or "none"
