"""Training on generated street scenes: every method of logits, scores against numpy, and stopping in between."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.datasets import Cityscapes

from tests.trainers.layouts import write_cityscapes
from tests.trainers.picture_trials import CPU, MEAN, STD, equal, new_teacher, numbers, recipe, run, state, trial
from trainers import data, models
from trainers.files.store import Store
from trainers.files.tensor_files import load_tensors
from trainers.training.distill import Training, distill
from trainers.training.tasks import pixel_task as segmentation_task
from trainers.trials.draws import draw
from trainers.trials.trial import Teacher, Trial

CLASSES = 19
VIEWS = "scale-crop32x64-flip"
SHORT = recipe(batch_size=2, epochs=1, epoch_steps=2, learning_rate=0.01)
STUDENT, WITH_AUX = "pspnet_mobilenetv2", "deeplabv3_resnet18"
TRAIN_ID = {one.id: one.train_id for one in Cityscapes.classes if not one.ignore_in_eval}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_cityscapes(folder, per_city=4, size=(40, 80))
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Teacher]:
    """Return a store with a teacher's weights in it, and the teacher."""
    home = Store(tmp_path_factory.mktemp("home"))
    return home, new_teacher(home, STUDENT, CLASSES)


def on_scenes(root: Path, method: str = "kd", **others: Any) -> Trial:
    """Return a trial on scenes."""
    given = {"student": STUDENT, "views": VIEWS, "count": 50, "changes": SHORT}
    return trial(root, method, dataset="cityscapes", **{**given, **others})


# --- scores -------------------------------------------------------------------------------------------------------


