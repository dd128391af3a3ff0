"""Sweep files on pictures and pixels: every rule broken alone is one line."""

from pathlib import Path

import pytest

from search_spaces.checks import rules as checks
from tests.search_spaces.picture_texts import PICTURES, SCENES, SMALL, changed, small_sets
from tests.search_spaces.sweep_texts import told

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
        "line 4  recipe.compile: must be off, on or graph, got 1",
    ),
    "schedule": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, schedule: polly")),
        "line 4  recipe.schedule: must be one of constant, cosine, step, poly, got 'polly'",
    ),
    "mixed images and a method of classes": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, mixup: 0.2"), ("kd: ", "dkd: ")),
        "line 5  methods.dkd: dkd: depends on an image's one class, which recipe.mixup takes away",
    ),
    "mixed images and two views": (
        changed(PICTURES, ("epochs: 2", "epochs: 2, mixup: 0.2"), ("kd: ", "mlkd: {views: {grid: [one, released]}}")),
        "line 5  methods.mlkd: mlkd: compares a weak and a strong view of an image, and recipe.mixup mixes images",
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
    "parts of pixels": (
        changed(SCENES, ("kd: ", "deepkd: ")),
        "line 5  methods.deepkd: deepkd: cityscapes has classes of pixels: methods of logits alone",
    ),
    "two views of pixels": (
        changed(SCENES, ("kd: ", "crld: ")),
        "line 5  methods.crld: crld: compares a weak and a strong view of an image, and cityscapes has no second view:",
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with small data sets in it."""
    return small_sets(tmp_path_factory.mktemp("sweeps"))


@pytest.mark.parametrize("case", ONE_LINE)
def test_a_broken_rule_is_one_line(case: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "check_weights_files", lambda *_: {})
    (folder / "teacher.pth").write_bytes(b"weights")
    text, expected = ONE_LINE[case]
    lines = told(folder, text)[1:]
    assert len(lines) == 1 and lines[0].startswith(expected), lines
