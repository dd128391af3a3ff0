"""What recipes switch on, against loops written by hand in plain torch; and that stopping loses none of it."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from torch.nn import functional

from tests.trainers.layouts import write_imagefolder
from tests.trainers.picture_trials import (
    CPU,
    MEAN,
    STD,
    by_hand,
    equal,
    inputs_of,
    new_teacher,
    numbers,
    recipe,
    run,
    state,
    targets_of,
    trial,
)
from trainers import data
from trainers.data.formats.picture_files import read_picture
from trainers.files.store import Store
from trainers.training.distill import Training, distill
from trainers.training.steps.optimizers import new_optimizer
from trainers.trials.draws import draw
from trainers.trials.recipe import Recipe, learning_rate_at
from trainers.trials.streams import stream_seed
from trainers.trials.trial import Trial

VIT: dict[str, Any] = {"student": "test_vit", "student_args": {"img_size": 16, "patch_size": 4}}
"""A small Transformer of timm's: no BatchNorm, so that a batch is the sum of its images."""
CLASSES = 3


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    write_imagefolder(folder, per_class=10, test_per_class=4, size=20)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


# --- against a loop by hand ---------------------------------------------------------------------------------------


def shares(of: Trial, epoch: int, batches: int) -> list[float]:
    """Return how each batch of an epoch is mixed."""
    random = np.random.Generator(np.random.Philox(key=stream_seed("mixup", of.role, of.seed, epoch)))
    return random.beta(of.recipe.mixup, of.recipe.mixup, batches).tolist()


