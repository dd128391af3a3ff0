"""Sweep files on pictures and pixels: what their keys come to in trials, and every rule broken alone."""

from pathlib import Path
from typing import Any

import pytest

from search_spaces import Sweep, SweepFileError, describe_plan, expand, read, recipes, restore
from search_spaces.checks import rules as checks
from tests.search_spaces.sweep_texts import sweep_of, told, write
from tests.trainers.layouts import write_cifar100, write_cityscapes, write_imagefolder
from trainers.trials.recipe import Recipe
from trainers.trials.trial import Trial

PICTURES = """\
name: pictures
datasets: {imagefolder: {root: pictures, size: 32}}
pairs: resnet8 -> tinycnn
recipe: {base: quick, epochs: 2}
methods: {ce: , kd: }
seeds: 1
"""
SMALL = PICTURES.replace("{imagefolder: {root: pictures, size: 32}}", "{cifar100: {root: cifar}}")
SCENES = """\
name: scenes
datasets: {cityscapes: {root: scenes, size: [64, 96]}}
pairs: deeplabv3_resnet18 -> pspnet_mobilenetv2
recipe: {base: cityscapes, epochs: 2, epoch_steps: 2, batch_size: 2, start: random}
methods: {ce: , kd: }
seeds: 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with small data sets in it."""
    made = tmp_path_factory.mktemp("sweeps")
    write_imagefolder(made / "pictures", size=20)
    write_cityscapes(made / "scenes")
    write_cifar100(made / "cifar", each=2)
    return made


