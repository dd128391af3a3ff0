"""Sweep files on pictures and pixels for tests, and small data sets for them."""

from pathlib import Path

from tests.trainers.layouts import write_cifar100, write_cityscapes, write_imagefolder

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


def small_sets(folder: Path) -> Path:
    """Return the folder, with data sets written into it."""
    write_imagefolder(folder / "pictures", size=20)
    write_cityscapes(folder / "scenes")
    write_cifar100(folder / "cifar", each=2)
    return folder


def changed(text: str, *changes: tuple[str, str]) -> str:
    """Return the text with other words; each must be there."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text
