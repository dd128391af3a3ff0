"""Methods of other packages: found through an entry point, held to the registry's rules."""

import dataclasses
import re
import sys
import types
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, Literal

import pytest
import torch
from torch import Tensor, nn

from tests.trainers.methods.logits import random_logits
from tests.trainers.tiny import new_store, student_trial
from trainers import methods
from trainers.methods import Choice, Method, Needs, Output, Range, Setting
from trainers.methods.kd import KD_METHOD
from trainers.training.distill import Training, distill

ROOT = Path(__file__).resolve().parents[3]
MINE = dataclasses.replace(KD_METHOD, name="mine", summary="somebody's own")


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch):
    """Return a function that makes an installed package offer this object; the registry is as before afterwards."""

    def offer(value: str) -> None:
        def entry_points(*, group: str) -> list[EntryPoint]:
            return [EntryPoint("its", value, group)] if group == "kdsweep.methods" else []

        monkeypatch.setattr(methods, "entry_points", entry_points)
        methods.forget_plugins()

    yield offer
    monkeypatch.undo()
    methods.forget_plugins()


def test_a_plug_in_comes_after_our_own_and_is_built_by_its_name(plug_in):
    plug_in(f"{__name__}:MINE")
    assert methods.names() == (*(method.name for method in methods.ALL), "mine")
    assert methods.get("mine") is MINE
    student, teacher, target = random_logits(4, 5)
    ours, theirs = (methods.build(name)(student, teacher, target, epoch=1) for name in ("kd", "mine"))
    assert ours["loss"] == theirs["loss"]


def test_without_plug_ins_there_are_our_own_only():
    assert list(methods.methods()) == [method.name for method in methods.ALL]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    sharpness: Annotated[float, Range(gt=0)] = 2.0
    """Of the differences."""
    ce_weight: Annotated[float, Range(ge=0)] = 1.0
    """Factor of the cross-entropy."""
    weight: Annotated[float, Range(ge=0)] = 3.0
    """Factor of the term."""
    warmup_epochs: Annotated[float, Range(ge=0)] = 0.0
    """Epochs over which the term rises."""


def mine_loss(student: Tensor, teacher: Tensor, *, sharpness: float) -> Tensor:
    return (student - teacher).abs().pow(sharpness).mean()


def labelled_loss(student: Tensor, teacher: Tensor, target: Tensor, *, sharpness: float) -> Tensor:
    return mine_loss(student, teacher, sharpness=sharpness) * target.float().mean()


