"""The benchmark of the literature, invented: 7 pairs of one architecture and 6 of two."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

from tests.reports.fake_sweep import CIFAR, RANGES, SEARCH_SEED, FakeSweep, FakeTrial, grid, row

SAME = ("resnet56 -> resnet20", "resnet110 -> resnet32", "resnet110 -> resnet20", "resnet32x4 -> resnet8x4")
SAME += ("wrn_40_2 -> wrn_16_2", "wrn_40_2 -> wrn_40_1", "vgg13 -> vgg8")
CROSS = ("resnet32x4 -> shufflev1", "wrn_40_2 -> shufflev1", "vgg13 -> mobilenetv2", "resnet50 -> mobilenetv2")
CROSS += ("resnet32x4 -> shufflev2", "resnet50 -> vgg8")
FIXED: dict[str, tuple[str, float, dict[str, Any]]] = {
    "ce": ("ce", 0.0, {}),
    "kd": ("kd", 1.8, {}),
    "dkd": ("dkd", 2.9, {}),
    "gdkd": ("gdkd", 3.2, {}),
    "dist": ("dist", 2.6, {}),
    "kd+ls": ("kd", 2.7, {"standardize": True, "temperature": 2.0}),
    "gdkd+ls": ("gdkd", 3.6, {"standardize": True}),
    "fitnet": ("fitnet", -1.0, {}),
    "at": ("at", 0.4, {}),
    "reviewkd": ("reviewkd", 2.4, {}),
    "gdkd + reviewkd with a name that is long": ("gdkd+reviewkd", 3.5, {}),
}


def thirteen_pairs(report: Mapping[str, Any] | None = None, *, grids: bool = True) -> FakeSweep:
    """Three seeds of eleven rows, a search, and grids over one and over two hyperparameters."""
    cells = tuple(f"cifar100: {pair}" for pair in (*SAME, *CROSS))
    chance = random.Random(1)
    rows = [
        row(name, method, hyperparameters=given, group=_group(method)) for name, (method, _, given) in FIXED.items()
    ]
    tuned = row("gdkd (tuned)", "gdkd", dimensions=RANGES)
    rows += [tuned]
    over_k = grid("gdkd over k", "k", (1, 5, 20, 50))
    both = [one for w1 in (0.5, 1, 2) for one in grid(f"both w1={w1}", "w2", (2, 8, 16), w1=w1)]
    both = [{**one, "entry": "both", "grid": ["w1", "w2"]} for one in both]
    rows += [*over_k, *both] if grids else []
    trials = [trial for cell in cells for trial in _cell(cell, chance, [*over_k, *both] if grids else [])]
    given = {"baseline": "kd", "digits": 2, **(report or {})}
    datasets = {"cifar100": {"classes": 100, "view_set": "pad4-crop-flip", "task": "classification"}}
    return FakeSweep("thirteen", trials, rows, cells, given, datasets)


def _group(method: str) -> str:
    return "combined" if "+" in method else "feature" if method in ("fitnet", "at", "reviewkd") else "logit"


def _cell(cell: str, chance: random.Random, grids: list[dict[str, Any]]) -> Iterator[FakeTrial]:
    base = 68 + 8 * chance.random()
    network = cell.partition(" -> ")[0]
    yield FakeTrial(row="teacher", cell=network, phase="teacher", method="ce", top1=base + 4, recipe=CIFAR, entry="")
    for name, (method, gain, given) in FIXED.items():
        yield from _seeds(name, base + gain, cell, method, given, chance)
    for number in range(8):
        given = {"k": 1 + 3 * number, "w2": 2.0 + number}
        values: dict[str, Any] = {"row": "gdkd (tuned)", "method": "gdkd", "cell": cell, "settings": given}
        yield FakeTrial(phase="search", seed=SEARCH_SEED, top1=base - 3 + chance.random(), recipe=CIFAR, **values)
    yield from _seeds("gdkd (tuned)", base + 3.9, cell, "gdkd", {"k": 7, "w2": 5.0}, chance, phase="confirm", rank=1)
    for one in grids:
        gain = 3 + 0.5 * chance.random()
        yield from _seeds(one["label"], base + gain, cell, "gdkd", one["hyperparameters"], chance, entry=one["entry"])


def _seeds(
    name: str, mean: float, cell: str, method: str, given: dict[str, Any], chance: random.Random, **more: Any
) -> Iterator[FakeTrial]:
    for seed in range(3):
        top1 = mean + chance.gauss(0, 0.2)
        values: dict[str, Any] = {"settings": given, "recipe": CIFAR, **more}
        yield FakeTrial(row=name, top1=round(top1, 2), seed=seed, cell=cell, method=method, **values)
