"""Every key of a sweep file: a right value and what it does to the trials, and a wrong one and what is said of it."""

import itertools
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import yaml
from pydantic import BaseModel

from search_spaces import Sweep, SweepFileError, expand, read
from search_spaces.files import schema
from search_spaces.files.yaml_lines import read_tree
from tests.trainers.layouts import write_imagefolder
from trainers import models
from trainers.files.tensor_files import save_tensors

SMALL = """\
name: small
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: cifar}
methods:
  ce:
  plain: {method: gdkd}
  by k: {method: gdkd, k: {grid: [1, 5]}}
  tuned: {method: gdkd, k: {low: 1, high: 50}, w2: {choice: [1, 8]}}
search: {trials: 20}
seeds: 3
"""


class Case(NamedTuple):
    key: str
    right: str | None
    """YAML; None: no value of this key is right here."""
    wrong: str
    """YAML; empty: the key is left out."""
    told: str


# fmt: off
# ruff: noqa: E501 (a case a line, with its message whole)
CASES = (
    Case("name", "kd-1.2_b", "KD 1", "name: must be 1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or digit, got 'KD 1'"),
    Case("dataset", "digits100", "digit100", "dataset: unknown data set 'digit100'; did you mean 'digits100'? (all: run_sweep.py datasets)"),
    Case("datasets", "{digits100: }", "{}", "datasets: must name at least one data set, got none"),
    Case("pairs", "[tinyresnet -> tinycnn, tinyresnet -> timm:resnet18]", "tinyresnet - tinycnn", "pairs: must be 'teacher -> student', got 'tinyresnet - tinycnn'"),
    Case("pairs", "tinyresnet -> tinycnn", "resnet81 -> tinycnn", "pairs: unknown model 'resnet81'; did you mean 'resnet8'? (all: run_sweep.py models)"),
    Case("teachers", "{tinyresnet: {recipe: digits-teacher}}", "{tinyresnt: }", "teachers.tinyresnt: is no pair's teacher; did you mean 'tinyresnet'?"),
    Case("recipe", "digits", "digts", "recipe: unknown recipe 'digts'; did you mean 'digits'? (known: cifar, imagenet, tiny_imagenet, cub200, cityscapes, transformer, quick, small, finetune, digits, digits-teacher)"),
    Case("methods", "{ce: , plain: {method: gdkd}, kd: }", "[ce, kd]", "methods: must be a mapping, got ['ce', 'kd']"),
    Case("methods", "{ce: }", "{gdk: }", "methods.gdk: unknown method 'gdk'; did you mean 'gdkd'? (all: run_sweep.py methods)"),
    Case("search", "{trials: 20, sampler: gp}", "20", "search: must be a mapping, got 20"),
    Case("search", "{trials: 40}", "", "search: is missing; methods.tuned.k is searched"),
    Case("seeds", "5", "0", "seeds: must be from 1 to 10000 seeds, got 0"),
    Case("seeds", "[0, 1, 7]", "[1, 1]", "seeds: must be distinct, got 1 twice"),
    Case("seeds", "{first: 4, most: 4, settle: by k}", "{most: 12, settle: ce}", "seeds.first: is missing"),
    Case("seeds.first", "4", "2", "seeds.first: must be at least 3, got 2"),
    Case("seeds.most", "20", "2.5", "seeds.most: must be a whole number, got 2.5"),
    Case("seeds.most", "3", "", "seeds.most: is missing"),
    Case("seeds.settle", "plain", "plane", "seeds.settle: unknown entry 'plane'; did you mean 'plain'? (known: ce, plain, by k, tuned, by k k=1, by k k=5)"),
    Case("seeds.settle", "by k k=5", "", "seeds.settle: is missing: name the row that all others are compared with here, or as report.proposal"),
    Case("precision", "bfloat16", "float16", "precision: must be one of auto, float32, bfloat16, got 'float16'; did you mean 'bfloat16'?"),
    Case("bank", "off", "maybe", "bank: must be on or off, got 'maybe'"),
    Case("predictions", "off", "some", "predictions: must be on or off, got 'some'"),
    Case("resources", "{cpus: 2}", "2", "resources: must be a mapping, got 2"),
    Case("report", "{digits: 2}", "wide", "report: must be a mapping, got 'wide'"),
    Case("datasets.digits100.root", "data", "5", "datasets.digits100.root: must be text, got 5"),
    Case("datasets.digits100.download", "on", "1", "datasets.digits100.download: must be on or off, got 1"),
    Case("datasets.imagefolder.size", "48", "4", "datasets.imagefolder.size: must be at least 8, got 4"),
    Case("datasets.digits100.size", None, "32", "datasets.digits100: the data set cannot be changed so: its views have the size of its images, which cannot be set"),
    Case("datasets.imagefolder.views", "4", "0", "datasets.imagefolder.views: must be at least 1, got 0"),
    Case("datasets.digits100.views", "25", "10", "datasets.digits100: the data set cannot be changed so: views: it has 25 views an image and no others, got 10"),
    Case("datasets.digits100.pad", "4", "65", "datasets.digits100.pad: must be at most 64, got 65"),
    Case("datasets.digits100.flip", "on", "1", "datasets.digits100.flip: must be on or off, got 1"),
    Case("datasets.mine.from", "./other.npz", "5", "datasets.mine.from: must be text, got 5"),
    Case("networks", "{mine: ./net.py:wide}", "{mine: 5}", "networks.mine: must be a mapping, got 5"),
    Case("networks.mine.from", "./net.py:wide", "5", "networks.mine.from: must be text, got 5"),
    Case("datasets.imagefolder.augment", "[randaugment]", "[rotate]", "datasets.imagefolder.augment[0]: must be one of autoaugment, randaugment, cutout, got 'rotate'"),
    Case("teachers.tinyresnet.checkpoint", "tinyresnet.safetensors", "no.pth", "teachers.tinyresnet.checkpoint: no such file: 'no.pth'"),
    Case("teachers.tinyresnet.pretrained", "off", "on", "teachers.tinyresnet.pretrained: timm has no weights of 'cifar_tinyresnet'; give checkpoint:"),
    Case("teachers.tinyresnet.recipe", "digits-teacher", "digts", "teachers.tinyresnet.recipe: unknown recipe 'digts'; did you mean 'digits'? (known: cifar, imagenet, tiny_imagenet, cub200, cityscapes, transformer, quick, small, finetune, digits, digits-teacher)"),
    Case("teachers.tinyresnet.variant", "strong", "weak", "teachers.tinyresnet.variant: must be one of plain, strong, got 'weak'"),
    Case("teachers.tinyresnet.size", "32", "4", "teachers.tinyresnet.size: must be at least 8, got 4"),
    Case("teachers.tinyresnet.mean", "[0.4]", "[0.4, 0.4, 0.4]", "teachers.tinyresnet.mean: must have 1 number for digits100, got 3"),
    Case("teachers.tinyresnet.std", "[0.3]", "[0]", "teachers.tinyresnet.std[0]: must be above 0, got 0"),
    Case("teachers.tinyresnet.accept", "on", "5", "teachers.tinyresnet.accept: must be on or off, got 5"),
    Case("teachers.tinyresnet", "{recipe: {epochs: 20}}", "{checkpoint: tinyresnet.safetensors, recipe: digits}", "teachers.tinyresnet.recipe: give one of checkpoint, pretrained and recipe, got checkpoint, recipe"),
    Case("recipe.base", "digits", "digts", "recipe.base: unknown recipe 'digts'; did you mean 'digits'? (known: cifar, imagenet, tiny_imagenet, cub200, cityscapes, transformer, quick, small, finetune, digits, digits-teacher)"),
    Case("recipe.epochs", "60", "1.5", "recipe.epochs: must be a whole number of at least 1, got 1.5"),
    Case("recipe.batch_size", "128", "0", "recipe.batch_size: must be a whole number of at least 1, got 0"),
    Case("recipe.optimizer", "adamw", "adam", "recipe.optimizer: must be one of sgd, adamw, dot, got 'adam'"),
    Case("recipe.dot_delta", "0.05", "-1", "recipe.dot_delta: must be a finite number of at least 0, got -1.0"),
    Case("recipe.learning_rate", "1e-2", "fast", "recipe.learning_rate: must be a finite number above 0, got 'fast'"),
    Case("recipe.momentum", "0", "1", "recipe.momentum: must lie in [0, 1), got 1.0"),
    Case("recipe.nesterov", "on", "1", "recipe.nesterov: must be true or false, got 1"),
    Case("recipe.weight_decay", "1e-4", "-1", "recipe.weight_decay: must be a finite number of at least 0, got -1.0"),
    Case("recipe.schedule", "cosine", "linear", "recipe.schedule: must be one of constant, cosine, step, poly, got 'linear'"),
    Case("recipe.milestones", "[120, 200]", "[120, 240]", "recipe.milestones: must be rising epochs between 1 and epochs - 1, got [120, 240]"),
    Case("recipe.gamma", "0.2", "0", "recipe.gamma: must be a finite number above 0, got 0.0"),
    Case("recipe.lr_warmup_epochs", "5", "-1", "recipe.lr_warmup_epochs: must be a finite number of at least 0, got -1.0"),
    Case("recipe.method_warmup_epochs", "10", ".inf", "recipe.method_warmup_epochs: must be a finite number of at least 0, got .inf"),
    Case("recipe.power", "0.5", "0", "recipe.power: must be a finite number above 0, got 0.0"),
    Case("recipe.min_learning_rate", "1e-4", "1", "recipe.min_learning_rate: must be at most learning_rate (0.05), got 1.0"),
    Case("recipe.decay_norms", "off", "1", "recipe.decay_norms: must be true or false, got 1"),
    Case("recipe.epoch_steps", "100", "-1", "recipe.epoch_steps: must be a whole number of at least 0, got -1"),
    Case("recipe.accumulate", "2", "0", "recipe.accumulate: must be a whole number of at least 1, got 0"),
    Case("recipe.clip_norm", "5", "-1", "recipe.clip_norm: must be a finite number of at least 0, got -1.0"),
    Case("recipe.label_smoothing", "0.1", "1", "recipe.label_smoothing: must lie in [0, 1), got 1.0"),
    Case("recipe.mixup", "0.2", "-1", "recipe.mixup: must be a finite number of at least 0, got -1.0"),
    Case("recipe.ema_decay", "0.999", "1", "recipe.ema_decay: must lie in [0, 1), got 1.0"),
    Case("recipe.start", "random", "imagenet", "recipe.start: must be one of random, published, got 'imagenet'"),
    Case("recipe.compile", "on", "1", "recipe.compile: must be off, on or graph, got 1"),
    Case("recipe.scale_learning_rate", "on", "1", "recipe.scale_learning_rate: must be on or off, got 1"),
    Case("recipe.precision", None, "float32", "recipe.precision: unknown key; precision is a key of the sweep"),
    Case("methods.plain.method", "dkd", "gdk", "methods.plain.method: unknown method 'gdk'; did you mean 'gdkd'? (all: run_sweep.py methods)"),
    Case("methods.plain.k", "20", "0", "methods.plain.k: must be at least 1, got 0"),
    Case("methods.plain.k", "99", "100", "methods.plain.k: must be less than the number of classes (100), got 100"),
    Case("methods.plain.k", "1", "5.0", "methods.plain.k: must be a whole number, got 5.0"),
    Case("methods.plain.k", "{grid: [5, 7]}", "[5, 7]", "methods.plain.k: takes one value; a list is written {grid: [5, 7]} (rows) or {choice: …} (search)"),
    Case("methods.plain.kl", "both", "back", "methods.plain.kl: must be one of forward, reverse, both, got 'back'"),
    Case("methods.plain.temprature", None, "4", "methods.plain.temprature: unknown hyperparameter of gdkd; did you mean 'temperature'?"),
    Case("methods.by k.k.grid", "[1, 5, 20]", "[1, 5, 1]", "methods.by k.k.grid[2]: must be distinct values, got 1 twice"),
    Case("methods.by k.k.grid", "[1]", "[]", "methods.by k.k.grid: must be a list of at least one value, got []"),
    Case("methods.tuned.k.low", "2", "50", "methods.tuned.k.low: must be below high, got low 50 and high 50"),
    Case("methods.tuned.k.high", "99", "100", "methods.tuned.k.high: must be less than the number of classes (100), got 100"),
    Case("methods.tuned.k.log", "on", "1", "methods.tuned.k.log: must be on or off, got 1"),
    Case("methods.tuned.k", "{low: 2, high: 9}", "{low: 2}", "methods.tuned.k.high: is missing"),
    Case("methods.tuned.k", "{low: 2, high: 9, log: on}", "{low: 2, hihg: 9}", "methods.tuned.k.hihg: unknown key; did you mean 'high'?"),
    Case("methods.tuned.w1", "{low: 0, high: 9}", "{low: 0, high: 9, log: on}", "methods.tuned.w1.low: must be above 0 where log is on, got 0; for values with 0 among them give {choice: [0, …]}"),
    Case("methods.tuned.w2.choice", "[1, 4, 8]", "[]", "methods.tuned.w2.choice: must be a list of at least one value, got []"),
    Case("methods.tuned.w2", "{choice: [2]}", "{choice: [2], log: on}", "methods.tuned.w2.log: unknown key (known: choice)"),
    Case("methods.tuned.temperature.search", "default", "yes", "methods.tuned.temperature.search: must be one of default, got true"),
    Case("methods.plain.ce_weight", "0.5", "{search: default}", "methods.plain.ce_weight.search: ce_weight has no default search; give {low: …, high: …} or {choice: […]}"),
    Case("methods.plain.method", "[gdkd, at]", "[gdkd, gdkd]", "methods.plain.method: a combination must be of two or more methods, each once, got gdkd, gdkd"),
    Case("methods.plain.ce_weight", "0.5", "-1", "methods.plain.ce_weight: must be at least 0, got -1"),
    Case("methods.plain.weight", "2", "{grid: [1, -1]}", "methods.plain.weight.grid[1]: must be at least 0, got -1"),
    Case("methods.plain.warmup_epochs", "10", "ten", "methods.plain.warmup_epochs: must be a number, got 'ten'"),
    Case("methods.plain.standardize", "on", "1", "methods.plain.standardize: must be on or off, got 1"),
    Case("methods.tuned.standardize", "{choice: [on, off]}", "{low: 0, high: 1}", "methods.tuned.standardize: takes on or off, not a range; use {choice: […]}"),
    Case("methods.ce.weight", None, "1", "methods.ce.weight: unknown key; ce has no hyperparameters"),
    Case("search.trials", "40", "0", "search.trials: must be at least 1, got 0"),
    Case("search.trials", "10", "", "search.trials: is missing"),
    Case("search.parallel", "8", "0", "search.parallel: must be at least 1, got 0"),
    Case("search.sampler", "gp", "tpee", "search.sampler: must be one of tpe, random, gp, got 'tpee'; did you mean 'tpe'?"),
    Case("search.pruner", "median", "hyperband", "search.pruner: must be one of median, halving, none, got 'hyperband'"),
    Case("search.epochs", "60", "999", "search.epochs: must be at most the recipe's epochs (240), got 999"),
    Case("search.confirm", "3", "21", "search.confirm: must be at most trials (20), got 21"),
    Case("search.race", "3", "0", "search.race: must be at least 1, got 0"),
    Case("search.seed", "1", "-1", "search.seed: must be at least 0, got -1"),
    Case("resources.cpus", "2", "0", "resources.cpus: must be at least 1, got 0"),
    Case("resources.gpus", "0.25", "-1", "resources.gpus: must be at least 0, got -1"),
    Case("resources.ranks", "2", "0", "resources.ranks: must be at least 1, got 0"),
    Case("resources.batch_norm", "local", "sync", "resources.batch_norm: must be one of synced, local, got 'sync'; did you mean 'synced'?"),
    Case("resources.teacher_cpus", "4", "0.5", "resources.teacher_cpus: must be a whole number, got 0.5"),
    Case("resources.loaders", "2", "-1", "resources.loaders: must be at least 0, got -1"),
    Case("resources.together", "4", "0", "resources.together: must be at least 1, got 0"),
    Case("resources.deterministic", "on", "maybe", "resources.deterministic: must be on or off, got 'maybe'"),
    Case("resources.stall_seconds", "120", "5", "resources.stall_seconds: must be at least 10, got 5"),
    Case("report.baseline", "plain", "plan", "report.baseline: unknown entry 'plan'; did you mean 'plain'? (known: ce, plain, by k, tuned, by k k=1, by k k=5)"),
    Case("report.proposal", "tuned", "tunes", "report.proposal: unknown entry 'tunes'; did you mean 'tuned'? (known: ce, plain, by k, tuned, by k k=1, by k k=5)"),
    Case("report.baseline", "by k k=5", "5", "report.baseline: must be text, got 5"),
    Case("report.digits", "2", "7", "report.digits: must be at most 6, got 7"),
    Case("report.caption", "Students of one teacher.", "5", "report.caption: must be text, got 5"),
    Case("report.names", "{by k: GDKD}", "{by kk: GDKD}", "report.names.by kk: unknown entry, network or data set 'by kk'; did you mean 'by k'? (known: ce, plain, by k, tuned, by k k=1, by k k=5, digits100, tinyresnet, tinycnn)"),
    Case("report.label", "tab:main", "tab main", "report.label: must be of a-z, A-Z, 0-9, ':', '.', '_', '/' and '-', got 'tab main'"),
    Case("report.order", "[tuned, plain]", "[tunes]", "report.order[0]: unknown entry 'tunes'; did you mean 'tuned'? (known: ce, plain, by k, tuned, by k k=1, by k k=5)"),
    Case("report.groups", "{plain: as published, tuned: searched}", "{plan: x}", "report.groups.plan: unknown entry 'plan'; did you mean 'plain'? (known: ce, plain, by k, tuned, by k k=1, by k k=5)"),
    Case("report.tables", "[head_to_head, statistics]", "[head_to_had]", "report.tables[0]: must be one of head_to_head, top5, best_epoch, cost, fidelity, statistics, search, ablations, against, compare, audit, got 'head_to_had'; did you mean 'head_to_head'?"),
    Case("report.level", "0.01", "0", "report.level: must be above 0, got 0"),
    Case("report.variances", "separate", "seperate", "report.variances: must be one of pooled, separate, got 'seperate'; did you mean 'separate'?"),
    Case("report.ablations", "[{entries: by k}]", "[{entries: by k, bas: ce}]", "report.ablations[0].bas: unknown key; did you mean 'base'?"),
    Case("report.ablations", "[]", "[{base: ce}]", "report.ablations[0].entries: is missing"),
    Case("report.ablations.entries", "[plain, tuned]", "[plan]", "report.ablations[0].entries[0]: unknown entry 'plan'; did you mean 'plain'? (known: ce, plain, by k, tuned, by k k=1, by k k=5)"),
    Case("report.ablations.base", "by k k=5", "by k k=6", "report.ablations[0].base: unknown entry 'by k k=6'; did you mean 'by k k=5'? (known: ce, plain, by k, tuned, by k k=1, by k k=5)"),
    Case("report.ablations.terms", "[w1, w2]", "[]", "report.ablations[0].terms: must hold at least 1, got none"),
    Case("report.ablations.caption", "What k is worth.", "5", "report.ablations[0].caption: must be text, got 5"),
    Case("report.ablations.label", "tab:k", "tab k", "report.ablations[0].label: must be of a-z, A-Z, 0-9, ':', '.', '_', '/' and '-', got 'tab k'"),
)
# fmt: on

