"""The sweeps that are shipped: each can be planned without its data, says what it stands beside, and runs."""

import csv
import functools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import yaml
from torch import nn

import orchestrator
import search_spaces
from reports.published import figures as published_figures
from search_spaces import Plan, Sweep
from tests.trainers import layouts
from trainers import methods
from trainers.models import pretrained, start

FOLDER = Path(search_spaces.__file__).parent
QUICKSTART = "quickstart"
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != "recipes")
OF_PAPERS = [name for name in SHIPPED if name != QUICKSTART]
MOST_LINES = 50
ALIKE = {
    "gdkd_terms",
    "gdkd_weights",
    "ls_combinations",
    "dynamic_partition",
    "cub200",
    "imagenet",
    "cifar100_cross_family",
    "topk_rivals",
    "heterogeneous_224",
}
"""Planned as another one is: by the slow suite alone."""
PLANNED = [pytest.param(name, marks=pytest.mark.slow) if name in ALIKE else name for name in SHIPPED]


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.yaml"


@functools.cache
def planned(name: str) -> tuple[Sweep, Plan]:
    file = search_spaces.read(path_of(name), planning=True)
    sweep = search_spaces.expand(file)
    return sweep, search_spaces.describe_plan(sweep, assumed=file.assumed)


def head_of(name: str) -> str:
    lines = path_of(name).read_text().splitlines()
    return "\n".join(line for line in lines if line.startswith("#"))


@pytest.fixture(autouse=True)
def _nothing_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No data set and no published weights of this machine is found."""
    monkeypatch.delenv("KDSWEEP_DATA", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.mark.parametrize("name", PLANNED)
def test_can_be_planned_without_its_data(name: str, tmp_path: Path) -> None:
    sweep, plan = planned(name)
    assert sweep.name == name.replace("_", "-")
    assert plan.work.gpu_hours > 0
    assert plan.disk.weights_bytes > 0
    assert bool(plan.assumed) == (name != QUICKSTART)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", OF_PAPERS)
def test_says_what_it_stands_beside(name: str) -> None:
    sweep, _ = planned(name)
    wanted = {
        published_figures.published_method(row.method, standardized=bool(row.hyperparameters.get("standardize")))
        for row in sweep.rows
    }
    known = {
        figure.method
        for cell in sweep.cells
        for figure in published_figures.figures(cell.dataset, *(_published(cell.dataset, one) for one in _pair(cell)))
    }
    (said,) = re.findall(r"^# Beside published: (.+)$", head_of(name), re.MULTILINE)
    assert set(said.split()) == ((wanted & known) or {"none"})
    assert "GDKD's own figures are not known to us" in head_of(name)


def _pair(cell: search_spaces.Cell) -> tuple[str, str]:
    return cell.teacher, cell.student


def _published(dataset: str, network: str) -> str:
    return published_figures.published_network(dataset, network)


@pytest.mark.parametrize("name", OF_PAPERS)
def test_says_what_it_needs_and_how_it_is_run(name: str) -> None:
    head = head_of(name)
    assert re.search(r"^# Needs: ", head, re.MULTILINE)
    assert f"#   python run_sweep.py run search_spaces/{name}.yaml" in head
    assert len(path_of(name).read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize(("name", "pairs"), [("cifar100_same_family", 7), ("cifar100_cross_family", 6)])
def test_all_methods_meet_on_cifar100(name: str, pairs: int) -> None:
    sweep, _ = planned(name)
    assert len(sweep.cells) == pairs
    assert {row.method for row in sweep.rows} == set(methods.METHODS) - {"partition"}  # gdkd and gdkd3 are of that


def test_a_file_without_features_stores_all_answers() -> None:
    _, plan = planned("gdkd_k")
    (teacher,) = plan.teachers
    assert (teacher.stored_answers, teacher.live_answers) == (50_000 * 162, 0)


def test_pixels_are_answered_in_steps() -> None:
    _, plan = planned("cityscapes")
    (teacher,) = plan.teachers
    taught = 3 * 6  # pairs, methods with a teacher
    assert (teacher.stored_answers, teacher.live_answers) == (0, taught * 40_000 * 16)
    assert plan.disk.logits_bytes == 0


@dataclass(frozen=True)
class Small:
    """How a shipped sweep is made to take seconds."""

    rows: tuple[str, str]
    """Two of its entries."""
    pair: str
    write: Callable[[Path], Any]
    """Writes its data set."""
    values: Sequence[str] = ()
    """Overrides besides those that all have; DATA stands for the folder of the data set."""


CIFAR100 = functools.partial(layouts.write_cifar100, each=2)
PICTURES = {"classes": 12, "per_class": 2, "test_per_class": 1}
SMALL_SIDE = 72
"""Pixels: above the size up to which names mean networks for small images."""


def write_imagenet(folder: Path) -> None:
    """Write pictures of as many classes as published weights are for, and the weights that lie beside imagenet.yaml."""
    layouts.write_imagenet(folder, classes=1000, per_class=2, test_per_class=1)
    torch.save(timm.create_model("torchvision_resnet50").state_dict(), folder / "resnet50.pth")


SMALL = {
    "cifar100_same_family": Small(("kd+ls", "reviewkd"), "resnet56 -> resnet20", CIFAR100),
    "cifar100_cross_family": Small(("wkd", "ofd"), "vgg13 -> mobilenetv2", CIFAR100),
    "imagenet": Small(
        ("gdkd", "crd"),
        "torchvision:resnet50 -> mobilenetv1",
        write_imagenet,
        ["teachers={torchvision:resnet50: {checkpoint: DATA/resnet50.pth}}", f"datasets.imagenet.size={SMALL_SIDE}"],
    ),
    "imagenet_transformer_teachers": Small(
        ("dkd", "gdkd3+ls"),
        "timm:deit_small_patch16_224 -> torchvision:mobilenet_v2",
        write_imagenet,
        ["teachers={timm:deit_small_patch16_224: {pretrained: on}}", f"datasets.imagenet.size={SMALL_SIDE}"],
    ),
    "tiny_imagenet": Small(
        ("kd+ls", "at"),
        "torchvision:resnet34 -> torchvision:resnet18",
        functools.partial(layouts.write_tiny_imagenet, **PICTURES),
        [f"datasets.tiny_imagenet.size={SMALL_SIDE}"],
    ),
    "cub200": Small(
        ("gdkd3", "reviewkd"),
        "torchvision:resnet50 -> timm:mobilenetv1_100",
        functools.partial(layouts.write_cub200, **PICTURES),
        [f"datasets.cub200.size={SMALL_SIDE}"],
    ),
    "cityscapes": Small(
        ("gdkd", "gdkd-dist"),
        "deeplabv3_resnet101 -> deeplabv3_mobilenetv2",
        layouts.write_cityscapes,
        ["datasets.cityscapes.size=[64, 128]", "teachers.deeplabv3_resnet101.recipe={epochs: 1, batch_size: 2}"],
    ),
    "gdkd_k": Small(("gdkd", "gdkd3"), "resnet32x4 -> resnet8x4", CIFAR100),
    "gdkd_weights": Small(("between", "rest"), "resnet32x4 -> shufflev2", CIFAR100),
    "gdkd_terms": Small(("top k", "between + rest"), "resnet32x4 -> resnet8x4", CIFAR100),
    "topk_rivals": Small(("deepkd, growing", "mkl"), "resnet32x4 -> resnet8x4", CIFAR100),
    "heterogeneous": Small(("sdd", "ofa"), "timm:vit_tiny_patch16_224 -> resnet8x4", CIFAR100),
    "heterogeneous_224": Small(
        ("ikl", "ofa"),
        "timm:deit_tiny_patch16_224 -> torchvision:resnet18",
        write_imagenet,
        ["teachers={timm:deit_tiny_patch16_224: {pretrained: on}}", f"datasets.imagenet.size={SMALL_SIDE}"],
    ),
    "ls_combinations": Small(("mlkd+ls", "dist+ls"), "resnet32x4 -> shufflev2", CIFAR100),
    "dynamic_partition": Small(
        ("gap", "best of more groups"), "vgg13 -> mobilenetv2", CIFAR100, ["search={trials: 1, epochs: 1}"]
    ),
    QUICKSTART: Small(
        ("ls-gdkd", "gdkd (tuned)"),
        "tinyresnet -> tinycnn",
        lambda _folder: None,
        ["search={trials: 1, epochs: 1}", "teachers.tinyresnet.recipe={epochs: 1}"],
    ),
}


def test_every_shipped_sweep_is_made_small() -> None:
    assert set(SMALL) == set(SHIPPED)


@pytest.fixture
def faked_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish random weights in the place of those that would be fetched."""

    def made(name: str, _way_out: str, **arguments: Any) -> nn.Module:
        network: nn.Module = timm.create_model(name, **arguments)
        return network

    monkeypatch.setattr(pretrained, "published_network", made)
    monkeypatch.setattr(start, "published_network", made)


