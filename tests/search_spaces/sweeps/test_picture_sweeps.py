"""Sweep files on pictures and pixels: what their keys come to in trials."""

from pathlib import Path
from typing import Any

import pytest

from search_spaces import Sweep, SweepFileError, describe_plan, expand, read, recipes, restore
from search_spaces.checks import rules as checks
from tests.search_spaces.picture_texts import PICTURES, SCENES, SMALL, changed, small_sets
from tests.search_spaces.sweep_texts import sweep_of, write
from trainers.trials.recipe import Recipe
from trainers.trials.trial import Trial


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with small data sets in it."""
    return small_sets(tmp_path_factory.mktemp("sweeps"))


def of(sweep: Sweep, method: str = "kd") -> Trial:
    return next(member.trial for member in sweep.fixed if member.trial.method == method)


def teachers(sweep: Sweep) -> Trial:
    """Return the trial that trains the one teacher."""
    (plan,) = sweep.teachers
    assert plan.trial is not None
    return plan.trial


# --- what keys come to --------------------------------------------------------------------------------------------

VIEWS = {
    "as it is": ("{root: pictures}", "rrc224-flip", 16),
    "size": ("{root: pictures, size: 32}", "rrc32-flip", 16),
    "height and width": ("{root: pictures, size: [32, 32]}", "rrc32-flip", 16),
    "views": ("{root: pictures, views: 3}", "rrc224-flip", 3),
    "augment": ("{root: pictures, size: 32, augment: [cutout, autoaugment]}", "rrc32-flip-autoaugment-cutout16", 16),
}


@pytest.mark.parametrize("case", VIEWS)
def test_how_pictures_are_seen(case: str, folder: Path) -> None:
    given, name, count = VIEWS[case]
    plain = "resnet18 -> mobilenetv1" if "size" not in given else "resnet8 -> tinycnn"
    text = changed(PICTURES, ("{root: pictures, size: 32}", given), ("resnet8 -> tinycnn", plain))
    sweep = sweep_of(folder, text)
    for trial in (of(sweep, "ce"), of(sweep), teachers(sweep)):
        assert (trial.view_set, trial.views) == (name, count)


@pytest.mark.parametrize(
    ("given", "name", "views", "strong", "strong_views"),
    [
        ("{root: pictures, size: 96}", "rrc96-flip", 16, "rrc96-flip-randaugment", 16),
        ("{root: pictures, size: 96, views: 5}", "rrc96-flip", 5, "rrc96-flip-randaugment", 5),
        (
            "{root: pictures, size: 96, augment: [randaugment]}",
            *("rrc96-flip-randaugment", 16),
            *("rrc96-flip-randaugment", 16),
        ),
        ("{root: pictures, size: 32}", "rrc32-flip", 16, "rrc32-flip-autoaugment-cutout16", 16),
        ("{root: cifar}", "pad4-crop-flip", 162, "pad4-crop-flip-autoaugment-cutout16", 64),
        ("{root: cifar, augment: [cutout]}", "pad4-crop-flip-cutout16", 64, "pad4-crop-flip-autoaugment-cutout16", 64),
    ],
)  # fmt: skip
def test_a_strong_teacher_is_trained_in_views_of_its_own(
    given: str, name: str, views: int, strong: str, strong_views: int, folder: Path
) -> None:
    pair = "timm:resnet18 -> timm:resnet18" if "96" in given else "resnet8 -> tinycnn"
    data = f"cifar100: {given}" if "cifar" in given else f"imagefolder: {given}"
    text = changed(PICTURES, ("imagefolder: {root: pictures, size: 32}", data), ("resnet8 -> tinycnn", pair))
    plain = sweep_of(folder, text)
    marked = pair.split(" ")[0]
    sweep = sweep_of(folder, text + f"teachers: {{'{marked}': {{variant: strong}}}}\n")
    assert (teachers(sweep).view_set, teachers(sweep).views) == (strong, strong_views)
    assert (teachers(plain).view_set, teachers(plain).views) == (of(plain).view_set, of(plain).views) == (name, views)
    assert (of(sweep).view_set, of(sweep).views) == (name, views)
    taught = of(sweep).teacher
    assert taught is not None and taught.variant == "strong" and taught.id == sweep.teachers[0].id
    if strong != name:
        assert taught.id != plain.teachers[0].id
    assert of(plain, "ce") == of(sweep, "ce")


RECIPES: dict[str, tuple[str, Recipe]] = {
    "numbers": (
        "{base: quick, epochs: 2, clip_norm: 1, label_smoothing: 1e-1, ema_decay: 0.99, accumulate: 2}",
        Recipe(
            epochs=2, batch_size=128, learning_rate=0.1, nesterov=True, weight_decay=5e-4, schedule="cosine",
            clip_norm=1.0, label_smoothing=0.1, ema_decay=0.99, accumulate=2,
        ),
    ),
    "poly by steps": (
        "{base: quick, epochs: 2, schedule: poly, power: 2, min_learning_rate: 0.001, epoch_steps: 5}",
        Recipe(
            epochs=2, batch_size=128, learning_rate=0.1, nesterov=True, weight_decay=5e-4, schedule="poly", power=2.0,
            min_learning_rate=0.001, epoch_steps=5, clip_norm=5.0,
        ),
    ),
    "adamw": (
        "{base: transformer, epochs: 30}",
        Recipe(
            epochs=30, batch_size=1024, optimizer="adamw", learning_rate=1e-3, weight_decay=0.05, decay_norms=False,
            schedule="cosine", min_learning_rate=1e-5, lr_warmup_epochs=2.0, label_smoothing=0.1, clip_norm=5.0,
        ),
    ),
    "scaled": (
        "{base: quick, epochs: 2, batch_size: 32, accumulate: 2, scale_learning_rate: on}",
        Recipe(
            epochs=2, batch_size=32, accumulate=2, learning_rate=0.05, nesterov=True, weight_decay=5e-4,
            schedule="cosine", clip_norm=5.0,
        ),
    ),
    "not scaled": (
        "{base: quick, epochs: 2, batch_size: 32, scale_learning_rate: off, learning_rate: 0.3}",
        Recipe(
            epochs=2, batch_size=32, learning_rate=0.3, nesterov=True, weight_decay=5e-4, schedule="cosine",
            clip_norm=5.0,
        ),
    ),
    "without decay nothing is left out of it": (
        "{base: quick, epochs: 2, weight_decay: 0, decay_norms: off, mixup: 0.2}",
        Recipe(
            epochs=2, batch_size=128, learning_rate=0.1, nesterov=True, schedule="cosine", mixup=0.2, clip_norm=5.0
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RECIPES)
def test_what_recipes_come_to(case: str, folder: Path) -> None:
    given, expected = RECIPES[case]
    sweep = sweep_of(folder, changed(PICTURES, ("{base: quick, epochs: 2}", given)))
    assert of(sweep).recipe == of(sweep, "ce").recipe == teachers(sweep).recipe == expected


def test_a_teachers_recipe_changes_the_sweeps_or_stands_alone(folder: Path) -> None:
    text = changed(
        PICTURES, ("{base: quick, epochs: 2}", "{base: quick, epochs: 2, clip_norm: 2, label_smoothing: 0.1}")
    )
    sweep = sweep_of(folder, text + "teachers: {resnet8: {recipe: {clip_norm: 3, batch_size: 64}}}\n")
    recipe = teachers(sweep).recipe
    assert (recipe.clip_norm, recipe.label_smoothing, recipe.batch_size, recipe.epochs) == (3.0, 0.1, 64, 2)
    assert of(sweep).recipe.clip_norm == 2.0
    sweep = sweep_of(
        folder, text + "teachers: {resnet8: {recipe: {base: quick, scale_learning_rate: on, batch_size: 64}}}\n"
    )
    recipe = teachers(sweep).recipe
    assert (recipe.clip_norm, recipe.label_smoothing, recipe.learning_rate, recipe.epochs) == (5.0, 0.0, 0.05, 10)


@pytest.mark.parametrize(
    ("pair", "given", "teacher", "student"),
    [
        ("resnet8 -> mobilenetv2", "cifar", 0.05, 0.01),
        ("resnet8 -> shufflev2", "cifar", 0.05, 0.01),
        ("shufflev1 -> resnet8", "cifar", 0.01, 0.05),
        ("resnet8 -> timm:mobilenetv2_100", "cifar", 0.05, 0.01),
        ("resnet8 -> torchvision:shufflenet_v2_x0_5", "cifar", 0.05, 0.01),
        ("resnet8 -> mobilenetv2", "{base: cifar, learning_rate: 0.03}", 0.03, 0.03),
        ("resnet8 -> mobilenetv2", "{base: cifar, batch_size: 128, scale_learning_rate: on}", 0.1, 0.02),
        ("resnet8 -> mobilenetv2", "{base: quick}", 0.1, 0.1),
    ],
)
def test_recipes_have_exceptions_for_networks(
    pair: str, given: str, teacher: float, student: float, folder: Path
) -> None:
    sweep = sweep_of(folder, changed(SMALL, ("resnet8 -> tinycnn", pair), ("{base: quick, epochs: 2}", given)))
    assert teachers(sweep).recipe.learning_rate == pytest.approx(teacher)
    assert of(sweep).recipe.learning_rate == of(sweep, "ce").recipe.learning_rate == pytest.approx(student)


def test_loaders_are_a_resource_and_in_no_key(folder: Path) -> None:
    plain = sweep_of(folder, PICTURES)
    sweep = sweep_of(folder, PICTURES + "resources: {loaders: 3}\n")
    assert (plain.resources.loaders, sweep.resources.loaders) == (None, 3)
    assert [member.key for member in plain.fixed] == [member.key for member in sweep.fixed]


def test_a_sweep_on_pictures_is_restored_from_what_was_recorded(folder: Path) -> None:
    text = changed(PICTURES, ("size: 32", "size: 32, views: 5, augment: [cutout]"))
    sweep = sweep_of(folder, text + "teachers: {resnet8: {variant: strong, recipe: {mixup: 0.1}}}\n")
    again = restore(sweep.resolved, sweep.source, folder)
    assert again == sweep
    scenes = sweep_of(folder, SCENES)
    assert restore(scenes.resolved, scenes.source, folder) == scenes
    assert (scenes.datasets[0].info.size, scenes.datasets[0].info.width) == (64, 96)


# --- teachers that see in their own way ---------------------------------------------------------------------------


def lens_of(sweep: Sweep) -> tuple[Any, ...]:
    teacher = of(sweep).teacher
    assert teacher is not None
    return teacher.size, teacher.mean, teacher.std


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        (PICTURES, "", (0, (), ())),
        (PICTURES, "size: 32", (0, (), ())),
        (PICTURES, "size: 48", (48, (), ())),
        (PICTURES, "mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]", (0, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))),
        (PICTURES, "mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]", (0, (), ())),
        (SMALL, "size: 64", (64, (), ())),
        (
            SMALL,
            "mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]",
            (0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ),
    ],
)
def test_how_given_teachers_see(
    text: str, given: str, expected: tuple[Any, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ImageNet's normalisation is that of pictures, and another one on CIFAR."""
    monkeypatch.setattr(checks, "check_weights_files", lambda *_: {})
    (folder / "teacher.pth").write_bytes(b"weights")
    sweep = sweep_of(folder, text + f"teachers: {{resnet8: {{checkpoint: teacher.pth, {given}}}}}\n")
    assert lens_of(sweep) == expected
    assert restore(sweep.resolved, sweep.source, folder).fixed == sweep.fixed


