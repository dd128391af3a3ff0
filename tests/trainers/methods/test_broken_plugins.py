"""Plug-ins that are not whole: they break nothing but themselves, and who uses them is told why in one line."""

import dataclasses
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, Any

import pytest
import torch
from torch import nn

import run_sweep
from search_spaces import SweepFileError, describe_plan, expand, read, restore
from tests.search_spaces.sweep_texts import SMALL, write
from trainers import methods
from trainers.methods import Couples, Method, Needs, Problem, Range, Setting
from trainers.methods.kd import KD_METHOD

SHARED: dict[str, Any] = {"ce_weight": 1.0, "weight": 1.0, "warmup_epochs": 0.0}


def fields(**given: Any) -> type[Any]:
    """Return a dataclass of hyperparameters with these defaults; `...` stands for none."""
    made = [(n, type(v), dataclasses.field(default=v)) if v is not ... else (n, float) for n, v in given.items()]
    return dataclasses.make_dataclass("Hyper", made, frozen=True, kw_only=True)


def a_loss(student: Any, teacher: Any, **own: Any) -> Any:
    return (student - teacher).square().mean()


def no_default(student: Any, teacher: Any, *, sharpness: float) -> Any:
    return a_loss(student, teacher)


def raising(*_: Any, **__: Any) -> Any:
    raise KeyError("nothing\x1b[31m\nhere")


def record(**changes: Any) -> Method:
    given: dict[str, Any] = {
        "name": "mine", "version": 1, "hyperparameters": fields(**SHARED), "loss": a_loss, "needs": Needs.LOGITS,
        "summary": "mine", "source": "mine",
    }  # fmt: skip
    return Method(**given | changes)


def without(name: str) -> type[Any]:
    return fields(**{key: value for key, value in SHARED.items() if key != name})


@dataclass(frozen=True, kw_only=True)
class Strange:
    low: Annotated[float, Range(ge=1)] = 0.0
    ce_weight: float = 1.0
    weight: float = 1.0
    warmup_epochs: float = 0.0


def leave() -> None:
    raise SystemExit(3)


def syntax() -> None:
    compile("def", "its.py", "exec")


