import dataclasses
import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
import torch

import search_spaces
from search_spaces import Sweep, SweepModel, expand, read, restore
from search_spaces.checks.facts import logit_type
from search_spaces.sweeps.autos import decide
from tests.search_spaces.sweep_texts import SMALL, sweep_of, write
from trainers import models
from trainers.data import DataInfo, describe
from trainers.trials.trial import trial_key

QUICKSTART = Path(search_spaces.__file__).with_name("quickstart.yaml")

EXAMPLE = """
name: example
dataset: digits100
pairs: [tinyresnet -> tinycnn, tinyresnet -> tinyresnet, tinycnn -> tinycnn]
teachers:
  tinyresnet: {recipe: digits-teacher}
methods:
  ce:
  kd:
  gdkd (by k):
    method: gdkd
    k: {grid: [1, 5, 99]}
    temperature: {grid: [2, 4]}
  gdkd (tuned):
    method: gdkd
    k: {low: 1, high: 50, log: true}
    kl: {choice: [forward, reverse]}
    w1: {grid: [1, 2.5]}
search: {trials: 12, parallel: 3, epochs: 5, confirm: 2, seed: 7}
seeds: [0, 4]
"""


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return sweep_of(tmp_path_factory.mktemp("example"), EXAMPLE)


def keys(sweep: Sweep) -> dict[tuple[str, str, int], str]:
    return {(member.cell, member.row, member.seed): member.key for member in sweep.fixed}


def test_counts(example: Sweep) -> None:
    assert len(example.cells) == 3
    assert [row.label for row in example.rows] == [
        "ce",
        "kd",
        "gdkd (by k) k=1 temperature=2",
        "gdkd (by k) k=1 temperature=4",
        "gdkd (by k) k=5 temperature=2",
        "gdkd (by k) k=5 temperature=4",
        "gdkd (by k) k=99 temperature=2",
        "gdkd (by k) k=99 temperature=4",
        "gdkd (tuned) w1=1",
        "gdkd (tuned) w1=2.5",
    ]
    assert len(example.fixed) == 3 * 8 * 2
    assert len(example.searches) == 3 * 2
    assert [(plan.dataset, plan.model) for plan in example.teachers] == [
        ("digits100", "tinyresnet"),
        ("digits100", "tinycnn"),
    ]
    assert Counter(member.phase for member in example.fixed) == {"fixed": 48}


def test_members_carry_the_keys_of_their_trials(example: Sweep) -> None:
    for member in example.fixed:
        assert member.key == trial_key(member.trial)
        assert member.seed == member.trial.seed
        assert member.trial.split == "full"


def test_the_student_alone_does_not_depend_on_the_teacher(example: Sweep) -> None:
    of = keys(example)
    assert of["digits100: tinyresnet -> tinycnn", "ce", 0] == of["digits100: tinycnn -> tinycnn", "ce", 0]
    assert of["digits100: tinyresnet -> tinycnn", "kd", 0] != of["digits100: tinycnn -> tinycnn", "kd", 0]


def test_one_config_key_over_seeds(example: Sweep) -> None:
    groups: dict[tuple[str, str], set[str]] = {}
    for member in example.fixed:
        groups.setdefault((member.cell, member.row), set()).add(member.config_key)
    assert {len(group) for group in groups.values()} == {1}
    # ce is one group for both teachers of tinycnn; at k=1 and k=99 nothing else coincides
    assert len({member.config_key for member in example.fixed}) == 3 * 8 - 1


def test_dead_hyperparameters_do_not_part_keys(tmp_path: Path) -> None:
    text = SMALL.replace("  kd:", "  a: {method: gdkd, k: 1, w1: 3}\n  b: {method: gdkd, k: 1, w1: 4}")
    of = keys(sweep_of(tmp_path, text))
    cell = "digits100: tinyresnet -> tinycnn"
    assert of[cell, "a", 0] == of[cell, "b", 0]


def test_teachers(example: Sweep) -> None:
    trained, by_default = example.teachers
    assert trained.trial is not None
    assert trained.trial.role == "teacher"
    assert trained.trial.method == "ce"
    assert trained.id == trial_key(trained.trial)
    assert trained.trial.recipe.learning_rate == 0.3
    assert by_default.trial is not None
    assert by_default.trial.recipe.learning_rate == 0.1
    member = trained.member()
    assert member is not None
    assert (member.key, member.phase, member.cell) == (trained.id, "teacher", "digits100: tinyresnet")
    kd = next(member for member in example.fixed if member.row == "kd")
    assert kd.trial.teacher is not None
    assert kd.trial.teacher.id == trained.id
    assert kd.trial.teacher.model == "cifar_tinyresnet"


