"""Momenta that a recipe and a method make together: what leaves [0, 1) is told of the file."""

from pathlib import Path

import pytest

from search_spaces import read
from tests.search_spaces.sweep_texts import SMALL, told, write

BOTH = SMALL.replace("  kd:\n", "  x: {ENTRY}\nrecipe: {RECIPE}\n")
SEARCHED = "method: deepkd, delta_others: {low: -0.1, high: 0.099}"


def text(entry: str, recipe: str) -> str:
    found = BOTH.replace("ENTRY", entry).replace("RECIPE", recipe)
    return found.replace("seeds: 2", "seeds: 1\nsearch: {trials: 4}") if "low" in entry else found


@pytest.mark.parametrize(
    ("entry", "recipe", "parts"),
    [
        ("method: deepkd", "momentum: 0.95", {"others": "0.95 + 0.05"}),
        ("method: deepkd", "momentum: 0, nesterov: false", {"task": "0 - 0.075", "target": "0 - 0.075"}),
        ("method: deepkd, momenta: described", "momentum: 0.93", {"task": "0.93 + 0.075"}),
        ("method: deepkd, delta_others: {grid: [0.01, 0.09]}", "momentum: 0.92", {"others": "0.92 + 0.09"}),
        (SEARCHED, "momentum: 0.902", {"others": "0.902 + 0.099"}),
        (SEARCHED, "momentum: 0.09", {"others": "0.09 - 0.1"}),
        ("method: deepkd", "momentum: 0.95, optimizer: dot, dot_delta: 0.01", {"others": "0.95 + 0.05"}),
    ],
)
def test_a_momentum_that_leaves_0_to_1_is_told(tmp_path: Path, entry: str, recipe: str, parts: dict[str, str]) -> None:
    lines = told(tmp_path, text(entry, recipe))[1:]
    rule, whose = "must lie in [0, 1), got", "(the recipe's, changed as the method has it)"
    assert lines == [
        f"line 6  methods.x: the momentum of its part '{part}' {rule} {total} {whose}" for part, total in parts.items()
    ]


@pytest.mark.parametrize(
    ("entry", "recipe"),
    [
        ("method: deepkd", "momentum: 0.949"),
        ("method: deepkd, momenta: one", "momentum: 0.99"),
        ("method: deepkd", "momentum: 0.99, optimizer: adamw"),
        ("method: kd", "momentum: 0.99"),
        ("method: deepkd, momenta: {grid: [released, described]}", "base: cifar"),
    ],
)
def test_what_stays_within_is_accepted(tmp_path: Path, entry: str, recipe: str) -> None:
    read(write(tmp_path, text(entry, recipe)))


def test_a_momentum_that_is_none_is_told_once(tmp_path: Path) -> None:
    (line,) = told(tmp_path, text("method: deepkd", "momentum: 1"))[1:]
    assert line == "line 7  recipe.momentum: must lie in [0, 1), got 1.0"
