"""Teachers that see another size or normalisation than their students: the same part of the picture, by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.trainers.layouts import write_cifar100, write_imagefolder
from tests.trainers.picture_trials import (
    CPU,
    MEAN,
    STD,
    by_hand,
    mirrored,
    new_teacher,
    numbers,
    part_shown,
    recipe,
    run,
    trial,
)
from trainers import models
from trainers.files.store import Store
from trainers.files.tensor_files import load_tensors
from trainers.training.distill import Training
from trainers.trials.trial import Trial
from trainers.views.device_data import on_device

OWN = {"mean": (0.5, 0.4, 0.3), "std": (0.25, 0.2, 0.1)}
Seen = dict[tuple[int, int], Tensor]
"""A teacher's logits by image and view."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    write_imagefolder(folder, per_class=4, size=40)
    return folder


@pytest.fixture(scope="module")
def cifar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cifar")
    write_cifar100(folder, each=2)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def answers(of: Trial, store: Store, root: Path, *, bank: bool) -> Seen:
    """Train an epoch; return what the teacher is taken to say."""
    training = Training(of, store, device=CPU, data_root=root, bank=bank)
    seen: Seen = {}
    terms = training.task.terms

    def noting(student: Any, method: Any, batch_seen: Any) -> dict[str, Tensor]:
        batch, teacher = batch_seen.batch, batch_seen.teacher
        assert teacher.shape == (len(batch.images), training.data.info.classes)
        seen.update(zip(zip(batch.images.tolist(), batch.views.tolist(), strict=True), teacher.float(), strict=True))
        return terms(student, method, batch_seen)

    training.task.terms = noting  # type: ignore[method-assign]
    training.train_epoch()
    return seen


def asked(store: Store, of: Trial, inputs: Tensor, classes: int) -> Tensor:
    """Return what the teacher's network says to these inputs, asked here."""
    assert of.teacher is not None
    network = models.create(of.teacher.model, classes=classes, channels=3, arguments=of.teacher.model_args)
    network.load_state_dict(load_tensors(store.weights(of.teacher.id))[0])
    with torch.inference_mode():
        answer: Tensor = network.eval()(inputs)
    return answer


SEES: dict[str, dict[str, Any]] = {
    "as the student": {},
    "another size": {"size": 24},
    "another normalisation": OWN,
    "both": {"size": 24, **OWN},
}


@pytest.mark.parametrize("bank", [True, False])
@pytest.mark.parametrize("case", SEES)
def test_a_teacher_of_pictures_sees_the_students_part_in_its_own_way(
    case: str, bank: bool, pictures: Path, store: Store
):
    given = SEES[case]
    teacher = new_teacher(store, "cifar_tinycnn", 3, **given)
    of = trial(pictures, "kd", teacher=teacher, changes=recipe(epochs=1))
    mean, std = (np.array(given.get(name, of_data)) for name, of_data in (("mean", MEAN), ("std", STD)))
    seen = answers(of, store, pictures, bank=bank)
    assert len(seen) == 12
    inputs = [
        by_hand(
            part_shown(pictures, "imagefolder", of.view_set, *one),
            given.get("size", 16),
            mirror=mirrored(pictures, "imagefolder", of.view_set, *one),
            mean=mean,
            std=std,
        )
        for one in seen
    ]
    expected = asked(store, of, torch.stack(inputs), 3)
    assert expected.std(dim=0).min() > 0.05  # it tells images apart
    torch.testing.assert_close(torch.stack(list(seen.values())), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("bank", [True, False])
@pytest.mark.parametrize("own", [{}, OWN])
def test_a_teacher_of_small_images_may_see_them_larger(own: dict[str, Any], bank: bool, cifar: Path, store: Store):
    teacher = new_teacher(store, "cifar_tinycnn", 100, size=64, **own)
    of = trial(
        cifar, "kd", dataset="cifar100", views="pad1-crop", count=9, teacher=teacher,
        changes=recipe(epochs=1, batch_size=64),
    )  # fmt: skip
    data = on_device("cifar100", cifar, CPU, of.view_set, of.views)
    seen = {one: row for i, (one, row) in enumerate(answers(of, store, cifar, bank=bank).items()) if i < 8}
    images, views = torch.tensor([*seen]).T
    (batch,) = data.train.batches(images, views, 8)
    larger = np.stack([
        [np.asarray(Image.fromarray(plane.astype(np.float32), "F").resize((64, 64), Image.Resampling.BILINEAR))
         for plane in pixels]
        for pixels in batch.pixels.numpy()
    ])  # fmt: skip
    mean, std = (
        np.array(own.get(name, usual))[:, None, None]
        for name, usual in (("mean", (0.5071, 0.4867, 0.4408)), ("std", (0.2675, 0.2565, 0.2761)))
    )
    inputs = torch.from_numpy((larger / 255 - mean) / std).float()
    expected = asked(store, of, inputs, 100)
    torch.testing.assert_close(
        torch.stack(list(seen.values())), expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max())
    )


def test_a_teacher_of_drawn_small_images_says_the_same_with_and_without_a_bank(cifar: Path, store: Store):
    teacher = new_teacher(store, "cifar_tinycnn", 100, size=40)
    of = trial(
        cifar, "kd", dataset="cifar100", views="pad4-crop-flip-autoaugment-cutout16", count=2, teacher=teacher,
        changes=recipe(epochs=1, batch_size=64),
    )  # fmt: skip
    banked, live = (answers(of, store, cifar, bank=bank) for bank in (True, False))
    assert banked.keys() == live.keys()
    for one in banked:
        torch.testing.assert_close(banked[one], live[one], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("method", ["fitnet", "at", "rkd", "reviewkd"])
def test_features_of_two_sizes_are_compared(method: str, pictures: Path, store: Store):
    teacher = new_teacher(store, "cifar_resnet8", 3, size=32, **OWN)
    of = trial(pictures, method, student="cifar_resnet8", teacher=teacher)
    epochs = run(of, store, pictures)
    assert epochs[-1].summary()["teacher_images"] == 2 * 12
    assert all(np.isfinite(values["train_loss"]) for values in numbers(epochs))


def test_mixed_images_are_mixed_for_the_teacher_too(pictures: Path, store: Store):
    """At its own size and normalisation; the bank is not used."""
    from trainers.training.tasks.mixing import mixes

    teacher = new_teacher(store, "cifar_tinycnn", 3, size=24, **OWN)
    of = trial(pictures, "kd", teacher=teacher, changes=recipe(epochs=1, mixup=1.0))
    seen = answers(of, store, pictures, bank=True)
    ways = {"mean": np.array(OWN["mean"]), "std": np.array(OWN["std"])}
    plain = torch.stack(
        [
            by_hand(
                part_shown(pictures, "imagefolder", of.view_set, *one),
                24,
                mirror=mirrored(pictures, "imagefolder", of.view_set, *one),
                **ways,
            )
            for one in seen
        ]
    )
    mixing = mixes(1.0, 2, of.role, of.seed, 1)
    assert mixing is not None
    inputs = [
        mix.share * batch + (1 - mix.share) * batch.flip(0) for mix, batch in zip(mixing, plain.split(8), strict=True)
    ]
    expected = asked(store, of, torch.cat(inputs), 3)
    torch.testing.assert_close(torch.stack(list(seen.values())), expected, rtol=1e-3, atol=1e-3)
    assert not (store.home / "banks").exists()