def test_no_teacher_is_planned_where_none_is_needed(tmp_path: Path) -> None:
    assert sweep_of(tmp_path, SMALL.replace("  kd:\n", "")).teachers == ()


def test_a_teacher_from_a_file_is_its_digest(tmp_path: Path) -> None:
    torch.save(models.create("cifar_tinyresnet", classes=100, channels=1).state_dict(), tmp_path / "weights.pth")
    text = SMALL + "teachers: {tinyresnet: {checkpoint: weights.pth}}\n"
    (plan,) = sweep_of(tmp_path, text).teachers
    assert plan.id == hashlib.sha256((tmp_path / "weights.pth").read_bytes()).hexdigest()
    assert plan.trial is None
    assert plan.member() is None
    assert plan.checkpoint == tmp_path / "weights.pth"


def test_two_sweeps_share_their_baselines(example: Sweep, tmp_path: Path) -> None:
    text = """
    name: another
    dataset: digits100
    pairs: tinyresnet -> tinycnn
    teachers: {tinyresnet: {recipe: digits-teacher}}
    recipe: digits
    methods:
      plain: {method: kd, temperature: 4, warmup_epochs: 0}
      ce:
    seeds: 6
    precision: float32
    resources: {cpus: 2}
    """
    other, first = keys(sweep_of(tmp_path, text)), keys(example)
    cell = "digits100: tinyresnet -> tinycnn"
    assert other[cell, "plain", 4] == first[cell, "kd", 4]
    assert other[cell, "ce", 0] == first[cell, "ce", 0]


def test_a_key_does_not_move_when_all_else_stays(tmp_path: Path) -> None:
    """Names, order, other entries, resources and the report are no part of a key."""
    text = SMALL.replace("  ce:\n  kd:\n", "  renamed: {method: kd}\n")
    changed = text + "resources: {cpus: 3}\nreport: {digits: 1}\nbank: off\n"
    cell = "digits100: tinyresnet -> tinycnn"
    assert keys(sweep_of(tmp_path, changed))[cell, "renamed", 1] == keys(sweep_of(tmp_path, SMALL))[cell, "kd", 1]


def test_a_warmup_not_given_is_the_recipes(tmp_path: Path) -> None:
    text = SMALL.replace("  kd:", "  kd:\n  gdkd:\n  given: {method: gdkd, warmup_epochs: 1}")
    trials = {member.row: member.trial for member in sweep_of(tmp_path, text).fixed}
    assert trials["kd"].hyperparameters["warmup_epochs"] == 0.0
    assert trials["gdkd"].hyperparameters["warmup_epochs"] == 2.5
    assert trials["given"].hyperparameters["warmup_epochs"] == 1.0
    assert trials["gdkd"].recipe.method_warmup_epochs == 0.0


@pytest.mark.parametrize(
    ("gpus", "capability", "expected"),
    [
        (1, (9, 0), "bfloat16"),
        (1, (8, 0), "bfloat16"),
        (0.5, (7, 5), "float32"),
        (1, None, "float32"),
        (0, (9, 0), "float32"),
    ],
)
def test_auto_precision(gpus: float, capability: tuple[int, int] | None, expected: str, tmp_path: Path) -> None:
    file = read(write(tmp_path, SMALL + f"resources: {{gpus: {gpus}}}\n"))
    sweep = expand(file, capability=lambda: capability)
    assert sweep.resolved["autos"]["precision"] == expected
    assert {member.trial.recipe.precision for member in sweep.fixed} == {expected}
    kd = sweep.fixed[-1].trial
    assert kd.teacher is not None
    assert kd.teacher.precision == expected


@pytest.mark.parametrize(("capability", "gpus"), [(None, 0.0), ((7, 5), 1.0)])
def test_auto_gpus(capability: tuple[int, int] | None, gpus: float, tmp_path: Path) -> None:
    sweep = expand(read(write(tmp_path, SMALL)), capability=lambda: capability)
    assert (sweep.resources.gpus, sweep.resources.share_gpus) == (gpus, gpus > 0)
    said = expand(read(write(tmp_path, SMALL + "resources: {gpus: auto}\n")), capability=lambda: capability)
    assert said.resources == sweep.resources
    given = expand(read(write(tmp_path, SMALL + "resources: {gpus: 2}\n")), capability=lambda: capability)
    assert (given.resources.gpus, given.resources.share_gpus) == (2.0, False)
    later = expand(read(write(tmp_path, SMALL)), sweep.resolved["autos"], capability=lambda: (9, 0))
    assert later.resources == sweep.resources


