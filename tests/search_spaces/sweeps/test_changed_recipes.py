"""A named recipe that changes: who gets new keys, who keeps theirs, and how the old ones are still reached."""

import dataclasses
import json
from pathlib import Path

import pytest

from search_spaces import Sweep, expand, read, recipe_changes, recipes, restore

SWEEP = """\
name: keys
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {recipe}
methods:
  ce:
  kd:
  tuned: {{method: gdkd, k: {{low: 1, high: 30, log: true}}}}
search: {{trials: 2, parallel: 1}}
seeds: 1
"""
OF_BEFORE = {
    "cifar": ("9b0784b21478e7f5", "328b1ef85b69d018", "420942357b74e829", "303f1cd8dbb5d4c5"),
    "digits-teacher": ("693c72594278c8ee", "6fde5d6af0e9574e", "f1b86760f58b3378", "0b68f13d7c6c85c1"),
    "transformer": ("05b7d81d084882ae", "042288714565f84a", "bfee3b4ccfb1a8b6", "44586c83459823f2"),
    "digits": ("eed5ef4da7de09ec", "5c67a1b0dfab876d", "8db9a5adf3bd30ba", "88f776307cd22bf3"),
    "quick": ("eed5ef4da7de09ec", "5c67a1b0dfab876d", "8db9a5adf3bd30ba", "600db810085a9518"),
    "{base: digits, epochs: 3}": ("5fdcfaf2c1b38345", "9ca9820583ecf43a", "c847f4ed8003230a", "1ead7cfaf459a6aa"),
}
"""Recipe -> how the keys of ce, kd and the teacher and the id of the study began before `clip_norm` came to some."""
CHANGED = {
    "digits": "{base: digits, clip_norm: 0}",
    "quick": "{base: quick, clip_norm: 0}",
    "{base: digits, epochs: 3}": "{epochs: 3, clip_norm: 0}",
}
"""Recipes that have changed -> how the old keys are reached now."""


def sweep_of(folder: Path, recipe: str, accepted: recipes.Definitions | None = None) -> Sweep:
    path = folder / "sweep.yaml"
    path.write_text(SWEEP.format(recipe=recipe))
    return expand(read(path), accepted=accepted, capability=lambda: None, cpu_bfloat16=lambda: False)


def keys(sweep: Sweep) -> tuple[str, ...]:
    found = (*(member.key for member in sweep.fixed), sweep.teachers[0].id, sweep.searches[0].study_id)
    return tuple(key[:16] for key in found)


@pytest.mark.parametrize("recipe", OF_BEFORE)
def test_only_the_changed_recipes_have_new_keys(recipe: str, tmp_path: Path) -> None:
    now = keys(sweep_of(tmp_path, recipe))
    if recipe in CHANGED:
        assert not set(now) & set(OF_BEFORE[recipe])
        now = keys(sweep_of(tmp_path, CHANGED[recipe]))
    assert now == OF_BEFORE[recipe]


def of_before(folder: Path, recipe: str) -> Sweep:
    """Return the sweep as the version before accepted it: without a record of what named recipes said."""
    sweep = sweep_of(folder, recipe, recipes.as_accepted({}))
    resolved = {name: value for name, value in sweep.resolved.items() if name != "named_recipes"}
    return dataclasses.replace(sweep, resolved=json.loads(json.dumps(resolved)))


@pytest.mark.parametrize("recipe", OF_BEFORE)
def test_a_sweep_that_was_accepted_stays_what_it_was(recipe: str, tmp_path: Path) -> None:
    """What looks at it, such as `status`, must find the trials and the studies of then."""
    old = of_before(tmp_path, recipe)
    assert keys(old) == keys(restore(old.resolved)) == OF_BEFORE[recipe]


def test_what_named_recipes_say_is_recorded(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, "cifar")
    (name,) = sweep.resolved["named_recipes"]
    assert name == "cifar"
    resolved = json.loads(json.dumps(sweep.resolved))
    resolved["named_recipes"]["cifar"] |= {"weight_decay": 0.1, "by_network": {"tiny*": {"learning_rate": 0.3}}}
    again = restore(resolved)
    recipe = again.fixed[0].trial.recipe
    assert (recipe.weight_decay, recipe.learning_rate, recipe.epochs) == (0.1, 0.3, 240)
    assert again.resolved["named_recipes"] == resolved["named_recipes"]


def test_the_change_in_words(tmp_path: Path) -> None:
    old = of_before(tmp_path, "digits")
    (change,) = recipe_changes(sweep_of(tmp_path, "digits").resolved, old.resolved)
    assert change.to_text() == "digits: clip_norm 0 -> 5"
    assert change.way_back() == "{base: digits, clip_norm: 0}"
    assert recipe_changes(sweep_of(tmp_path, change.way_back()).resolved, old.resolved) == ()
    assert recipe_changes(sweep_of(tmp_path, "cifar").resolved, old.resolved) == ()
    new = sweep_of(tmp_path, "digits")
    assert recipe_changes(new.resolved, new.resolved) == ()


def test_a_teacher_of_its_own_counts_too(tmp_path: Path) -> None:
    text = SWEEP.format(recipe="{base: digits, clip_norm: 1}").replace(
        "recipe:", "teachers: {tinyresnet: {recipe: quick}}\nrecipe:", 1
    )
    (tmp_path / "sweep.yaml").write_text(text)
    now = expand(read(tmp_path / "sweep.yaml"), capability=lambda: None, cpu_bfloat16=lambda: False)
    before = {name: value for name, value in now.resolved.items() if name != "named_recipes"}
    assert [change.to_text() for change in recipe_changes(now.resolved, before)] == ["quick: clip_norm 0 -> 5"]