# --- planning without files ---------------------------------------------------------------------------------------


def test_published_data_sets_are_planned_without_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("KDSWEEP_DATA", raising=False)
    text = """\
    name: birds
    datasets: {cub200: {}, tiny_imagenet: {size: 64}}
    pairs: timm:resnet34 -> timm:resnet18
    teachers: {timm:resnet34: {recipe: {start: random}}}
    methods: {ce: , kd: }
    seeds: 1
    """
    path = write(tmp_path, text)
    with pytest.raises(SweepFileError, match="cub200: the data set cannot be read"):
        read(path)
    file = read(path, planning=True)
    assert len(file.assumed) == 4
    for name in ("cub200", "tiny_imagenet"):
        assert any(line.startswith(f"{name}: as published, its files were not found") for line in file.assumed)
    assert sum("published weights of 'resnet18' are not here yet" in line for line in file.assumed) == 2
    sweep = expand(file, capability=lambda: None)
    assert {trial.initial for trial in (member.trial for member in sweep.fixed)} == {"not fetched"}
    assert {plan.trial.initial for plan in sweep.teachers if plan.trial} == {""}
    assert [(plan.info.classes, plan.info.size) for plan in sweep.datasets] == [(200, 224), (200, 64)]
    assert describe_plan(sweep).to_text()
    assert not (tmp_path / "torch").exists()


def test_pretrained_teachers_are_planned_without_their_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    text = """\
    name: transformers
    datasets: {imagenet: {}}
    pairs: torchvision:vit_b_16 -> resnet18
    teachers: {torchvision:vit_b_16: {pretrained: true}}
    methods: {kd: }
    seeds: 1
    """
    file = read(write(tmp_path, text), planning=True)
    assert any("published weights of 'torchvision_vit_b_16' are not here yet" in line for line in file.assumed)
    (plan,) = expand(file, capability=lambda: None).teachers
    assert (plan.trial, plan.id) == (None, "not fetched")


def test_every_named_recipe_changes_some_networks_only_in_known_settings() -> None:
    for name in recipes.names():
        for network in ("resnet18", "mobilenetv2", "timm:mobilenetv2_100", "shufflev1", ""):
            assert isinstance(recipes.get(name, network), Recipe)
            assert recipes.exceptions(recipes.definitions([name])[name], network).keys() <= {"learning_rate"}