def test_auto_together(tmp_path: Path) -> None:
    in_memory = expand(read(write(tmp_path, SMALL)))
    assert (in_memory.resources.together, in_memory.resolved["autos"]["together"]) == (1, 1)
    said = expand(read(write(tmp_path, SMALL + "resources: {together: 4}\n")))
    assert said.resources.together == 4
    assert [member.key for member in said.fixed] == [member.key for member in in_memory.fixed]
    before = {name: value for name, value in in_memory.resolved["autos"].items() if name != "together"}
    assert expand(read(write(tmp_path, SMALL)), before).resources.together == 1


@pytest.mark.parametrize(
    ("pixels", "networks", "instructions", "expected"),
    [
        (32, ("cifar_resnet32x4", "cifar_vgg8"), True, "bfloat16"),
        (32, ("cifar_resnet32x4", "cifar_vgg8"), False, "float32"),
        (32, ("cifar_vgg13", "cifar_mobilenetv2"), True, "float32"),  # one channel at a time: measured slower
        (16, ("cifar_resnet56", "cifar_resnet20"), True, "float32"),  # too little to do in a step
        (224, ("resnet34", "resnet18"), True, "bfloat16"),
    ],
)
def test_auto_precision_on_a_cpu(
    pixels: int, networks: tuple[str, str], instructions: bool, expected: str, tmp_path: Path
) -> None:
    file = read(write(tmp_path, SMALL))
    info = dataclasses.replace(describe("digits100"), size=pixels)
    known = dataclasses.replace(
        file.facts, datasets={"a": info}, models={"a": dict(zip(("teacher", "student"), networks, strict=True))}
    )
    assert decide(file.model, known, {}, lambda: None, lambda: instructions)["precision"] == expected


def test_what_was_decided_stays_decided(tmp_path: Path) -> None:
    file = read(write(tmp_path, SMALL + "resources: {gpus: 1}\n"))
    accepted = expand(file, capability=lambda: (9, 0))
    assert expand(file, accepted.resolved["autos"], capability=lambda: None) == accepted


def test_what_the_file_says_is_not_overruled_by_what_was_decided(tmp_path: Path) -> None:
    sweep = expand(read(write(tmp_path, SMALL + "precision: bfloat16\n")), {"precision": "float32"})
    assert sweep.fixed[0].trial.recipe.precision == "bfloat16"


def test_an_auto_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"autos\.precision must be one of .*, got 'float8'"):
        expand(read(write(tmp_path, SMALL)), {"precision": "float8"})


def test_a_resolved_sweep_makes_itself_again(example: Sweep) -> None:
    resolved = json.loads(json.dumps(example.resolved, allow_nan=False))
    again = restore(resolved, example.source)
    assert again.resolved == example.resolved
    assert again.fixed == example.fixed
    assert [search.study_id for search in again.searches] == [search.study_id for search in example.searches]


def test_a_resolved_sweep_of_another_format(example: Sweep) -> None:
    with pytest.raises(ValueError, match="must have format 1, got 2"):
        restore({**example.resolved, "format": 2})


def test_a_sweep_does_not_depend_on_where_its_file_lies(example: Sweep, tmp_path: Path) -> None:
    assert sweep_of(tmp_path, EXAMPLE) == example


def test_logits_are_kept_in_float16_above_256_megabytes() -> None:
    info = describe("digits100")
    assert logit_type(info) == "float32"
    cifar = dataclasses.replace(info, fit=45_000, validation=5_000, views=162)
    assert logit_type(cifar) == "float16"
    edge: DataInfo = dataclasses.replace(info, fit=640_000, validation=0, views=1, classes=100)
    assert logit_type(edge) == "float32"
    assert logit_type(dataclasses.replace(edge, fit=640_001)) == "float16"


def test_the_quickstart_keeps_its_promise(tmp_path: Path) -> None:
    sweep = expand(read(Path(shutil.copy(QUICKSTART, tmp_path))), capability=lambda: None)
    assert {row.entry for row in sweep.rows} >= {"ce", "kd", "dkd", "gdkd3", "ls-gdkd", "kd (tuned)", "gdkd (tuned)"}
    assert search_spaces.describe_plan(sweep).most_trainings <= 55


def test_the_schema_describes_every_key() -> None:
    schema = SweepModel.model_json_schema()
    models = [schema, *schema["$defs"].values()]
    assert all(field.get("description") for model in models for field in model["properties"].values())