BROKEN: dict[str, tuple[Callable[[], object], str]] = {
    "import error": (lambda: __import__("no_such_package_here"), "ModuleNotFoundError: No module named 'no_such_pack"),
    "exit": (leave, "it cannot be loaded: SystemExit: 3"),
    "syntax": (syntax, "it cannot be loaded: SyntaxError"),
    "control characters": (raising, r"KeyError: 'nothing\x1b[31m\nhere'"),
    "a class": (lambda: Method, "it gives no trainers.methods.Method, but the class Method"),
    "nothing": (lambda: None, "it gives no trainers.methods.Method, but a NoneType"),
    "a name that is taken": (lambda: KD_METHOD, "it is named 'kd', as another method is"),
    "a name with a sign": (lambda: record(name="kd+mine"), "its name must be a word without '+'"),
    "a name of another type": (lambda: record(name=5), "its name must be text without control characters, got 5"),
    "a version of another type": (lambda: record(version="1"), "its version must be a whole number from 1 to 999"),
    "needs of another type": (lambda: record(needs="logits"), "its needs must be one of trainers.methods.Needs"),
    "no ce_weight": (lambda: record(hyperparameters=without("ce_weight")), "it lacks the hyperparameter ce_weight"),
    "no weight": (lambda: record(hyperparameters=without("weight")), "it lacks the hyperparameter weight"),
    "no warm-up": (
        lambda: record(hyperparameters=without("warmup_epochs")),
        "it lacks the hyperparameter warmup_epoch",
    ),
    "a weight in words": (
        lambda: record(hyperparameters=fields(**{**SHARED, "weight": "much"})),
        "it lacks the hyperparameter weight, a number that every method has",
    ),
    "no default": (
        lambda: record(hyperparameters=fields(tau=..., **SHARED)),
        "its hyperparameter tau has no default",
    ),
    "no dataclass": (
        lambda: record(hyperparameters={"weight": 1}),
        "its hyperparameters must be a trainers.methods.Hyperparameters or a dataclass, got a dict",
    ),
    "a type that is none": (
        lambda: record(hyperparameters=fields(extra=b"bytes", **SHARED)),
        "its hyperparameter extra must be a bool, int, float, str",
    ),
    "a default out of its range": (
        lambda: record(hyperparameters=Strange),
        "the default of its hyperparameter low must",
    ),
    "a key of entries": (
        lambda: record(hyperparameters=fields(method="a", **SHARED)),
        "the name of a key of every ent",
    ),
    "a loss that is none": (lambda: record(loss=5), "its loss must be a function, got a int"),
    "no loss": (lambda: record(loss=None), "it has neither loss, term nor module"),
    "a loss of other settings": (
        lambda: record(loss=no_default),
        "its loss does not take its hyperparameters: missing",
    ),
    "rules that raise": (lambda: record(rules=raising), "its rules fails: KeyError"),
    "rules that give nothing": (lambda: record(rules=lambda *_: None), "its rules fails: TypeError"),
    "rules that give texts": (lambda: record(rules=lambda *_: ["no"]), "its rules must give a list of Problem"),
    "rules against its defaults": (lambda: record(rules=lambda *_: [Problem("weight", "is wrong")]), "is wrong"),
    "dead that gives others": (lambda: record(dead=lambda *_: ["other"]), "its dead must give names of hyperparam"),
    "settle that raises": (lambda: record(settle=raising), "its settle fails: KeyError"),
}


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return a function that makes installed packages offer what these functions return, by the plug-ins' names."""
    found: list[EntryPoint] = []
    module = types.ModuleType("their_package")

    def __getattr__(name: str) -> object:  # noqa: N807 (of the module)
        if name.removeprefix("of_") not in made:
            raise AttributeError(name)
        return made[name.removeprefix("of_")]()

    made: dict[str, Callable[[], object]] = {}
    module.__getattr__ = __getattr__
    monkeypatch.setitem(sys.modules, "their_package", module)

    def offer(**plugins: Callable[[], object]) -> None:
        made.update(plugins)
        found.extend(EntryPoint(name, f"their_package:of_{name}", "kdsweep.methods") for name in plugins)
        monkeypatch.setattr(methods, "entry_points", lambda *, group: list(found))
        methods.forget_plugins()

    yield offer
    monkeypatch.undo()
    methods.forget_plugins()


