"""The last batch of an epoch: every method with one image and with two in it, and what becomes of a single one."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainers import picture_trials
from tests.trainers.layouts import write_cityscapes, write_imagefolder
from tests.trainers.tiny import new_store, run, student_trial
from trainers import methods
from trainers.files.store import Store
from trainers.training.distill import Training
from trainers.trials.batches import batch_sizes, leaves_one
from trainers.trials.recipe import Recipe
from trainers.trials.trial import Trial

BATCH = 8
NAMES = [method.name for method in methods.ALL]
SETTINGS: dict[str, dict[str, object]] = {"crd": {"negatives": 64}, "reviewkd": {"mid_channels": 16}}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    torch.set_num_threads(1)
    return new_store(tmp_path_factory.mktemp("home"))


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return what sets how many images a trial is trained on."""

    def set_to(count: int) -> None:
        monkeypatch.setattr(Training, "_images", property(lambda _training: count))

    return set_to


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many images each step of training has seen."""
    found: list[int] = []
    whole = Training._gradients

    def noted(self: Training, batch: Any, *others: Any) -> Any:
        found.append(len(batch.images))
        return whole(self, batch, *others)

    monkeypatch.setattr(Training, "_gradients", noted)
    return found


def trial_of(name: str, **changes: Any) -> Trial:
    trial = student_trial(name, **SETTINGS.get(name, {}))
    recipe = trial.recipe.replaced(batch_size=BATCH, epochs=1)
    return dataclasses.replace(trial, **{"recipe": recipe, "last_image": "joined", **changes})


@pytest.mark.parametrize("left", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_every_method(name: str, left: int, store: Store, images: Callable[[int], None], seen: list[int]) -> None:
    images(2 * BATCH + left)
    (epoch,) = run(trial_of(name), store)
    assert seen == ([BATCH, BATCH + 1] if left == 1 else [BATCH, BATCH, 2])
    assert math.isfinite(epoch.values["train_loss"])
    assert all(bool(torch.isfinite(one).all()) for one in epoch.training.student.parameters())
    assert all(bool(torch.isfinite(one).all()) for one in epoch.training.method.parameters())


@pytest.mark.parametrize("name", ["kd", "sp"])
def test_a_trial_of_before_has_the_batch_of_one_that_it_had(
    name: str, store: Store, images: Callable[[int], None], seen: list[int]
) -> None:
    images(BATCH + 1)
    run(trial_of(name, last_image="alone"), store)
    assert seen == [BATCH, 1]


@pytest.mark.parametrize("changes", [{"accumulate": 2}, {"mixup": 0.2}, {"accumulate": 3, "mixup": 0.2}])
def test_batches_that_are_accumulated_or_mixed(
    changes: dict[str, Any], store: Store, images: Callable[[int], None], seen: list[int]
) -> None:
    images(3 * BATCH + 1)
    recipe = trial_of("kd").recipe.replaced(**changes)
    (epoch,) = run(trial_of("kd", recipe=recipe), store)
    assert seen == [BATCH, BATCH, BATCH + 1]
    assert math.isfinite(epoch.values["train_loss"])


@pytest.mark.parametrize("loaders", [0, 1])
def test_pictures_through_a_network_that_pools_before_it_normalises(
    loaders: int, tmp_path: Path, seen: list[int]
) -> None:
    root = write_imagefolder(tmp_path / "pictures", classes=3, per_class=3, size=24).folder
    trial = picture_trials.trial(root, student="levit_conv_128s", views="rrc224-flip", count=1, last_image="joined",
                                 changes=picture_trials.recipe(epochs=1))  # fmt: skip
    (epoch,) = picture_trials.run(trial, Store(tmp_path), root, loaders=loaders)
    assert seen == [9]
    assert math.isfinite(epoch.values["train_loss"])


def test_scenes_through_a_network_that_pools_before_it_normalises(tmp_path: Path, seen: list[int]) -> None:
    root = write_cityscapes(tmp_path / "scenes", per_city=5, size=(64, 96)).folder
    recipe = picture_trials.recipe(epochs=1, batch_size=3)
    trial = picture_trials.trial(root, dataset="cityscapes", student="pspnet_mobilenetv2", last_image="joined",
                                 views="scale-crop64x96-flip", count=2, changes=recipe)  # fmt: skip
    (epoch,) = picture_trials.run(trial, Store(tmp_path), root)
    assert seen == [3, 3, 4]
    assert math.isfinite(epoch.values["train_loss"])


@pytest.mark.parametrize(
    ("count", "size", "joined", "expected"),
    [
        (9, 4, True, [4, 5]),
        (9, 4, False, [4, 4, 1]),
        (10, 4, True, [4, 4, 2]),
        (8, 4, True, [4, 4]),
        (3, 4, True, [3]),
        (1, 4, True, [1]),
        (5, 4, True, [5]),
    ],
)
def test_sizes(count: int, size: int, joined: bool, expected: list[int]) -> None:
    assert batch_sizes(count, size, joined=joined) == expected
    recipe = Recipe(epochs=1, batch_size=size, learning_rate=0.1)
    assert leaves_one(count, recipe) == (
        batch_sizes(count, size, joined=False) != batch_sizes(count, size, joined=True)
    )


def test_an_epoch_of_steps_and_batches_of_one_leave_none() -> None:
    assert not leaves_one(9, Recipe(epochs=1, batch_size=4, learning_rate=0.1, epoch_steps=3))
    assert not leaves_one(9, Recipe(epochs=1, batch_size=1, learning_rate=0.1))
