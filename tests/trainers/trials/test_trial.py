"""Trial keys: what they depend on, and that they survive a trip through JSON."""

import dataclasses
import json

from trainers.trials.recipe import Recipe
from trainers.trials.trial import Teacher, Trial, canonical_json, config_key, from_json, to_json, trial_key

TRIAL = Trial(
    dataset="digits100",
    data_digest="d" * 64,
    view_set="pad2-crop",
    views=25,
    teacher=Teacher(id="t" * 64, model="cifar_tinyresnet"),
    student="cifar_tinycnn",
    method="gdkd",
    method_version=1,
    hyperparameters={"k": 5, "w0": 1.0},
    recipe=Recipe(epochs=2, batch_size=8, learning_rate=0.1, milestones=(1,)),
    seed=3,
)


def test_key_is_a_contract():
    """The stored key of a stored trial: a change here makes every user's finished trials strangers."""
    assert trial_key(TRIAL) == "1f726e677d3abc428230788a6412ae6234f7315159ce2b25cd0e41cafc0c3223"


def test_key_survives_json():
    again = from_json(json.loads(json.dumps(to_json(TRIAL))))
    assert again == TRIAL
    assert trial_key(again) == trial_key(TRIAL)


def test_everything_in_a_trial_changes_its_key():
    changes = {
        "role": "teacher",
        "dataset": "other",
        "data_digest": "e" * 64,
        "split": "search",
        "view_set": "pad4-crop-flip",
        "views": 162,
        "teacher": None,
        "student": "cifar_tinyresnet",
        "student_args": {"drop_rate": 0.1},
        "method": "kd",
        "method_version": 2,
        "hyperparameters": {"k": 6, "w0": 1.0},
        "recipe": TRIAL.recipe.replaced(epochs=3),
        "seed": 4,
        "initial": "f" * 64,
        "last_image": "joined",
        "norm_parts": 2,
    }
    assert set(changes) == {field.name for field in dataclasses.fields(Trial)}
    keys = {trial_key(dataclasses.replace(TRIAL, **{name: value})) for name, value in changes.items()}
    assert len(keys | {trial_key(TRIAL)}) == len(changes) + 1


def test_config_key_leaves_out_the_seed_alone():
    assert config_key(dataclasses.replace(TRIAL, seed=9)) == config_key(TRIAL)
    assert config_key(dataclasses.replace(TRIAL, method="kd")) != config_key(TRIAL)


def test_canonical_json_has_one_text():
    assert canonical_json({"b": 1, "a": [1.0, "é"]}) == '{"a":[1.0,"\\u00e9"],"b":1}'