SAME = ("name", "bank", "predictions", "resources", "report", "teachers.TEACHER.accept", "teachers.TEACHER.pretrained")
SAME += ("datasets.DATASET.root", "datasets.DATASET.download", "seeds.most", "seeds.settle")
MORE = ("datasets", "pairs", "methods", "seeds", "seeds.first", "search.trials", "search.confirm", "search.race")
MORE += ("methods.ENTRY.HYPERPARAMETER.grid",)
SEARCH = ("search", *(f"methods.ENTRY.HYPERPARAMETER.{end}" for end in ("low", "high", "log", "choice", "search")))
NOT_TRIED = ("dataset", "datasets", "recipe.start")
"""Keys whose effect cannot be tried with one data set, and without published weights."""
PLACEHOLDERS = {"datasets": "DATASET", "networks": "NETWORK", "teachers": "TEACHER", "methods": "ENTRY"}
SHARED = ("ce_weight", "weight", "warmup_epochs", "standardize")


def general(key: str) -> str:
    """Return the key with the names that a user gives as placeholders."""
    first, *rest = key.split(".")
    if first not in PLACEHOLDERS or not rest:
        return key
    names = [first, PLACEHOLDERS[first], *rest[1:]]
    if first == "methods" and len(names) > 2 and names[2] not in ("method", *SHARED):
        names[2] = "HYPERPARAMETER"
    return ".".join(names)


