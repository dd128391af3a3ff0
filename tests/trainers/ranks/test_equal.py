"""A trial of several ranks is the trial of one process, to the last digits of float64, on real processes."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainers.layouts import write_cityscapes
from tests.trainers.picture_trials import new_teacher, recipe
from tests.trainers.picture_trials import trial as picture_trial
from tests.trainers.ranks.together import Trained, apart, in_ranks, new_training, of, train
from tests.trainers.tiny import new_store, student_trial
from trainers import methods
from trainers.files.store import Store
from trainers.ranks.ranks import Ranks
from trainers.training.checkpoint import load_checkpoint, save_checkpoint
from trainers.trials.trial import Trial, trial_key

TOLERANCE = 1e-12
IMAGES, BATCH = 83, 24
"""The last batch is one of 11."""
SETTINGS: dict[str, dict[str, object]] = {
    "crd": {"negatives": 64},
    "reviewkd": {"mid_channels": 16},
    "ikl": {"weights": "prior", "weight_temperature": 2},
}
EVERYTHING = {
    "mixup": 0.4,
    "accumulate": 2,
    "clip_norm": 1.0,
    "ema_decay": 0.9,
    "label_smoothing": 0.1,
    "decay_norms": False,
}
QUICK = ("kd", "ctkd", "dist", "sp", "ofd", "crd", "fitnet", "ikl", "simkd", "kd+rkd", "crld")
"""A term for itself, one that learns, one of each kind that couples, BatchNorm of a method's own, a prior, a network
made of the student, a combination, and one of two views."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return new_store(tmp_path_factory.mktemp("home")).home


def trial_of(name: str, **changes: Any) -> Trial:
    """Return a trial of the method."""
    parts = name.split("+")
    prefixes = {part: f"{part}." if len(parts) > 1 else "" for part in parts}
    warmups = {f"{prefix}warmup_epochs": 0 for part, prefix in prefixes.items() if part != "ce"}
    whole = student_trial(name, **warmups, **SETTINGS.get(name, {}))
    return dataclasses.replace(whole, recipe=whole.recipe.replaced(batch_size=BATCH, **changes))


def several(ranks: Ranks, trials: list[Trial], home: Path, images: int, root: Path | None = None) -> list[Trained]:
    return [train(ranks, one, home, images, root) for one in trials]


def assert_equal_to_one_process(
    trials: list[Trial], home: Path, size: int = 2, images: int = IMAGES, root: Path | None = None
) -> None:
    """Train each with one process and with several ranks, which all have come to the same."""
    first, *others = in_ranks(size, several, trials, home, images, root)
    for other in others:
        assert [apart(*both) for both in zip(first, other, strict=True)] == [0.0] * len(trials)
    alone = several(Ranks(), trials, home, images, root)
    found = {one.method: apart(*both) for one, *both in zip(trials, alone, first, strict=True)}
    assert {name: value for name, value in found.items() if not value <= TOLERANCE} == {}


def test_some_methods(home):
    assert_equal_to_one_process([trial_of(name) for name in QUICK], home)


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 3])
def test_every_method(home, size):
    assert_equal_to_one_process([trial_of(method.name) for method in methods.ALL], home, size)


def test_all_that_a_recipe_may_ask_for(home):
    trials = [
        trial_of("kd", **EVERYTHING),
        trial_of("pkt", **EVERYTHING),
        trial_of("at", optimizer="adamw", learning_rate=1e-3),
    ]
    assert_equal_to_one_process(trials, home, size=3)


def test_batches_too_small_to_be_split(home):
    """50 images in batches of 24 leave 2, of which each of 2 ranks has both."""
    assert_equal_to_one_process([trial_of(name) for name in ("ce", "luminet", "fitnet", "ofd")], home, images=50)


@pytest.mark.slow
def test_segmentation(tmp_path):
    """Pixels that have a class are not spread evenly, and a method that couples rows compares those of all ranks."""
    student = "pspnet_mobilenetv2"
    write_cityscapes(tmp_path / "scenes", per_city=4, size=(40, 80))
    store = Store(tmp_path / "home")
    teacher = new_teacher(store, student, 19)
    trials = [
        picture_trial(
            tmp_path / "scenes",
            method,
            dataset="cityscapes",
            student=student,
            views="scale-crop32x64-flip",
            count=50,
            changes=recipe(batch_size=5, epochs=1, epoch_steps=1, learning_rate=0.01),
            teacher=teacher,
        )
        for method in ("kd", "dist")
    ]
    assert_equal_to_one_process(trials, store.home, images=8, root=tmp_path / "scenes")


# --- going on -----------------------------------------------------------------------------------------------------


def go_on(ranks: Ranks, trial: Trial, home: Path, checkpoint: Path | None) -> Trained:
    training = new_training(ranks, trial, home, IMAGES)
    load_checkpoint(checkpoint if ranks.is_first else None, training)
    training.train_epoch()
    return of(training)


def begin(ranks: Ranks, trial: Trial, home: Path, checkpoint: Path) -> None:
    training = new_training(ranks, trial, home, IMAGES)
    training.train_epoch()
    if ranks.is_first:
        save_checkpoint(checkpoint, training)


def test_two_ranks_go_on_from_one_and_one_from_two(home, tmp_path):
    of_one, of_two, trial = tmp_path / "one.safetensors", tmp_path / "two.safetensors", trial_of("ofd", ema_decay=0.9)
    begin(Ranks(), trial, home, of_one)
    in_ranks(2, begin, trial, home, of_two)
    whole = train(Ranks(), trial, home, IMAGES)
    assert apart(whole, go_on(Ranks(), trial, home, of_two)) <= TOLERANCE
    first, second = in_ranks(2, go_on, trial, home, of_one)
    assert apart(first, second) == 0
    assert apart(whole, first) <= TOLERANCE


# --- BatchNorm over each part for itself ---------------------------------------------------------------------------


def test_local_batch_norm_is_another_trial_and_goes_on_as_if_never_stopped(home, tmp_path):
    synced = trial_of("fitnet")
    local = dataclasses.replace(synced, norm_parts=2)
    assert trial_key(local) != trial_key(synced)
    first, second = in_ranks(2, train, local, home, IMAGES)
    assert first.history == second.history
    assert apart(train(Ranks(), synced, home, IMAGES), first) > 1e-3
    in_ranks(2, begin, local, home, tmp_path / "local.safetensors")
    gone_on, _ = in_ranks(2, go_on, local, home, tmp_path / "local.safetensors")
    assert apart(first, gone_on) == 0


def test_local_batch_norm_wants_its_ranks(home):
    with pytest.raises(ValueError, match="one of 3 ranks, got 1"):
        train(Ranks(), dataclasses.replace(trial_of("kd"), norm_parts=3), home, IMAGES)
