from pathlib import Path

import pytest

from search_spaces import read
from tests.search_spaces.sweep_texts import SMALL, sweep_of, told, write


def test_a_value_is_replaced(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, SMALL, ["seeds=[3, 5]", "name=other", "methods.kd.temperature=1e1"])
    assert sweep.seeds == (3, 5)
    assert sweep.name == "other"
    assert sweep.rows[1].hyperparameters == {"temperature": 10.0}
    assert sweep.source == SMALL


def test_a_named_recipe_becomes_the_base_of_a_changed_one(tmp_path: Path) -> None:
    text = SMALL + "recipe: cifar\n"
    recipe = sweep_of(tmp_path, text, ["recipe.epochs=24"]).fixed[0].trial.recipe
    assert (recipe.epochs, recipe.milestones, recipe.batch_size) == (24, (15, 18, 21), 64)


def test_a_recipe_that_was_not_given_is_the_base_too(tmp_path: Path) -> None:
    assert sweep_of(tmp_path, SMALL, ["recipe.epochs=2"]).fixed[0].trial.recipe.epochs == 2


def test_an_entry_with_dots_in_its_name(tmp_path: Path) -> None:
    text = SMALL.replace("  kd:", "  kd 0.5: {method: kd}")
    assert sweep_of(tmp_path, text, ["methods.kd 0.5.weight=0.5"]).rows[1].hyperparameters == {"weight": 0.5}


def test_an_item_of_a_list(tmp_path: Path) -> None:
    text = SMALL.replace("seeds: 2", "seeds: [1, 2]")
    assert sweep_of(tmp_path, text, ["seeds.1=7"]).seeds == (1, 7)


def test_a_value_that_mends_the_file_leaves_no_problem(tmp_path: Path) -> None:
    assert read(write(tmp_path, SMALL.replace("seeds: 2", "seeds: x")), ["seeds=1"]).model.seeds == (0,)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seeds=0", "--set  seeds: must be from 1 to 10000 seeds, got 0"),
        ("search.trials=0", "--set  search.trials: must be at least 1, got 0"),
        (
            "methods.kd.temprature=3",
            "--set  methods.kd.temprature: unknown hyperparameter of kd; did you mean 'temperature'?",
        ),
        ("methods.kdd=", "--set  methods.kdd: unknown method 'kdd'; did you mean 'kd'? (all: run_sweep.py methods)"),
        ("seeds", "--set  seeds: must be key=value with a dotted key, got 'seeds'"),
        ("=3", "--set  must be key=value with a dotted key, got '=3'"),
        ("a..b=3", "--set  a..b: must be key=value with a dotted key, got 'a..b=3'"),
        ("name.x=3", "--set  name.x: name is 'small', which holds no keys"),
        ("seeds=[1", "--set  seeds: is not YAML: expected ',' or ']', but got '<stream end>'"),
        ("report={a: 1, a: 2}", "--set  report: given twice, first on line 1"),
    ],
)
def test_what_is_wrong_is_told_of_set(override: str, expected: str, tmp_path: Path) -> None:
    assert told(tmp_path, SMALL, [override])[1:] == [expected]


def test_problems_of_set_come_after_those_of_the_file(tmp_path: Path) -> None:
    assert told(tmp_path, SMALL.replace("name: small", "name: Up"), ["bank=7"])[1:] == [
        "line 1  name: must be 1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or digit, got 'Up'",
        "--set   bank: must be on or off, got 7",
    ]


def test_several_pairs_at_once(tmp_path: Path) -> None:
    override = "pairs=[tinyresnet -> tinycnn, tinyresnet -> tinyresnet]"
    assert [cell.student for cell in sweep_of(tmp_path, SMALL, [override]).cells] == ["tinycnn", "tinyresnet"]
