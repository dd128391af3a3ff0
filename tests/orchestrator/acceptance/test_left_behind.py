"""Trials that a sweep leaves behind: because a named recipe has changed, or because its file asks for less."""

import dataclasses
from pathlib import Path

import pytest

from orchestrator.acceptance.left_behind import told_at_acceptance, told_in_plan
from orchestrator.ledger.ledger import Ledger
from search_spaces import Sweep, recipes, restore
from tests.orchestrator.acceptance.test_growing import BASE
from tests.orchestrator.simulation import drive, new_planner, sweep_of


@pytest.fixture
def ledger(home: Path) -> Ledger:
    home.mkdir()
    return Ledger(home / "ledger.db")


def of_before(text: str, folder: Path) -> Sweep:
    """Return the sweep as the version before accepted it."""
    sweep = sweep_of(text, folder)
    resolved = {name: value for name, value in sweep.resolved.items() if name != "named_recipes"}
    old = restore(resolved, sweep.source)
    return dataclasses.replace(old, resolved=resolved)


def run_before(text: str, folder: Path, ledger: Ledger) -> None:
    drive(new_planner(ledger, of_before(text, folder)))


def test_a_changed_recipe_is_told_with_what_it_leaves_behind(ledger: Ledger, home: Path, tmp_path: Path) -> None:
    run_before(BASE, tmp_path, ledger)
    ended = len(ledger.states())
    sweep = sweep_of(BASE, tmp_path)
    (line,) = told_at_acceptance(sweep, ledger)
    assert line.startswith("first: recipes have changed since it was accepted (digits: clip_norm 0 -> 5): ")
    assert f"{ended} trials that have ended (teacher 1, ce 2, kd 2, gdkd (by k) k=1 2, gdkd (by k) k=5 2" in line
    assert line.endswith("left behind and trained anew; to keep to those, write {base: digits, clip_norm: 0}")
    assert told_in_plan(sweep, home) == (line,)
    drive(new_planner(ledger, sweep))
    assert list(told_at_acceptance(sweep_of(BASE, tmp_path), ledger)) == [], "told once"
    assert told_in_plan(sweep, home) == ()
    assert len(ledger.states()) >= 2 * ended - 8


def test_the_old_spelling_leaves_nothing_behind(ledger: Ledger, home: Path, tmp_path: Path) -> None:
    run_before(BASE, tmp_path, ledger)
    kept = sweep_of(BASE.replace("epochs: 4", "epochs: 4, clip_norm: 0"), tmp_path)
    assert list(told_at_acceptance(kept, ledger)) == []
    assert told_in_plan(kept, home) == ()
    assert drive(new_planner(ledger, kept)) == [], "every trial has ended before"


def test_other_recipes_are_not_told(ledger: Ledger, home: Path, tmp_path: Path) -> None:
    text = BASE.replace("{base: digits, epochs: 4}", "{base: cifar, epochs: 4}")
    run_before(text, tmp_path, ledger)
    sweep = sweep_of(text, tmp_path)
    assert list(told_at_acceptance(sweep, ledger)) == []
    assert told_in_plan(sweep, home) == ()


NET = """
from torch import nn

def net(num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(256, num_classes))
"""


def test_a_changed_network_is_told_with_what_it_leaves_behind(ledger: Ledger, home: Path, tmp_path: Path) -> None:
    text = BASE.replace("tinyresnet -> tinycnn", "tinyresnet -> ./net.py:net")
    assert text != BASE
    (tmp_path / "net.py").write_text(NET)
    drive(new_planner(ledger, sweep_of(text, tmp_path)))
    assert list(told_at_acceptance(sweep_of(text, tmp_path), ledger)) == []
    (tmp_path / "net.py").write_text(NET + "# more\n")
    sweep = sweep_of(text, tmp_path)
    (line,) = told_at_acceptance(sweep, ledger)
    assert line.startswith("first: ./net.py:net has changed since it was accepted: ")
    assert line.endswith("left behind and trained anew")
    assert "teacher" not in line
    assert told_in_plan(sweep, home) == (line,)


def test_nothing_that_has_ended_is_nothing_left_behind(ledger: Ledger, tmp_path: Path) -> None:
    new_planner(ledger, of_before(BASE, tmp_path))
    assert list(told_at_acceptance(sweep_of(BASE, tmp_path), ledger)) == []


def test_plan_tells_what_a_shorter_file_leaves_behind(ledger: Ledger, home: Path, tmp_path: Path) -> None:
    drive(new_planner(ledger, sweep_of(BASE, tmp_path)))
    shorter = sweep_of(BASE.replace("  kd:\n", "").replace("[1, 5]", "[5]"), tmp_path)
    assert list(told_at_acceptance(shorter, ledger)) == [], "the user's own doing is not told at acceptance"
    (line,) = told_in_plan(shorter, home)
    assert "4 trials that have ended (kd 2, gdkd (by k) k=1 2) are left behind" in line
    assert "does not ask for them" in line


def test_plan_without_a_home(tmp_path: Path) -> None:
    assert told_in_plan(sweep_of(BASE, tmp_path), tmp_path / "none") == ()


def test_before_is_what_recipes_said() -> None:
    """Of names that recipes.yaml still has, with settings that it changes."""
    for name, was in recipes.BEFORE.items():
        assert was.keys() <= recipes.DEFAULTS.keys()
        assert all(getattr(recipes.get(name), setting) != value for setting, value in was.items())