def changed(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


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


# --- broken rules -------------------------------------------------------------------------------------------------

UNCHANGEABLE = "the data set cannot be changed so"
OF_PIXELS = "is for classes of images, cityscapes has classes of pixels"
ONE_LINE = {
    # data sets
    "size of small images": (
        changed(SMALL, ("root: cifar", "root: cifar, size: 64")),
        f"line 2  datasets.cifar100: {UNCHANGEABLE}: its views have the size of its images, which cannot be set",
    ),
    "views of small images": (
        changed(SMALL, ("root: cifar", "root: cifar, views: 3")),
        f"line 2  datasets.cifar100: {UNCHANGEABLE}: views: it has 162 views an image and no others, got 3",
    ),
    "oblong": (
        changed(PICTURES, ("size: 32", "size: [32, 64]")),
        f"line 2  datasets.imagefolder: {UNCHANGEABLE}: its views are square, got 32 x 64",
    ),
    "too small": (
        changed(PICTURES, ("size: 32", "size: 4")),
        "line 2  datasets.imagefolder.size: must be at least 8, got 4",
    ),
    "three sides": (
        changed(PICTURES, ("size: 32", "size: [8, 8, 8]")),
        "line 2  datasets.imagefolder.size: must hold at most 2",
    ),
    "no views": (
        changed(PICTURES, ("size: 32", "size: 32, views: 0")),
        "line 2  datasets.imagefolder.views: must be at least 1, got 0",
    ),
    "unknown extra": (
        changed(PICTURES, ("size: 32", "size: 32, augment: [cutuot]")),
        "line 2  datasets.imagefolder.augment[0]: must be one of autoaugment, randaugment, cutout, got 'cutuot'",
    ),
    "extras of pixels": (
        changed(SCENES, ("[64, 96]", "[64, 96], augment: [cutout]")),
        f"line 2  datasets.cityscapes: {UNCHANGEABLE}: augment: autoaugment, randaugment, cutout are for",
    ),
    "no files": (
        changed(PICTURES, ("root: pictures", "root: elsewhere")),
        "line 2  datasets.imagefolder: the data set cannot be read: looked for train/",
    ),
    # teachers
    "unknown variant": (
        PICTURES + "teachers: {resnet8: {variant: srtong}}\n",
        "line 7  teachers.resnet8.variant: must be one of plain, strong, got 'srtong'; did you mean 'strong'?",
    ),
    "size of a teacher that is trained": (
        PICTURES + "teachers: {resnet8: {size: 64}}\n",
        "line 7  teachers.resnet8.size: needs checkpoint or pretrained: a teacher that is trained here sees what",
    ),
    "mean of a teacher that is trained": (
        PICTURES + "teachers: {resnet8: {mean: [0.5, 0.5, 0.5]}}\n",
        "line 7  teachers.resnet8.mean: needs checkpoint or pretrained: a teacher that is trained here sees what",
    ),
    "mean alone": (
        PICTURES + "teachers: {resnet8: {checkpoint: teacher.pth, mean: [0.5, 0.5, 0.5]}}\n",
        "line 7  teachers.resnet8.mean: needs std beside it",
    ),
    "std alone": (
        PICTURES + "teachers: {resnet8: {checkpoint: teacher.pth, std: [0.5, 0.5, 0.5]}}\n",
        "line 7  teachers.resnet8.std: needs mean beside it",
    ),
    "std of nothing": (
        PICTURES + "teachers: {resnet8: {checkpoint: teacher.pth, mean: [0.5, 0.5, 0.5], std: [0.5, 0, 0.5]}}\n",
        "line 7  teachers.resnet8.std[1]: must be above 0, got 0",
    ),
    "two channels of three": (
        PICTURES + "teachers: {resnet8: {checkpoint: teacher.pth, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5]}}\n",
        "line 7  teachers.resnet8.std: must have 3 numbers for imagefolder, got 2",
    ),
    "mean in greys": (
        PICTURES + "teachers: {resnet8: {checkpoint: teacher.pth, mean: [0.5, 116, 0.5], std: [0.5, 0.5, 0.5]}}\n",
        "line 7  teachers.resnet8.mean[1]: must be at most 1, got 116",
    ),
    "strong teacher of pixels": (
        SCENES + "teachers: {deeplabv3_resnet18: {variant: strong}}\n",
        "line 7  teachers.deeplabv3_resnet18.variant: strong is for classes of images, cityscapes has classes of",
    ),
    "size of a teacher of pixels": (
        SCENES + "teachers: {deeplabv3_resnet18: {checkpoint: teacher.pth, size: 64}}\n",
        f"line 7  teachers.deeplabv3_resnet18.size: {OF_PIXELS}",
    ),
    # recipes
    "scaled and given": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, scale_learning_rate: on, learning_rate: 0.1")),
        "line 4  recipe.scale_learning_rate: give a learning_rate, or let that of the base be scaled, not both",
    ),
    "scaled below the least rate": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, scale_learning_rate: on, batch_size: 8, min_learning_rate: 0.01")),
        "line 4  recipe.min_learning_rate: must be at most learning_rate (0.00625), got 0.01",
    ),
    "an exception's rate below the least": (
        changed(
            SMALL,
            ("resnet8 -> tinycnn", "resnet8 -> mobilenetv2"),
            ("{base: quick, epochs: 2}", "{base: cifar, schedule: cosine, min_learning_rate: 0.02}"),
        ),
        "line 4  recipe.min_learning_rate: must be at most learning_rate (0.01), got 0.02",
    ),
    "a teacher's exception": (
        changed(SMALL, ("resnet8 -> tinycnn", "mobilenetv2 -> tinycnn"), ("{base: quick, epochs: 2}", "cifar"))
        + "teachers: {mobilenetv2: {recipe: {schedule: cosine, min_learning_rate: 0.02}}}\n",
        "line 7  teachers.mobilenetv2.recipe.min_learning_rate: must be at most learning_rate (0.01), got 0.02",
    ),
    "start": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, start: pretrained")),
        "line 4  recipe.start: must be one of random, published, got 'pretrained'",
    ),
    "accumulate": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, accumulate: 0")),
        "line 4  recipe.accumulate: must be a whole number of at least 1, got 0",
    ),
    "epoch_steps": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, epoch_steps: 1.5")),
        "line 4  recipe.epoch_steps: must be a whole number of at least 0, got 1.5",
    ),
    "label_smoothing": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, label_smoothing: 1")),
        "line 4  recipe.label_smoothing: must lie in [0, 1), got 1.0",
    ),
    "ema_decay": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, ema_decay: on")),
        "line 4  recipe.ema_decay: must lie in [0, 1), got true",
    ),
    "mixup": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, mixup: -1")),
        "line 4  recipe.mixup: must be a finite number of at least 0, got -1.0",
    ),
    "clip_norm": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, clip_norm: .inf")),
        "line 4  recipe.clip_norm: must be a finite number of at least 0, got .inf",
    ),
    "power": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, power: 0")),
        "line 4  recipe.power: must be a finite number above 0, got 0.0",
    ),
    "decay_norms": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, decay_norms: 1")),
        "line 4  recipe.decay_norms: must be true or false, got 1",
    ),
    "compile": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, compile: 1")),
        "line 4  recipe.compile: must be true or false, got 1",
    ),
    "schedule": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, schedule: polly")),
        "line 4  recipe.schedule: must be one of constant, cosine, step, poly, got 'polly'",
    ),
    "mixed images and a method of classes": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, mixup: 0.2"), ("kd: ", "dkd: ")),
        "line 5  methods.dkd: dkd: depends on an image's one class, which recipe.mixup takes away",
    ),
    "no start for a network": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, start: published"), ("resnet8 -> tinycnn", "tinycnn -> tinycnn")),
        "line 3  pairs: no weights of 'cifar_tinycnn' are published; set recipe.start: random, or name a network that",
    ),
    # resources
    "loaders": (PICTURES + "resources: {loaders: -1}\n", "line 7  resources.loaders: must be at least 0, got -1"),
    "half a loader": (
        PICTURES + "resources: {loaders: 0.5}\n",
        "line 7  resources.loaders: must be a whole number, got 0.5",
    ),
    # pixels
    "mixup of pixels": (changed(SCENES, ("start", "mixup: 0.2, start")), f"line 4  recipe.mixup: {OF_PIXELS}"),
    "label_smoothing of pixels": (
        changed(SCENES, ("start", "label_smoothing: 0.2, start")),
        f"line 4  recipe.label_smoothing: {OF_PIXELS}",
    ),
    "a teacher's mixup of pixels": (
        SCENES + "teachers: {deeplabv3_resnet18: {recipe: {mixup: 0.2}}}\n",
        f"line 7  teachers.deeplabv3_resnet18.recipe.mixup: {OF_PIXELS}",
    ),
    "a teacher's named recipe on pixels": (
        SCENES + "teachers: {deeplabv3_resnet18: {recipe: {base: transformer, start: random}}}\n",
        f"line 7  teachers.deeplabv3_resnet18.recipe.label_smoothing: {OF_PIXELS}",
    ),
    "features of pixels": (
        changed(SCENES, ("kd: ", "fitnet: ")),
        "line 5  methods.fitnet: fitnet: cityscapes has classes of pixels: methods of logits alone",
    ),
    "a combination with features of pixels": (
        changed(SCENES, ("kd: ", "both: {method: [kd, at]}")),
        "line 5  methods.both: at: cityscapes has classes of pixels: methods of logits alone",
    ),
    "one scene a step": (
        changed(SCENES, ("batch_size: 2", "batch_size: 1")),
        "line 4  recipe.batch_size: must be at least 2 on cityscapes, got 1: networks for pixels normalise over",
    ),
    "a network of images on pixels": (
        changed(SCENES, ("pspnet_mobilenetv2", "timm:resnet18")),
        "line 3  pairs: 'timm:resnet18' names classes of images, cityscapes asks for a class for every pixel",
    ),
    "a network of pixels on pictures": (
        changed(PICTURES, ("resnet8 -> tinycnn", "resnet8 -> deeplabv3_resnet18")),
        "line 3  pairs: 'deeplabv3_resnet18' names classes of pixels, imagefolder asks for one class for an image",
    ),
    "a network of pixels on small images": (
        changed(SMALL, ("resnet8 -> tinycnn", "deeplabv3_resnet18 -> tinycnn")),
        "line 3  pairs: 'deeplabv3_resnet18' names classes of pixels, cifar100 asks for one class for an image",
    ),
}


@pytest.mark.parametrize("case", ONE_LINE)
def test_a_broken_rule_is_one_line(case: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "check_weights_files", lambda *_: {})
    (folder / "teacher.pth").write_bytes(b"weights")
    text, expected = ONE_LINE[case]
    lines = told(folder, text)[1:]
    assert len(lines) == 1 and lines[0].startswith(expected), lines


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
            assert recipes.exceptions(name, network).keys() <= {"learning_rate"}