def enlarged(logits: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Return logits [C, h, w] brought to a size: the outer pixels lie on the outer pixels, in between it is linear."""
    for axis, size in ((1, height), (2, width)):
        small = logits.shape[axis]
        places = np.arange(size) * (small - 1) / (size - 1)
        low = np.minimum(places.astype(int), small - 2) if small > 1 else np.zeros(size, dtype=int)
        share = (places - low).reshape([-1 if i == axis else 1 for i in range(3)])
        high = np.minimum(low + 1, small - 1)
        logits = np.take(logits, low, axis) * (1 - share) + np.take(logits, high, axis) * share
    return logits


def miou_by_hand(network: torch.nn.Module, root: Path, pictures: Sequence[str]) -> float:
    """Return the mean IoU in percent over these pictures, whole, one by one."""
    both, labelled, predicted = (np.zeros(CLASSES) for _ in range(3))
    for name in pictures:
        pixels = np.asarray(Image.open(root / name).convert("RGB"))
        inputs = torch.from_numpy(((pixels / 255 - MEAN) / STD).transpose(2, 0, 1)).float()[None]
        with torch.inference_mode():
            logits = network.eval()(inputs)[0].double().numpy()
        found = enlarged(logits, *pixels.shape[:2]).argmax(0)
        map_name = name.replace("leftImg8bit/", "gtFine/", 1).replace("_leftImg8bit.png", "_gtFine_labelIds.png")
        raw = np.asarray(Image.open(root / map_name))
        labels = np.array([[TRAIN_ID.get(int(value), 255) for value in row] for row in raw])
        counts = labels != 255
        for c in range(CLASSES):
            both[c] += ((labels == c) & (found == c) & counts).sum()
            labelled[c] += ((labels == c) & counts).sum()
            predicted[c] += ((found == c) & counts).sum()
    union = labelled + predicted - both
    return float(100 * np.mean((both / np.maximum(union, 1))[union > 0]))


def kept(epoch: Any, path: Path, name: str) -> torch.nn.Module:
    """Return the network with the weights that a trial keeps."""
    epoch.save_weights(path)
    network = models.create(name, classes=CLASSES, channels=3)
    network.load_state_dict(load_tensors(path)[0])
    return network


def test_the_score_is_the_mean_iou_of_whole_test_pictures(scenes: Path, store: Store):
    longer = SHORT.replaced(epochs=2, learning_rate=0.05, ema_decay=0.5)
    epochs = run(on_scenes(scenes, "ce", changes=longer), store, scenes)
    files = data.load("cityscapes", scenes)
    network = kept(epochs[-1], store.home / "kept.safetensors", STUDENT)
    by_hand = miou_by_hand(network, scenes, files.test_files.tolist())
    assert by_hand > 0
    summary = epochs[-1].summary()
    assert summary["final_miou"] == epochs[-1].values["test_miou"] == pytest.approx(by_hand, rel=1e-4)
    assert summary["best_miou"] == max(epoch.values["test_miou"] for epoch in epochs)
    assert not any("top1" in name for name in summary)


def test_a_search_is_scored_on_the_pictures_held_out(scenes: Path, store: Store):
    (epoch,) = run(on_scenes(scenes, "ce", split="search"), store, scenes)
    files = data.load("cityscapes", scenes)
    assert files.fit == 6
    network = kept(epoch, store.home / "kept.safetensors", STUDENT)
    by_hand = miou_by_hand(network, scenes, files.train_files[files.fit :].tolist())
    assert epoch.values["val_miou"] == pytest.approx(by_hand, rel=1e-4)
    assert not any(name.startswith("test") for name in epoch.values)
    assert epoch.summary()["final_val_miou"] == epoch.values["val_miou"]


# --- methods ------------------------------------------------------------------------------------------------------

METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "kd": ("kd", {}),
    "kd, standardized": ("kd", {"standardize": True}),
    "dkd": ("dkd", {"warmup_epochs": 0.0}),
    "dkd, standardized": ("dkd", {"standardize": True}),
    "gdkd": ("gdkd", {"k": 3, "temperature": 1.0}),
    "gdkd3": ("gdkd3", {}),
    "dist": ("dist", {}),
    "dist, standardized": ("dist", {"standardize": True}),
}


@pytest.mark.parametrize("case", METHODS)
def test_every_method_of_logits_trains(case: str, scenes: Path, taught: tuple[Store, Teacher]):
    method, given = METHODS[case]
    store, teacher = taught
    of = on_scenes(scenes, method, hyperparameters=given, teacher=teacher)
    (epoch,) = run(of, store, scenes)
    values = numbers([epoch])[0]
    assert all(math.isfinite(value) for value in values.values())
    assert values["train_loss"] != pytest.approx(values["ce"], rel=1e-6)
    assert epoch.summary()["teacher_images"] == 4
    assert not (store.home / "banks").exists()


def kl_by_hand(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float) -> float:
    """Return T² KL(teacher || student), the mean over pixels with a class at the size of the student's logits."""
    images, _, high, wide = student.shape
    ours, theirs = ((one.double() / temperature).log_softmax(1) for one in (student, teacher))
    found = []
    for image in range(images):
        for y in range(high):
            for x in range(wide):
                if labels[image, y * labels.shape[1] // high, x * labels.shape[2] // wide] != 255:
                    t, s = theirs[image, :, y, x], ours[image, :, y, x]
                    found.append(float((t.exp() * (t - s)).sum()))
    return temperature**2 * sum(found) / len(found)


def test_both_heads_are_compared_with_the_teachers(scenes: Path, store: Store, monkeypatch: pytest.MonkeyPatch):
    """As DIST and the GDKD authors do: 0.4 of the auxiliary head's, on ResNet students."""
    teacher = new_teacher(store, "pspnet_resnet18", CLASSES)
    seen = []
    real = segmentation_task.distill_pixels

    def noting(method: Any, student: Any, theirs: Any, labels: Tensor, *more: Any) -> dict[str, Tensor]:
        terms = real(method, student, theirs, labels, *more)
        seen.append((student, theirs, labels, terms))
        return terms

    monkeypatch.setattr(segmentation_task, "distill_pixels", noting)
    given = {"temperature": 2.0, "weight": 0.5, "ce_weight": 1.0, "warmup_epochs": 0.0}
    of = on_scenes(scenes, "kd", hyperparameters=given, teacher=teacher, student=WITH_AUX)
    training = Training(of, store, device=CPU, data_root=scenes)
    training.train_epoch()
    network = models.create("pspnet_resnet18", classes=CLASSES, channels=3).eval()
    network.load_state_dict(load_tensors(store.weights(teacher.id))[0])
    drawn = draw(of, 1, images=8, views=of.views)
    (first,) = training.data.train.batches(drawn.images[:2], drawn.views[:2], 2)
    with torch.inference_mode():
        main, aux = network.forward_with_aux(training.data.lens(first.pixels))
    student, theirs, labels, terms = seen[0]
    torch.testing.assert_close(theirs[0], main, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(theirs[1], aux, rtol=1e-4, atol=1e-4)
    assert torch.equal(labels, first.targets)
    expected = float(terms["ce"]) + 0.5 * (
        kl_by_hand(student[0].detach(), main, labels, 2.0) + 0.4 * kl_by_hand(student[1].detach(), aux, labels, 2.0)
    )
    assert float(terms["loss"].detach()) == pytest.approx(expected, rel=1e-3)
    assert student[0].shape == (2, CLASSES, 4, 8)


def test_the_momenta_of_dot_hold_both_parts_of_both_heads(scenes: Path, store: Store):
    teacher = new_teacher(store, "pspnet_resnet18", CLASSES)
    ends = []
    for changes in ({"optimizer": "sgd"}, {"optimizer": "dot", "dot_delta": 0.0}, {"optimizer": "dot"}):
        of = on_scenes(scenes, "kd", teacher=teacher, student=WITH_AUX, changes=SHORT.replaced(**changes))
        training = Training(of, store, device=CPU, data_root=scenes)
        training.train_epoch()
        ends.append([one.detach().clone() for one in training.student.parameters()])
    plain, alike, apart = ends
    for one, same in zip(plain, alike, strict=True):
        torch.testing.assert_close(same, one, rtol=1e-3, atol=1e-4)
    assert not all(torch.allclose(one, other, rtol=1e-3, atol=1e-4) for one, other in zip(plain, apart, strict=True))


def test_a_batch_in_which_nothing_counts_trains_on(tmp_path: Path):
    write_cityscapes(tmp_path / "scenes", per_city=4, size=(40, 80))
    for path in (tmp_path / "scenes/gtFine/train").glob("*/*.png"):
        Image.fromarray(np.zeros((40, 80), dtype=np.uint8)).save(path)
    store = Store(tmp_path / "home")
    teacher = new_teacher(store, "pspnet_mobilenetv2", CLASSES)
    epochs = run(on_scenes(tmp_path / "scenes", "kd", teacher=teacher), store, tmp_path / "scenes")
    assert epochs[-1].values["train_loss"] == epochs[-1].values["ce"] == 0
    assert epochs[-1].values["test_miou"] >= 0
    assert all(torch.isfinite(value).all() for value in state(epochs).values())


# --- going on -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("student", [pytest.param(STUDENT, marks=pytest.mark.slow), "deeplabv3_mobilenetv2"])
def test_going_on_with_dropout_gives_the_same_bits(
    student: str, scenes: Path, taught: tuple[Store, Teacher], tmp_path: Path
):
    store, teacher = taught
    changes = SHORT.replaced(
        epochs=2, schedule="poly", min_learning_rate=1e-4, ema_decay=0.9, clip_norm=1.0, accumulate=2
    )
    of = on_scenes(scenes, "gdkd", student=student, teacher=teacher, changes=changes)
    whole = run(of, store, scenes)
    torch.manual_seed(4)
    next(distill(of, store, data_root=scenes)).save(tmp_path / "one.safetensors")
    torch.manual_seed(5)
    rest = run(of, store, scenes, checkpoint=tmp_path / "one.safetensors")
    assert numbers(rest) == numbers(whole)[1:]
    assert equal(state(rest), state(whole))