def expected_effect(key: str) -> str:
    """Return what docs/sweep_file.md says that a changed value does to the trials."""
    known = general(key)
    if known in SAME or known.partition(".")[0] in SAME:
        return "same"
    if known in MORE:
        return "more"
    return "search" if known in SEARCH or known.startswith("search.") else "other"


# --- trying values --------------------------------------------------------------------------------------------------


def base_for(key: str) -> dict[str, Any]:
    """Return the file that a key is changed in: some need more than the small one has."""
    base: dict[str, Any] = read_tree(SMALL).values
    if key.startswith("datasets.imagefolder"):
        del base["dataset"]
        return base | {"datasets": {"imagefolder": {"size": 32}}}
    if key.startswith("datasets.mine"):
        del base["dataset"]
        return base | {"datasets": {"mine": {"from": "./data.npz"}}}
    if key.startswith("networks"):
        return base | {"networks": {"mine": {"from": "./net.py:Net"}}, "pairs": "tinyresnet -> mine"}
    if key in ("recipe.power", "recipe.min_learning_rate"):
        return base | {"recipe": {"base": "cifar", "schedule": "poly"}}
    if key == "recipe.dot_delta":
        return base | {"recipe": {"base": "cifar", "optimizer": "dot"}}
    if key.startswith("seeds."):
        return base | {"seeds": {"first": 3, "most": 12, "settle": "tuned"}}
    if key == "recipe.scale_learning_rate":
        return base | {"recipe": {"base": "cifar", "batch_size": 128}}
    if key in [f"teachers.tinyresnet.{name}" for name in ("size", "mean", "std")]:
        given = {"checkpoint": "tinyresnet.safetensors", "mean": [0.5], "std": [0.25]}
        return base | {"teachers": {"tinyresnet": given}}
    return base