class Projected(nn.Module):
    """Compares vectors through a projection of its own."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        student, teacher = setting.networks("projected")
        self.project = nn.Linear(student.vector, teacher.vector)

    def forward(self, student: Output, teacher: Output, _target: Tensor, _epoch: int):
        value = (self.project(student.vector) - teacher.vector).square().mean()
        return value, {"projected": value.detach()}


COMMON = {"version": 1, "hyperparameters": Mine, "summary": "somebody's own", "source": "arXiv:0000.00000"}
LOSS_ALONE = Method(name="loss_alone", loss=mine_loss, needs=Needs.LOGITS, **COMMON)
LABELLED = Method(name="labelled", loss=labelled_loss, needs=Needs.LOGITS, **COMMON)
PROJECTED = Method(
    name="projected",
    module=lambda _values, setting: Projected(setting),
    needs=Needs.FEATURES,
    kind="feature",
    inference="keeps its projection",
    **COMMON,
)


def test_a_pure_loss_is_enough_for_a_logit_method(plug_in):
    student, teacher, target = random_logits(4, 5)
    for name, loss, labels in (("LOSS_ALONE", mine_loss, ()), ("LABELLED", labelled_loss, (target,))):
        plug_in(f"{__name__}:{name}")
        built = methods.build(name.lower(), sharpness=1.5)
        result = built(student, teacher, target, epoch=1)
        expected = result["ce"] + 3.0 * loss(student, teacher, *labels, sharpness=1.5)
        torch.testing.assert_close(result["loss"], expected)
        assert name.lower() in result


def test_the_example_of_the_page_is_a_method(plug_in, monkeypatch):
    (code,) = re.findall(r"```python\n(.+?)```", (ROOT / "docs" / "methods.md").read_text(), re.DOTALL)
    page = types.ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", page)
    exec(compile(code, "docs/methods.md", "exec"), page.__dict__)
    plug_in("page:MINE")
    assert [(one.name, one.default) for one in methods.get("mine").fields()] == [
        ("power", 2.0), ("ce_weight", 1.0), ("weight", 0.5), ("warmup_epochs", 0.0), ("standardize", False),
    ]  # fmt: skip
    student, teacher, target = random_logits(4, 5)
    result = methods.build("mine", power=1)(student, teacher, target, epoch=1)
    torch.testing.assert_close(result["loss"], result["ce"] + 0.5 * (student - teacher).abs().mean())
    (problem,) = methods.get("mine").problems({"power": 0}, None)
    assert problem.message == "must be above 0, got 0"


def test_a_dataclass_is_described_and_held_to_its_ranges(plug_in):
    plug_in(f"{__name__}:LOSS_ALONE")
    method = methods.get("loss_alone")
    assert [(one.name, one.default, one.range, one.doc) for one in method.fields()] == [
        ("sharpness", 2.0, Range(gt=0), "Of the differences."),
        ("ce_weight", 1.0, Range(ge=0), "Factor of the cross-entropy."),
        ("weight", 3.0, Range(ge=0), "Factor of the term."),
        ("warmup_epochs", 0.0, Range(ge=0), "Epochs over which the term rises."),
    ]
    values = {"sharpness": 0, "weight": True, "ce_weight": "1"}
    assert [problem.message for problem in method.problems(values, None)] == [
        "must be above 0, got 0", "must be a number, got true", "must be a number, got '1'",
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    ranks: Annotated[tuple[int, ...], Range(ge=1, lt="classes")] = (2, 7)
    depth: Annotated[int, Range(gt=0.5, le=9, search=Choice((1, 2)))] = 1
    copy: Annotated[Literal[1, 2, 4], Range(search=Choice((1, 2)))] = 1
    place: Annotated[str, Range(ge=0)] = "here"
    share: Annotated[float, Range(lt="classes")] = 2.5
    ce_weight: float = 1.0
    weight: float = 1.0
    warmup_epochs: float = 0.0


def test_lists_and_ranks_of_a_dataclass(plug_in):
    method = dataclasses.replace(LOSS_ALONE, name="listed", hyperparameters=Listed)
    told = {
        ("ranks", (0, 3)): ["each item must be at least 1, got 0"],
        ("ranks", (2, 7)): ["each item must be less than the number of classes (5), got 7"],
        ("depth", 10): ["must be at most 9, got 10"],
        ("depth", 0): ["must be above 0, got 0"],
        ("copy", 3): ["must be one of 1, 2, 4, got 3"],
        ("copy", True): ["must be one of 1, 2, 4, got true"],
        ("place", "there"): [],
        ("share", 5.5): ["must be less than the number of classes (5), got 5.5"],
    }
    assert {given: method.value_problems(*given, 5) for given in told} == told
    assert method.fitted(5) == {"ranks": (2, 4)}
    assert {one.name: one.range.search for one in method.fields() if one.range} == {
        "ranks": None, "depth": Choice((1, 2)), "copy": Choice((1, 2)), "place": None, "share": None,
    }  # fmt: skip


def test_a_plug_in_with_a_module_is_trained_with_the_student_and_can_be_combined(plug_in, tmp_path):
    plug_in(f"{__name__}:PROJECTED")
    store = new_store(tmp_path)
    trial = student_trial("projected+kd")
    before = Training(trial, store, device=torch.device("cpu")).method.terms[0].inner.project.weight.clone()
    epoch = next(distill(trial, store))
    assert not torch.equal(epoch.training.method.terms[0].inner.project.weight, before)
    assert {"projected.projected", "kd.kd"} <= set(epoch.values)
    assert epoch.summary()["extra_parameters"] == before.numel() + 64 * 4
    assert methods.get("projected+kd").inference == "keeps its projection"