def smoothed(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Return the cross-entropy with the probabilities that the paper says."""
    wanted = torch.full_like(logits, smoothing / CLASSES)
    wanted[torch.arange(len(targets)), targets] += 1 - smoothing
    return -(wanted * logits.log_softmax(1)).sum(1).mean()


def train_by_hand(of: Trial, store: Store, root: Path) -> tuple[nn.Module, nn.Module | None, list[float]]:
    """Train the trial as its recipe says, one picture read at a time; return the network, the average of its weights,
    and the loss of each epoch. It starts from the same weights."""
    given = of.recipe
    network = Training(of, store, device=CPU, data_root=root).student.train()
    average = ModelEmaV3(network, decay=given.ema_decay) if given.ema_decay else None
    optimizer = torch.optim.SGD(
        network.parameters(), given.learning_rate, given.momentum, weight_decay=given.weight_decay
    )
    losses, images = [], len(data.load("imagefolder", root).train_files)
    for epoch in range(1, given.epochs + 1):
        shown = draw(of, epoch, images=images, views=of.views)
        inputs = torch.stack(list(inputs_of(root, "imagefolder", of.view_set, shown.images, shown.views)))
        targets, total = targets_of(root, "imagefolder", shown.images), 0.0
        batches = list(zip(inputs.split(given.batch_size), targets.split(given.batch_size), strict=True))
        mixing = shares(of, epoch, len(batches)) if given.mixup else [1.0] * len(batches)
        for first in range(0, len(batches), given.accumulate):
            group = list(zip(batches, mixing, strict=True))[first : first + given.accumulate]
            for (x, y), share in group:
                logits = network(share * x + (1 - share) * x.flip(0))
                loss = share * smoothed(logits, y, given.label_smoothing)
                loss = loss + (1 - share) * smoothed(logits, y.flip(0), given.label_smoothing)
                (loss / len(group)).backward()
                total += float(loss.detach()) * len(x)
            if given.clip_norm:
                torch.nn.utils.clip_grad_norm_(network.parameters(), given.clip_norm)
            optimizer.step()
            optimizer.zero_grad()
            if average is not None:
                average.update(network)
        losses.append(total / len(inputs))
    return network, None if average is None else average.module, losses


HANDMADE = {
    "plain": {},
    "accumulate": {"accumulate": 2},
    "accumulate, a rest": {"accumulate": 3},
    "label smoothing": {"label_smoothing": 0.2},
    "mixup": {"mixup": 0.5},
    "mixup and smoothing": {"mixup": 1.0, "label_smoothing": 0.1, "accumulate": 2},
    "clip": {"clip_norm": 0.3},
    "average": {"ema_decay": 0.8},
    "epoch_steps": {"epoch_steps": 3, "accumulate": 2},
}


@pytest.mark.parametrize("case", HANDMADE)
def test_a_recipe_trains_as_a_loop_by_hand(case: str, root: Path, store: Store):
    of = trial(root, changes=recipe(weight_decay=0.01, **HANDMADE[case]), **VIT)
    network, average, losses = train_by_hand(of, store, root)
    epochs = run(of, store, root)
    training = epochs[-1].training
    assert [epoch.values["train_loss"] for epoch in epochs] == pytest.approx(losses, rel=1e-4)
    for ours, theirs in ((training.student, network), (training.scored, average or network)):
        for (name, one), other in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=2e-5, msg=name)


def test_two_batches_of_eight_are_one_of_sixteen(root: Path, store: Store):
    """With a rest of images, the last batch counts as much as the others do: 30 images are not used here."""
    one, two = (
        recipe(batch_size=size, accumulate=together, epoch_steps=2, learning_rate=0.02)
        for size, together in ((16, 1), (8, 2))
    )
    whole, halves = (run(trial(root, changes=changes, **VIT), store, root)[-1].training for changes in (one, two))
    for first, second in zip(whole.student.state_dict().values(), halves.student.state_dict().values(), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-3, atol=1e-5)


def test_the_average_is_what_is_scored_and_kept(root: Path, store: Store):
    of = trial(root, changes=recipe(ema_decay=0.9), **VIT)
    (*_, last) = run(of, store, root)
    training = last.training
    assert training.average is not None
    files = data.load("imagefolder", root)
    right = []
    with torch.inference_mode():
        for name, target in zip(files.test_files.tolist(), files.test_targets.tolist(), strict=True):
            picture = read_picture(files.folder / name)  # 20 pixels: scaled to 18, 16 in the middle
            middle = np.asarray(picture.resize((18, 18), 2))[1:17, 1:17]
            pixels = torch.from_numpy(((middle / 255 - MEAN) / STD).transpose(2, 0, 1)).float()
            right.append(int(training.average.module.eval()(pixels[None]).argmax()) == target)
    assert last.values["test_top1"] == pytest.approx(100 * np.mean(right))
    last.save_weights(store.home / "kept.safetensors")
    from trainers.files.tensor_files import load_tensors

    kept, _ = load_tensors(store.home / "kept.safetensors")
    assert equal(kept, training.average.module.state_dict())
    assert not equal(kept, training.student.state_dict())


# --- going on -----------------------------------------------------------------------------------------------------


EVERYTHING = {
    "accumulate": 2,
    "clip_norm": 0.5,
    "ema_decay": 0.9,
    "epoch_steps": 3,
    "label_smoothing": 0.1,
    "batch_size": 4,
    "lr_warmup_epochs": 1.5,
}
DROPS: dict[str, Any] = {"student": "test_efficientnet", "student_args": {"drop_rate": 0.4, "drop_path_rate": 0.2}}
GOING_ON: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "sgd, mixup, no bank": ("kd", {"mixup": 0.4, "schedule": "poly", "weight_decay": 1e-3}, DROPS),
    "adamw, bank": ("gdkd", {"optimizer": "adamw", "decay_norms": False, "weight_decay": 0.05}, DROPS),
    "features": ("fitnet", {"decay_norms": False, "weight_decay": 1e-3, "schedule": "cosine"}, {}),
}


@pytest.mark.parametrize("case", GOING_ON)
def test_going_on_gives_the_same_bits(case: str, root: Path, store: Store):
    method, changes, student = GOING_ON[case]
    teacher = new_teacher(store, "cifar_tinycnn", CLASSES)
    changed = recipe(**{**EVERYTHING, **changes, "epochs": 3})
    given = {"k": 1} if method == "gdkd" else {}
    of = trial(root, method, teacher=teacher, changes=changed, hyperparameters=given, **student)
    whole = run(of, store, root)
    torch.manual_seed(11)
    next(distill(of, store, data_root=root)).save(store.home / "one.safetensors")
    torch.manual_seed(12)
    rest = run(of, store, root, checkpoint=store.home / "one.safetensors")
    assert [epoch.number for epoch in rest] == [2, 3]
    assert numbers(rest) == numbers(whole)[1:]
    assert equal(state(rest), state(whole))
    assert any(name.startswith("average") for name in state(whole))


def test_dropout_draws_the_same_whether_the_bank_is_filled_or_there(root: Path, store: Store):
    teacher = new_teacher(store, "cifar_tinycnn", CLASSES)
    of = trial(root, "kd", teacher=teacher, **DROPS)
    filled, there = run(of, store, root), run(of, store, root)
    assert numbers(filled) == numbers(there)
    assert equal(state(filled), state(there))


@pytest.mark.slow  # starting processes takes seconds
def test_loaders_change_no_number(root: Path, store: Store):
    of = trial(root, changes=recipe(epochs=3), views="rrc16-flip-autoaugment-cutout8", **DROPS)
    alone, ahead = (run(of, store, root, loaders=loaders) for loaders in (0, 2))
    assert numbers(alone) == numbers(ahead)
    assert equal(state(alone), state(ahead))
    next(distill(of, store, data_root=root, loaders=2)).save(store.home / "one.safetensors")
    rest = run(of, store, root, loaders=1, checkpoint=store.home / "one.safetensors")
    assert equal(state(alone), state(rest))


# --- the bank -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("views", ["rrc16-flip", "rrc16-flip-randaugment-cutout8"])
def test_the_bank_changes_nothing_but_rounding(views: str, root: Path, store: Store):
    teacher = new_teacher(store, "cifar_tinycnn", CLASSES)
    of = trial(root, "gdkd", hyperparameters={"k": 1}, teacher=teacher, views=views, **VIT)
    on, off = (run(of, store, root, bank=bank) for bank in (True, False))
    for first, second in zip(numbers(on), numbers(off), strict=True):
        assert first == pytest.approx(second, rel=1e-4)
    for first, second in zip(state(on).values(), state(off).values(), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-3, atol=1e-5)
    assert off[-1].summary()["teacher_images"] == 2 * 30
    assert run(of, store, root)[-1].summary()["teacher_images"] == 0


# --- order and rates ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("steps", "batch", "accumulate"), [(1, 4, 1), (3, 4, 2), (7, 5, 1), (1, 64, 1)])
def test_epochs_of_steps_go_on_in_the_order_of_passes(steps: int, batch: int, accumulate: int, tmp_path: Path):
    images, views, epochs = 30, 5, 9
    plain = Trial(
        dataset="d", data_digest="d", view_set="rrc16-flip", views=views, student="s", method="ce", method_version=1,
        hyperparameters={}, seed=3, recipe=recipe(epochs=epochs, batch_size=batch, accumulate=accumulate),
    )  # fmt: skip
    stretched = dataclasses.replace(plain, recipe=plain.recipe.replaced(epoch_steps=steps))
    each = steps * batch * accumulate
    parts = [draw(stretched, epoch, images=images, views=views) for epoch in range(1, epochs + 1)]
    assert all(len(part.images) == len(part.views) == each for part in parts)
    shown = [torch.cat([getattr(part, name) for part in parts]) for name in ("images", "views")]
    passes = [
        draw(plain, number, images=images, views=views) for number in range(1, 1 + math.ceil(epochs * each / images))
    ]
    for found, name in zip(shown, ("images", "views"), strict=True):
        assert torch.equal(found, torch.cat([getattr(one, name) for one in passes])[: len(found)])
    for start in range(0, len(shown[0]) - images + 1, images):
        assert shown[0][start : start + images].sort().values.tolist() == list(range(images))
    if len(passes) > 1:
        assert passes[0].images.tolist() != passes[1].images.tolist()


def scheduled(**changes: Any) -> Recipe:
    return recipe(**{"epochs": 10, "learning_rate": 1.0, **changes})


RATES = {
    "cosine, start": (scheduled(schedule="cosine", min_learning_rate=0.2), 0.0, 1.0),
    "cosine, a quarter": (scheduled(schedule="cosine", min_learning_rate=0.2), 2.5, 0.2 + 0.8 * 0.8535533905932737),
    "cosine, half": (scheduled(schedule="cosine", min_learning_rate=0.2), 5.0, 0.6),
    "cosine, end": (scheduled(schedule="cosine", min_learning_rate=0.2), 10.0, 0.2),
    "cosine to nothing": (scheduled(schedule="cosine"), 10.0, 0.0),
    "poly, start": (scheduled(schedule="poly", min_learning_rate=0.1), 0.0, 1.0),
    "poly, half": (scheduled(schedule="poly", min_learning_rate=0.1), 5.0, 0.1 + 0.9 * 0.5358867312681466),
    "poly, end": (scheduled(schedule="poly", min_learning_rate=0.1), 10.0, 0.1),
    "poly, square": (scheduled(schedule="poly", power=2.0), 6.0, 0.16),
    "warm-up of a poly": (scheduled(schedule="poly", power=1.0, lr_warmup_epochs=4.0), 2.0, 0.8 * 0.5),
    "past the end": (scheduled(schedule="poly", min_learning_rate=0.1), 11.0, 0.1),
}


@pytest.mark.parametrize("case", RATES)
def test_rates_by_hand(case: str):
    given, position, rate = RATES[case]
    assert learning_rate_at(given, position) == pytest.approx(rate)


def test_the_rate_of_a_step_is_that_of_its_first_image(root: Path, store: Store):
    """Of 6 batches of 5 in three steps, the last step begins after 20 of 30 images."""
    changes = recipe(batch_size=5, accumulate=2, schedule="poly", power=1.0, learning_rate=0.1)
    epochs = run(trial(root, changes=changes), store, root)
    assert [epoch.values["lr"] for epoch in epochs] == pytest.approx([0.1 * (1 - (n + 20 / 30) / 2) for n in (0, 1)])


def test_cityscapes_rates_are_those_of_steps():
    """The literature's: 0.02 (1 − step / 40,000)^0.9, not below 1e-4; ours ends there instead of stopping there."""
    from search_spaces import recipes

    given = recipes.get("cityscapes")
    assert given.epochs * given.epoch_steps == 40_000
    for step in (0, 1, 20_000, 39_000):
        rate = learning_rate_at(given, step / given.epoch_steps)
        assert rate == pytest.approx(0.02 * (1 - step / 40_000) ** 0.9, abs=1.1e-4)


# --- what decays --------------------------------------------------------------------------------------------------


def test_norms_biases_and_what_a_transformer_names_do_not_decay():
    from trainers import models

    network = models.create("test_vit", classes=3, channels=3)
    given = recipe(optimizer="adamw", weight_decay=0.05, decay_norms=False)
    optimizer = new_optimizer(given, network, nn.Linear(2, 2))
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    for name, parameter in network.named_parameters():
        kept = parameter.ndim <= 1 or name in ("pos_embed", "cls_token")
        assert decays.pop(id(parameter)) == (0.0 if kept else 0.05), name
    assert sorted(decays.values()) == [0.0, 0.05]


def test_by_default_all_decay():
    from trainers import methods, models

    network = models.create("test_vit", classes=3, channels=3)
    optimizer = new_optimizer(recipe(weight_decay=0.05), network, methods.build("ce"))
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.05]
    assert len(optimizer.param_groups[0]["params"]) == len(list(network.parameters()))