def changed(key: str, text: str) -> dict[str, Any]:
    """Return the file with the value of one key replaced, or taken out."""
    file = base_for(key)
    value = read_tree(f"x: {text}").values["x"] if text else None
    if key == "datasets" or key.startswith("datasets.digits100"):
        file["datasets"] = {file.pop("dataset"): {}}
    *above, last = key.split(".")
    if above == ["report", "ablations"]:
        return {**file, "report": {"ablations": [{"entries": ["by k"], last: value}]}}
    holder = file
    for name in above:
        if not isinstance(holder.get(name), dict):
            holder[name] = {}
        holder = holder[name]
    if text:
        holder[last] = value
    else:
        del holder[last]
    return file


NET = """\
from torch import nn


class Net(nn.Module):
    def __init__(self, num_classes, in_chans=1, width=8):
        super().__init__()
        self.body, self.head = nn.Conv2d(in_chans, width, 3, 2, 1), nn.Linear(width, num_classes)

    def forward(self, images):
        return self.head(self.body(images).relu().mean((2, 3)))


def wide(num_classes, in_chans=1):
    return Net(num_classes, in_chans, width=16)
"""


def arrays(seed: int) -> dict[str, Any]:
    """Return a small data set: 600 images for training, as many as a search leaves enough of, and 60 for the test."""
    random, classes = np.random.default_rng(seed), 60
    found: dict[str, Any] = {}
    for part, count in (("train", 10 * classes), ("test", classes)):
        found[f"{part}_images"] = random.integers(0, 256, (count, 16, 16), dtype=np.uint8)
        found[f"{part}_labels"] = np.arange(count) % classes
    return found