def refusal(folder: Path, entry: str) -> str:
    with pytest.raises(SweepFileError) as caught:
        read(write(folder, SMALL.replace("kd:", entry)))
    (problem,) = caught.value.problems
    return problem.message


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plug_in_breaks_nothing_but_itself(case: str, install, tmp_path: Path, capsys, monkeypatch) -> None:
    make, why = BROKEN[case]
    install(mine=make, good=lambda: record(name="good"))
    monkeypatch.chdir(tmp_path)
    write(tmp_path, SMALL.replace("kd:", "good:"))
    assert run_sweep.main(["plan", "sweep.yaml"]) == 0
    assert run_sweep.main(["methods"]) == 0
    assert why in capsys.readouterr().out
    assert run_sweep.main(["methods", "mine"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("'mine' is no method here: the plug-in their_package:of_mine cannot be used: ")
    assert why in line
    for entry in ("mine:", "row: {method: mine}", "row: {method: [gdkd, mine]}"):
        assert refusal(tmp_path, entry) == line


def test_doctor_names_it(install, tmp_path: Path, capsys) -> None:
    install(mine=leave, good=lambda: record(name="good"))
    assert run_sweep.main(["doctor", "--home", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "ok plug-ins   methods of other packages: good" in out
    assert "!! plug-ins   the plug-in their_package:of_mine cannot be used: it cannot be loaded: SystemExit: 3" in out


def test_two_of_one_name_are_both_unusable(install, tmp_path: Path) -> None:
    install(one=record, two=record)
    assert "mine" not in methods.names()
    message = refusal(tmp_path, "mine:")
    assert "their_package:of_one cannot be used: it is named 'mine', and so is their_package:of_two" in message


def fussy(values: Any, _classes: int | None) -> list[Problem]:
    return [Problem("weight", "is one")] if 1 / (values["weight"] - 2) > 1e9 else []


def test_rules_that_fail_at_some_value_are_told_at_the_entry(install, tmp_path: Path) -> None:
    install(mine=lambda: record(rules=fussy))
    assert describe_plan(expand(read(write(tmp_path, SMALL.replace("kd:", "mine:")))))
    assert refusal(tmp_path, "mine: {weight: 2}") == (
        "the plug-in their_package:of_mine: its rules fails: ZeroDivisionError: float division by zero"
    )


@pytest.mark.parametrize(
    ("loss", "why"),
    [
        (raising, "fails on logits of 4 images: KeyError"),
        (lambda student, teacher: student - teacher, "fails on logits of 4 images: RuntimeError"),
        (lambda student, teacher: 5.0, "fails on logits of 4 images: AttributeError"),
        (lambda student, teacher: (student - teacher).sum() / 0, "on logits of 4 images is"),
    ],
)
def test_a_loss_that_fails_is_told_before_anything_starts(install, tmp_path: Path, loss: Any, why: str) -> None:
    install(mine=lambda: record(loss=loss))
    assert why in refusal(tmp_path, "mine:")
    assert why in refusal(tmp_path, "row: {method: [kd, mine]}")


class Failing(nn.Module):
    def forward(self, *_: Any) -> Any:
        raise RuntimeError("in forward")


class Counting(nn.Module):
    """A module that keeps to the contract, and asks for all that it may know."""

    def __init__(self, _values: Any, setting: Setting) -> None:
        super().__init__()
        assert setting.classes is not None and setting.labels is not None and setting.class_weights is not None
        self.factor = nn.Parameter(torch.ones(setting.classes))

    def forward(self, student: Any, teacher: Any, target: Any, epoch: int) -> Any:
        assert len(student.images) == len(target) and epoch >= 1
        return ((student.logits - teacher.logits) * self.factor).square().mean(), {}


def of_maps(_values: Any, student: Any, teacher: Any, _target: Any) -> Any:
    """Compare features as some do, who take it that a ReLU ends each stage."""
    assert len(student.preacts) == len(student.maps)
    return (student.maps[-1].mean((1, 2, 3)).sqrt() - teacher.vector.mean(1).log()).mean(), {}


@pytest.mark.parametrize("needs", [Needs.LOGITS, Needs.FEATURES])
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"module": raising}, "KeyError"),
        ({"module": lambda *_: Failing()}, "RuntimeError: in forward"),
        ({"module": lambda *_: 5}, "TypeError"),
        ({"term": raising}, "KeyError"),
        ({"term": lambda *_: 7}, "TypeError"),
    ],
)
def test_a_module_or_term_that_fails_is_told_before_anything_starts(
    install, tmp_path: Path, needs: Needs, change: dict[str, Any], why: str
) -> None:
    install(mine=lambda: record(loss=None, needs=needs, **change))
    seen = "answers to" if needs is Needs.FEATURES else "logits of"
    for entry in ("mine:", "row: {method: [kd, mine]}"):
        message = refusal(tmp_path, entry)
        assert f"the loss of the plug-in 'mine' fails on {seen} 4 images: {why}" in message
        assert "\n" not in message


@pytest.mark.parametrize(
    "change",
    [{"module": Counting}, {"module": Counting, "needs": Needs.FEATURES}, {"term": of_maps, "needs": Needs.FEATURES}],
)
def test_one_that_works_is_planned_and_moves_no_random_numbers(install, tmp_path: Path, change: dict[str, Any]) -> None:
    install(mine=lambda: record(loss=None, **change))
    before = torch.get_rng_state()
    for entry in ("mine:", "row: {method: [kd, mine]}"):
        assert expand(read(write(tmp_path, SMALL.replace("kd:", entry))))
    assert torch.equal(torch.get_rng_state(), before)


def of_a_batch(_values: Any, student: Any, teacher: Any, _target: Any) -> Any:
    """Compare every image with the mean of its batch."""
    ours, theirs = (student.vector, teacher.vector) if hasattr(student, "vector") else (student, teacher)
    return (ours - ours.mean(0)).square().mean() * (theirs - theirs.mean(0)).square().mean(), {}


