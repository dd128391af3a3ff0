"""Combinations, lists, default searches and what was tuned by pair, from the sweep file to the trial."""

import dataclasses
import json
from pathlib import Path

import pytest

from search_spaces import expand, read, restore
from search_spaces.files.dimensions import Dimension
from search_spaces.recipes import get as recipe_of
from search_spaces.sweeps.blueprint import Blueprint
from tests.search_spaces.sweep_texts import SMALL, sweep_of, told, told_of, write
from trainers import methods
from trainers.data import describe
from trainers.trials.trial import Teacher, from_json, to_json, trial_key

BOTH = SMALL.replace(
    "  kd:\n", "  both: {method: [gdkd, pkt], gdkd.k: {grid: [3, 7]}, pkt.weight: 2, ce_weight: 0.5}\n"
)
LISTS = SMALL.replace(
    "  kd:\n",
    "  cut: {method: partition, cuts: {grid: [[5], [1, 5, 20]]}}\n"
    "  tuned: {method: partition, cuts: {choice: [[5], [1, 4]]}, w2: {low: 1, high: 8}}\n"
    "search: {trials: 4}\n",
).replace("seeds: 2\n", "seeds: 1\n")


def test_a_combination_is_one_method_with_the_hyperparameters_of_all(tmp_path: Path):
    sweep = sweep_of(tmp_path, BOTH)
    rows = [row for row in sweep.rows if row.entry == "both"]
    assert [row.label for row in rows] == ["both gdkd.k=3", "both gdkd.k=7"]
    trial = next(member.trial for member in sweep.fixed if member.row == "both gdkd.k=7")
    assert (trial.method, trial.method_version) == ("gdkd+pkt", 1002)
    values = trial.hyperparameters
    assert (values["gdkd.k"], values["pkt.weight"], values["ce_weight"]) == (7, 2.0, 0.5)
    assert "gdkd.ce_weight" not in values
    assert values["gdkd.warmup_epochs"] == recipe_of("digits").method_warmup_epochs
    assert values["pkt.warmup_epochs"] == 0


def test_a_value_of_a_combination_can_be_set(tmp_path: Path):
    sweep = sweep_of(tmp_path, BOTH, ["methods.both.pkt.weight=9", "methods.both.gdkd.w2={grid: [1, 2]}"])
    assert len([row for row in sweep.rows if row.entry == "both"]) == 4
    assert {m.trial.hyperparameters["pkt.weight"] for m in sweep.fixed if m.entry == "both"} == {9.0}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{method: [gdkd, pktt]}", "line 6  methods.x.method[1]: unknown method 'pktt'; did you mean 'pkt'?"),
        ("{method: [gdkd, gdkd]}", "line 6  methods.x.method: a combination must be of two or more methods, each once"),
        ("{method: [gdkd, ce]}", "line 6  methods.x.method: 'ce' cannot be combined with others"),
        ("{method: []}", "line 6  methods.x.method: must be the name of a method, or a list of such, got []"),
        ("{method: [gdkd, pkt], k: 5}", "unknown hyperparameter of gdkd+pkt; did you mean 'gdkd.k'?"),
        ("{method: [gdkd, pkt], gdkd.k: 100}", "methods.x.gdkd.k: must be less than the number of classes (100)"),
        ("{method: partition, cuts: 5}", "methods.x.cuts: must be a list, each item a whole number, got 5"),
        ("{method: partition, cuts: [5, 100]}", "each item must be less than the number of classes (100), got 100"),
        ("{method: partition, cuts: [5, 1]}", "methods.x.cuts: must be rising ranks, at least one, got [5, 1]"),
        ("{method: partition, cuts: []}", "methods.x.cuts: must be rising ranks, at least one, got []"),
        (
            "{method: partition, cuts: {grid: [[1], [1, 5]]}, weights: [1, 2]}",
            "methods.x.weights: must be one for each of the 3 groups, got 2",
        ),
        (
            "{method: partition, cuts: {low: 1, high: 5}}",
            "methods.x.cuts: takes a list, not a range; use {choice: […]}",
        ),
        ("{method: gdkd, k: [5]}", "methods.x.k: takes one value"),
        ("{method: mlkd, temperatures: []}", "methods.x.temperatures: must"),
    ],
)
def test_what_is_wrong_is_told_before_anything_starts(tmp_path: Path, entry, message):
    lines = told_of(tmp_path, "  kd:\n", f"  x: {entry}\n")
    assert any(message in line for line in lines), lines


def test_a_list_is_a_value_a_row_and_a_choice(tmp_path: Path):
    sweep = sweep_of(tmp_path, LISTS)
    fixed = {member.row: member.trial for member in sweep.fixed}
    assert {"cut cuts=[5]", "cut cuts=[1,5,20]"} <= set(fixed)
    trial = fixed["cut cuts=[1,5,20]"]
    assert trial.hyperparameters["cuts"] == (1, 5, 20)
    again = from_json(json.loads(json.dumps(to_json(trial))))
    assert again == trial
    assert trial_key(again) == trial_key(trial)
    (search,) = sweep.searches
    proposal = search.proposal({"cuts": "[1,4]", "w2": 2.0}, 0)
    assert proposal.trial.hyperparameters["cuts"] == (1, 4)