def written(file: Mapping[str, Any], folder: Path) -> Path:
    if not (folder / "tinyresnet.safetensors").exists():
        network = models.create("cifar_tinyresnet", classes=100, channels=1)
        save_tensors(folder / "tinyresnet.safetensors", network.state_dict())
        (folder / "net.py").write_text(NET)
        for number, name in enumerate(("data", "other")):
            np.savez(folder / f"{name}.npz", **arrays(number))
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump(dict(file), sort_keys=False))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("keys")
    write_imagefolder(found / "data" / "imagefolder", classes=60, per_class=2, test_per_class=1)
    return found


def expanded(file: Mapping[str, Any], folder: Path) -> Sweep:
    return expand(read(written(file, folder)), capability=lambda: None)


BASES: dict[str, Sweep] = {}


def base_sweep(key: str, folder: Path) -> Sweep:
    """Return the sweep that a key is changed in; most keys have the same."""
    text = yaml.safe_dump(base_for(key))
    if text not in BASES:
        BASES[text] = expanded(base_for(key), folder)
    return BASES[text]


def effect(before: Sweep, after: Sweep) -> str:
    trials = [{(m.cell, m.row, m.seed): m.key for m in sweep.fixed} for sweep in (before, after)]
    studies = [{(s.cell, s.row): s.study_id for s in sweep.searches} for sweep in (before, after)]
    budgets = [{(s.cell, s.row): (s.trials, s.confirm, s.race) for s in sweep.searches} for sweep in (before, after)]
    if differ_where_both_have(*trials):
        return "other"
    if differ_where_both_have(*studies):
        return "search"
    return "same" if trials[0] == trials[1] and studies[0] == studies[1] and budgets[0] == budgets[1] else "more"