@pytest.mark.parametrize("needs", [Needs.LOGITS, Needs.FEATURES])
@pytest.mark.parametrize("entry", ["mine:", "row: {method: [kd, mine]}"])
def test_ranks_hold_a_record_to_what_it_says_of_a_batch(install, tmp_path: Path, entry: str, needs: Needs) -> None:
    install(mine=lambda: record(loss=None, term=of_a_batch, needs=needs))
    alone = SMALL.replace("kd:", entry)
    assert expand(read(write(tmp_path, alone)))
    several = alone + "resources: {ranks: 2}\n"
    with pytest.raises(SweepFileError) as caught:
        read(write(tmp_path, several))
    (problem,) = caught.value.problems
    assert "the plug-in 'mine' compares images with one another, which its couples does not say" in problem.message
    says = Couples.VECTORS if needs is Needs.FEATURES else Couples.LOGITS
    true = dataclasses.replace(methods.get("mine"), couples=says)
    install(other=lambda: dataclasses.replace(true, name="other"))
    assert expand(read(write(tmp_path, several.replace("mine", "other"))))


class Careful(nn.Module):
    """Drops out, has a gradient that is 0 but for rounding, and asks for the maps and both last layers."""

    def __init__(self, _values: Any, setting: Setting) -> None:
        super().__init__()
        self.heads, self.dropout = setting.both_heads("mine"), nn.Dropout(0.5)
        self.offset = nn.Parameter(torch.zeros(()))

    def forward(self, student: Any, teacher: Any, target: Any, epoch: int) -> Any:
        (ours, _), (theirs, _) = (head() for head in self.heads)
        said = (student.vector @ ours.T + self.offset).log_softmax(1)
        apart = (student.maps[-1].mean((2, 3)).mean(1) - teacher.maps[-1].mean((2, 3)).mean(1)).square().mean()
        return apart - (self.dropout(said) * (teacher.vector @ theirs.T).softmax(1)).sum(1).mean(), {}


class Later(nn.Module):
    """Compares images with one another from the second epoch on."""

    def __init__(self, *_: Any) -> None:
        super().__init__()

    def forward(self, student: Any, teacher: Any, target: Any, epoch: int) -> Any:
        ours = student.logits - (student.logits.mean(0) if epoch > 1 else 0.0)
        return (ours - teacher.logits).square().mean(), {}


def test_ranks_find_what_begins_later(install, tmp_path: Path) -> None:
    install(mine=lambda: record(loss=None, module=Later))
    with pytest.raises(SweepFileError, match="compares images with one another"):
        read(write(tmp_path, SMALL.replace("kd:", "mine:") + "resources: {ranks: 2}\n"))


@pytest.mark.parametrize(
    "change",
    [
        {"loss": a_loss},
        {"loss": None, "module": Counting},
        {"loss": None, "module": Careful, "needs": Needs.FEATURES},
        {"loss": None, "term": of_maps, "needs": Needs.FEATURES},
    ],
)
def test_ranks_take_one_whose_images_are_each_for_itself(install, tmp_path: Path, change: dict[str, Any]) -> None:
    install(mine=lambda: record(**change))
    assert expand(read(write(tmp_path, SMALL.replace("kd:", "mine:") + "resources: {ranks: 2}\n")))


def test_a_sweep_that_was_accepted_can_be_looked_at_whatever_its_loss_does_now(install, tmp_path: Path) -> None:
    asked = []

    def once(student: Any, teacher: Any) -> Any:
        asked.append(len(student))
        return a_loss(student, teacher) if len(asked) == 1 else raising()

    install(mine=lambda: record(loss=once))
    sweep = expand(read(write(tmp_path, SMALL.replace("kd:", "mine:"))))
    assert [row.label for row in restore(sweep.resolved).rows] == [row.label for row in sweep.rows]
    assert asked == [4]


def test_a_record_without_source_or_texts_is_whole(install, tmp_path: Path) -> None:
    install(mine=record)
    assert {field.name for field in methods.get("mine").fields()} == set(SHARED)
    assert list(methods.lines_of(methods.get("mine")))