@pytest.mark.slow  # networks of their real size, on one core
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.usefixtures("faked_weights")
def test_runs_for_two_trials_of_one_epoch(name: str, tmp_path: Path, home: Path) -> None:
    small = SMALL[name]
    small.write(tmp_path / "data")
    sweep = yaml.safe_load(path_of(name).read_text())
    entries = {row: _first_of_grids(sweep["methods"][row]) for row in small.rows}
    data = [f"datasets.{dataset}.root={tmp_path / 'data'}" for dataset in sweep.get("datasets", {})]
    overrides = [
        *(f"pairs={small.pair}", f"methods={json.dumps(entries)}", "seeds=1", "report={digits: 2}", "bank=off"),
        *("recipe.epochs=1", "recipe.epoch_steps=2", "recipe.batch_size=4", "resources={cpus: 1}", *data),
        *(value.replace("DATA", str(tmp_path / "data")) for value in small.values),
        f"teachers.{small.pair.partition(' ')[0]}.accept=true",  # two steps teach a teacher nothing
    ]
    result = orchestrator.run([path_of(name)], home=home, overrides=overrides, workers=0)
    assert result.exit_code == 0, result.problems
    with (home / "reports" / name.replace("_", "-") / "table.csv").open(newline="") as file:
        assert {line["entry"] for line in csv.DictReader(file) if line["mean"]} >= set(small.rows)


def _first_of_grids(values: Any) -> Any:
    """Return the settings of an entry with the first value of each grid."""
    return values and {
        name: value["grid"][0] if isinstance(value, dict) and "grid" in value else value
        for name, value in values.items()
    }
