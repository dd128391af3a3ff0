"""Keys from before data sets of pictures: trials and studies that use nothing new keep them, to the last digit."""

import dataclasses
import json
from typing import Any

import pytest

from search_spaces.sweeps.blueprint import Blueprint
from search_spaces.sweeps.searches import study_id
from trainers import methods
from trainers.data import DataInfo
from trainers.trials.recipe import Recipe
from trainers.trials.trial import (
    ADDED_TO_RECIPE,
    Teacher,
    Trial,
    canonical_json,
    config_key,
    from_json,
    recipe_content,
    to_json,
    trial_key,
)

INFO = DataInfo(
    name="digits100", classes=100, channels=1, size=16, digest="d" * 64, fit=7500, validation=2500, test=6000,
    view_set="pad2-crop", views=25, recipe="digits",
)  # fmt: skip
ADAMW = Recipe(
    epochs=12, batch_size=8, optimizer="adamw", learning_rate=0.001, weight_decay=0.05, schedule="cosine",
    lr_warmup_epochs=1.0, precision="bfloat16",
)  # fmt: skip
SGD = Recipe(
    epochs=240, batch_size=64, learning_rate=0.05, weight_decay=5e-4, milestones=(150, 180, 210),
    method_warmup_epochs=20.0,
)  # fmt: skip
TEACHER = Teacher(
    id="t" * 64, model="vit_tiny_patch16_224", model_args={"img_size": 16, "patch_size": 4}, precision="bfloat16",
    logit_type="float16",
)  # fmt: skip
STUDENT_TRIAL = Trial(
    dataset="digits100", data_digest="d" * 64, split="search", view_set="pad2-crop", views=25, teacher=TEACHER,
    student="cifar_tinycnn", student_args={"drop_rate": 0.1}, method="partition", method_version=1,
    hyperparameters={"cuts": (1, 4), "w0": 1.0}, recipe=ADAMW, seed=3,
)  # fmt: skip
TEACHER_TRIAL = Trial(
    role="teacher", dataset="digits100", data_digest="d" * 64, view_set="pad2-crop", views=25,
    student="cifar_tinyresnet", method="ce", method_version=1, hyperparameters={}, recipe=SGD, seed=0,
)  # fmt: skip
STORED = {
    "student": (
        STUDENT_TRIAL,
        "71c5cdd0d45ee3f866d702b885f21676546f3988835515fe7be3e3dbc65f3142",
        "e5b613803f6b72005d0f23b5a6788cbbe4d26ed502c38387f308c30c41fff671",
    ),
    "teacher": (
        TEACHER_TRIAL,
        "1e3068adf3d3d4d4bee262135a713ece3dcb19692355d225c397b860720a180b",
        "9b14eef3d9085228193d15199974cb847565ec66fc83eb47ac0baf2009070660",
    ),
}
STORED_STUDY = "4632597d4174762b533d9546a3ca1bdbc68f4049992f6a8af22886d8869b39a3"


@pytest.mark.parametrize("case", STORED)
def test_stored_keys(case: str) -> None:
    trial, key, group = STORED[case]
    assert (trial_key(trial), config_key(trial)) == (key, group)


def test_a_stored_study() -> None:
    blueprint = Blueprint(
        info=INFO,
        student="cifar_tinycnn",
        student_args={},
        teacher=TEACHER,
        method=methods.get("kd"),
        settings={"temperature": 2.0},
        recipe=SGD,
    )
    assert study_id({"sampler": "tpe", "epochs": 60}, (), blueprint) == STORED_STUDY


NEW_OF_TEACHER: dict[str, Any] = {"size": 32, "mean": (0.5,), "std": (0.25,), "weights": "f" * 64}


def test_how_a_teacher_sees_is_in_the_key_and_what_it_is_called_is_not() -> None:
    def key(**changes: Any) -> str:
        return trial_key(dataclasses.replace(STUDENT_TRIAL, teacher=dataclasses.replace(TEACHER, **changes)))

    keys = {key(), *(key(**{name: value}) for name, value in NEW_OF_TEACHER.items()), key(**NEW_OF_TEACHER)}
    assert len(keys) == len(NEW_OF_TEACHER) + 2
    assert key(variant="strong") == key()
    assert key(**NEW_OF_TEACHER, variant="strong") == key(**NEW_OF_TEACHER)


CHANGED: dict[str, Any] = {
    "power": 0.5, "min_learning_rate": 1e-5, "decay_norms": False, "epoch_steps": 7, "accumulate": 2, "clip_norm": 1.0,
    "label_smoothing": 0.1, "mixup": 0.2, "ema_decay": 0.9, "start": "published",
    "compile": True, "dot_delta": 0.05,
}  # fmt: skip


def test_every_new_setting_of_a_recipe_is_in_the_key() -> None:
    assert CHANGED.keys() == ADDED_TO_RECIPE.keys()
    keys = {
        trial_key(dataclasses.replace(STUDENT_TRIAL, recipe=ADAMW.replaced(**{name: value})))
        for name, value in CHANGED.items()
    }
    assert len(keys | {trial_key(STUDENT_TRIAL)}) == len(CHANGED) + 1
    assert not CHANGED.keys() & recipe_content(ADAMW).keys()


def test_a_last_image_that_joins_is_in_the_key() -> None:
    joined = dataclasses.replace(STUDENT_TRIAL, last_image="joined")
    assert trial_key(joined) != trial_key(STUDENT_TRIAL)
    assert config_key(joined) != config_key(STUDENT_TRIAL)


def test_trials_with_everything_survive_json() -> None:
    trial = dataclasses.replace(
        STUDENT_TRIAL,
        initial="f" * 64,
        last_image="joined",
        recipe=ADAMW.replaced(**CHANGED),
        teacher=dataclasses.replace(TEACHER, **NEW_OF_TEACHER, variant="strong"),
    )
    again = from_json(json.loads(json.dumps(to_json(trial))))
    assert again == trial
    assert trial_key(again) == trial_key(trial)


def test_what_an_older_version_stored_is_read() -> None:
    stored = json.loads(canonical_json(to_json(STUDENT_TRIAL)))
    del stored["initial"], stored["last_image"]
    for name in ("size", "mean", "std", "variant", "weights"):
        del stored["teacher"][name]
    for name in ADDED_TO_RECIPE:
        del stored["recipe"][name]
    assert from_json(stored) == STUDENT_TRIAL