def test_a_sweep_with_lists_and_combinations_is_the_same_when_restored(tmp_path: Path):
    for text in (LISTS, BOTH):
        sweep = sweep_of(tmp_path, text)
        resolved = json.loads(json.dumps(sweep.resolved))
        again = restore(resolved, sweep.source, tmp_path)
        assert [m.key for m in again.fixed] == [m.key for m in sweep.fixed]
        assert [s.study_id for s in again.searches] == [s.study_id for s in sweep.searches]
        assert json.loads(json.dumps(again.resolved)) == resolved


def test_lists_are_proposed_by_their_text_and_replayed(tmp_path: Path):
    from orchestrator.optuna_studies.live import LiveStudy, distributions_json

    (search,) = sweep_of(tmp_path, LISTS).searches
    study = LiveStudy(search.study_id, search.dimensions, "random", 1)
    assert study.propose(0, [])["cuts"] in ("[5]", "[1,4]")
    assert json.loads(distributions_json(search.dimensions)["cuts"])["attributes"]["choices"] == ["[5]", "[1,4]"]


def test_a_hyperparameter_is_searched_where_its_method_says(tmp_path: Path):
    text = SMALL.replace(
        "  kd:\n",
        "  x: {method: gdkd, k: {search: default}, mass: {search: default}, kl: {search: default}, "
        "standardize: {search: default}}\nsearch: {trials: 4}\n",
    )
    k, mass, kl, standardize = sweep_of(tmp_path, text).searches[0].dimensions
    assert k == Dimension(name="k", type=int, low=1, high=50, log=True)
    assert mass == Dimension(name="mass", type=float, low=0.5, high=0.99, log=False)
    assert kl.choices == ("forward", "reverse", "both")
    assert standardize.choices == (True, False)


def test_what_the_authors_tuned_for_a_pair_stands_where_the_file_says_nothing():
    info = dataclasses.replace(describe("digits100"), name="cifar100")

    def values(teacher: str, student: str, method: str = "gdkd", **settings: object) -> dict[str, object]:
        known = Teacher(id="t", model=f"cifar_{teacher}")
        blueprint = Blueprint(
            info=info,
            student=f"cifar_{student}",
            teacher=known,
            method=methods.get(method),
            settings=settings,
            recipe=recipe_of("cifar"),
        )
        return dict(blueprint.trial({}, split="full").hyperparameters)

    assert (values("resnet56", "resnet20")["w1"], values("resnet56", "resnet20")["w2"]) == (1.0, 1.0)
    assert values("resnet56", "resnet20", w2=4)["w2"] == 4.0
    assert values("vgg13", "vgg8")["w2"] == 6.0
    assert values("resnet32x4", "resnet8x4")["w1"] == 2.0
    assert values("resnet110", "resnet8x4")["w2"] == 8.0
    assert values("vgg13", "vgg8", "dkd")["beta"] == 6.0
    both = values("resnet56", "resnet20", "gdkd+reviewkd")
    assert (both["gdkd.w2"], both["reviewkd.weight"]) == (1.0, 0.6)
    assert values("resnet56", "resnet20")["warmup_epochs"] == 20.0


def test_a_transformer_gets_arguments_that_are_in_every_key(tmp_path: Path):
    text = SMALL.replace("tinyresnet -> tinycnn", '["timm:test_vit -> tinycnn", "tinycnn -> timm:test_vit"]')
    sweep = expand(read(write(tmp_path, text)), capability=lambda: None)
    given = {"img_size": 16, "patch_size": 4}
    (teacher,) = [plan for plan in sweep.teachers if plan.model == "timm:test_vit"]
    assert teacher.trial.student_args == teacher.model_args == given
    trials = [member.trial for member in sweep.fixed]
    assert {json.dumps(dict(t.student_args)) for t in trials if t.student == "test_vit"} == {json.dumps(given)}
    assert [t.teacher.model_args for t in trials if t.teacher and t.teacher.model == "test_vit"] == [given, given]
    assert all(not t.student_args for t in trials if t.student == "cifar_tinycnn")


def test_networks_that_cannot_take_the_images_are_told(tmp_path: Path):
    lines = told_of(tmp_path, "tinyresnet -> tinycnn", "timm:convnext_tiny -> tinycnn")
    assert lines[0].startswith("line 3  pairs: 'convnext_tiny' cannot take images of 16 x 16 pixels: ")


def test_what_does_not_fit_is_told_with_everything_else(tmp_path: Path):
    text = SMALL.replace("tinyresnet -> tinycnn", '[tinyresnet -> tinycnn, "timm:convnext_tiny -> tinyresnt"]').replace(
        "  kd:\n", "  x: {method: fitnet, layer: 9}\n  y: {method: gdkd, k: 0}\n"
    )
    lines = told(tmp_path, text)[1:]
    assert len(lines) == 4
    assert "pairs[1]: unknown model 'tinyresnt'" in lines[0] + lines[1]
    assert "pairs[1]: 'convnext_tiny' cannot take images of 16 x 16 pixels" in lines[0] + lines[1]
    assert "methods.x: tinyresnet -> tinycnn: 'fitnet' cannot work with these networks: layer is 9" in lines[2]
    assert "methods.y.k: must be at least 1, got 0" in lines[3]
