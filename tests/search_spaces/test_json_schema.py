"""The JSON schema for editors: it takes every right file, and refuses every wrong one but for rules left to `plan`."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

import search_spaces
from search_spaces.files.yaml_lines import read_tree
from search_spaces.json_schema import LEFT_TO_PLAN, schema_text, sweep_schema
from tests.docs.test_sweep_files import EXAMPLES, changed
from tests.search_spaces.checks.test_wrong_picture_sweeps import ONE_LINE as WRONG_PICTURES
from tests.search_spaces.files.test_bad_input import ALL_AT_ONCE, ONE_LINE
from tests.search_spaces.sweep_texts import SMALL
from trainers import methods

FOLDER = Path(search_spaces.__file__).parent
VALIDATOR = jsonschema.Draft7Validator(sweep_schema(methods.ALL))

LEFT = {
    LEFT_TO_PLAN[0]: r"unknown model|names classes of|depends on an image's one class|cityscapes(: | has| asks)|"
    r"on cityscapes|cannot be changed so|no weights of|the recipe's epochs|must have 3 numbers",
    LEFT_TO_PLAN[1]: r"no such file|must be a file|cannot be read|has no weights",
    LEFT_TO_PLAN[2]: r"number of classes",
    LEFT_TO_PLAN[
        3
    ]: r"must be below high|where log is on|as many as ranks|beside it|at most trials|at most learning_rate",
    LEFT_TO_PLAN[4]: r"unknown entry|is no pair's teacher",
    LEFT_TO_PLAN[5]: r"is searched|give a learning_rate|not both|needs checkpoint or pretrained|recipe.mixup mixes",
    LEFT_TO_PLAN[6]: r"given twice, first",
    LEFT_TO_PLAN[7]: r"got \.nan",
    LEFT_TO_PLAN[8]: r"whole number, got 5\.0",
    LEFT_TO_PLAN[9]: r"a sweep may have",
}
"""By which words `plan` tells of what each sentence leaves to it."""
WRONG = [
    *((SMALL.replace(old, new), message) for old, new, message in ONE_LINE),
    *WRONG_PICTURES.values(),
]


def mistakes(text: str) -> list[str]:
    """Return what the schema has against a file."""
    return [
        f"{'.'.join(map(str, one.path))}: {one.message[:200]}" for one in VALIDATOR.iter_errors(read_tree(text).values)
    ]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_editor_that_reads_on_as_a_text_takes_a_shipped_file(path: Path):
    values = YAML(typ="safe", pure=True).load(path.read_text())
    assert path.stem == "recipes" or not [one.message for one in VALIDATOR.iter_errors(values)]
    assert path.stem != "ls_combinations" or values["methods"]["kd+ls"]["standardize"] == "on"


def test_it_is_a_schema():
    jsonschema.Draft7Validator.check_schema(VALIDATOR.schema)


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_of_the_docs_is_taken(text: str):
    values = read_tree(text).values
    assert not mistakes(text if "name" in values else json.dumps(changed(text)))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_file_is_taken(path: Path):
    assert path.stem == "recipes" or not mistakes(path.read_text())


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[message[:70] for _, message in WRONG])
def test_a_wrong_file_is_refused_or_left_to_plan_by_name(text: str, message: str):
    left = any(re.search(words, message) for words in LEFT.values())
    told_by_yaml = "the key has a" in message
    assert told_by_yaml or bool(mistakes(text)) != left


def test_every_rule_that_is_left_to_plan_is_one_that_it_holds():
    assert set(LEFT) == set(LEFT_TO_PLAN)
    messages = [message for _, message in WRONG] + ["a sweep may have at most 100000 trials"]
    for words in LEFT.values():
        assert any(re.search(words, message) for message in messages), words


def test_all_mistakes_of_a_file_are_found_at_once():
    places = {line.partition(":")[0] for line in mistakes(ALL_AT_ONCE)}
    assert {"name", "dataset", "pairs", "methods.kdd", "search", "seeds", ""} <= places


@pytest.mark.parametrize(
    ("entry", "sound"),
    [
        ("{method: [gdkd, pkt], gdkd.k: {grid: [3, 7]}, ce_weight: 1}", True),
        ("{method: [gdkd, pkt], k: 5}", False),
        ("{method: [gdkd, ce]}", False),
        ("{method: [gdkd], k: 5}", True),
        ("{method: partition, cuts: {choice: [[5], [1, 4]]}, w2: {search: default}}", True),
        ("{method: partition, cuts: 5}", False),
        ("{method: partition, cuts: [0]}", False),
        ("{method: partition, cuts: {low: 1, high: 5}}", False),
        ("{method: kd, temperature: 1000}", False),
        ("{method: kd, weight: 2e9}", False),
        ("{temperature: 4}", False),
    ],
)
def test_entries(entry: str, sound: bool):
    assert bool(mistakes(SMALL.replace("  kd:", f"  mine: {entry}"))) != sound


def test_what_is_shipped_is_what_the_code_makes():
    assert (FOLDER / "sweep.schema.json").read_text() == schema_text(methods.ALL), "run make docs"


def test_every_key_has_words_for_an_editor():
    def of(schema: Any) -> Any:
        return {name: part for name, part in schema["properties"].items() if not {"description", "$ref"} & {*part}}

    assert not of(VALIDATOR.schema)
    for name, part in VALIDATOR.schema["$defs"].items():
        assert set(of(part) if "properties" in part else ()) <= {"method"}, name