def test_pictures_are_normalised_as_by_hand(root: Path, store: Store):
    """The inputs of the loop by hand are those of the training loop."""
    training = Training(trial(root), store, device=CPU, data_root=root)
    images, views = torch.tensor([3, 29, 0]), torch.tensor([0, 1, 2])
    (batch,) = training.data.train.batches(images, views, 3)
    expected = torch.stack(list(inputs_of(root, "imagefolder", "rrc16-flip", images, views)))
    torch.testing.assert_close(training.data.lens(batch.pixels), expected, rtol=0, atol=1e-5)
    assert torch.equal(batch.targets, targets_of(root, "imagefolder", images))
    files = data.load("imagefolder", root)
    assert files.train_targets[images].tolist() == batch.targets.tolist()
    assert functional.one_hot(batch.targets, CLASSES).shape == (3, 3)
    assert by_hand(read_picture(files.folder / files.test_files[0]), 16, mirror=False).shape == (3, 16, 16)


# --- compiling ----------------------------------------------------------------------------------------------------


@pytest.mark.slow  # compiling takes most of a minute
def test_a_compiled_student_learns_the_same_but_for_rounding(root: Path, store: Store):
    teacher = new_teacher(store, "cifar_tinycnn", CLASSES)
    of = {
        switch: trial(root, "gdkd", teacher=teacher, hyperparameters={"k": 1}, changes=recipe(compile=switch))
        for switch in (False, True)
    }
    plain = run(of[False], store, root)
    compiled = []
    for epoch in distill(of[True], store, data_root=root):
        assert epoch.training.student._compiled_call_impl is not None
        compiled.append(epoch)
    for first, second in zip(numbers(plain), numbers(compiled), strict=True):
        assert first == pytest.approx(second, rel=1e-3)
    assert state(plain).keys() == state(compiled).keys()