def differ_where_both_have(old: Mapping[Any, str], new: Mapping[Any, str]) -> bool:
    return any(old[place] != new[place] for place in old.keys() & new.keys())


# --- tests ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.key}={case.wrong}")
def test_a_wrong_value_is_told(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDSWEEP_DATA", str(folder / "data"))
    monkeypatch.chdir(folder)
    written(changed(case.key, case.wrong), folder)
    with pytest.raises(SweepFileError) as caught:
        read(Path("sweep.yaml"))
    assert [f"{one.where}: {one.message}" for one in caught.value.problems] == [case.told]


FIRST = {general(case.key): case for case in reversed(CASES) if case.right is not None}
LATER = [case for case in CASES if case.right is not None and case is not FIRST[general(case.key)]]


@pytest.mark.parametrize("case", FIRST.values(), ids=lambda case: case.key)
def test_a_right_value_does_to_the_trials_what_the_page_says(
    case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert case.right is not None
    monkeypatch.setenv("KDSWEEP_DATA", str(folder / "data"))
    before = base_sweep(case.key, folder)
    after = expanded(changed(case.key, case.right), folder)
    assert general(case.key) in NOT_TRIED or effect(before, after) == expected_effect(case.key)


@pytest.mark.parametrize("case", LATER, ids=lambda case: f"{case.key}={case.right}")
def test_other_right_values_are_taken(case: Case, folder: Path) -> None:
    assert case.right is not None
    assert expanded(changed(case.key, case.right), folder).rows


def schema_keys(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield every key of the schema by dotted path."""
    for name, field in model.model_fields.items():
        yield ".".join((*path, field.alias or name))
        inner = (*path, name, *([PLACEHOLDERS[name]] if not path and name in PLACEHOLDERS else []))
        for held in set(models_in(field.annotation)):
            if not (issubclass(held, schema.RecipeModel) and path):  # a teacher's recipe has the keys of the sweep's
                yield from schema_keys(held, inner)
    if issubclass(model, schema.EntryModel):
        shapes = (schema.Grid, schema.Range, schema.Choice, schema.DefaultSearch)
        yield from itertools.chain.from_iterable(schema_keys(s, (*path, "HYPERPARAMETER")) for s in shapes)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from models_in(part)


def test_every_key_is_tried() -> None:
    shared = {f"methods.ENTRY.{name}" for name in SHARED}
    known = {*schema_keys(schema.SweepModel), *shared, "methods.ENTRY.HYPERPARAMETER"}
    assert {general(case.key) for case in CASES} - {"teachers.TEACHER", "recipe.precision"} == known


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("seeds", "seeds: must be key=value with a dotted key, got 'seeds'"),
        ("seeds=0", "seeds: must be from 1 to 10000 seeds, got 0"),
        ("name.first=a", "name.first: name is 'small', which holds no keys"),
        ("seeds=[1", "seeds: is not YAML: expected ',' or ']', but got '<stream end>'"),
    ],
)
def test_a_wrong_override_is_told(override: str, told: str, folder: Path) -> None:
    with pytest.raises(SweepFileError) as caught:
        read(written(base_for("name"), folder), [override])
    assert [f"{one.where}: {one.message}" for one in caught.value.problems] == [told]
