"""Networks of somebody's own in sweep files: what they become, and what is said of those that cannot be trained."""

import textwrap
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch

from search_spaces import expand, read, restore
from tests.search_spaces.sweep_texts import SMALL, sweep_of, told, write
from trainers import models
from trainers.own import plugins

NET = """
from torch import nn
from parts import head

class Net(nn.Module):
    def __init__(self, num_classes, in_chans=3, width=4, widths=(1, 2)):
        super().__init__()
        self.one = nn.Conv2d(in_chans, width, 3, 2, 1)
        self.head = head(width, num_classes)
    def forward(self, x):
        return self.head(self.one(x).relu().mean((2, 3)))

class Raising(Net):
    def __init__(self, num_classes):
        raise RuntimeError("no room\\nat all")

class Ten(Net):
    def __init__(self, num_classes):
        super().__init__(10)

class Pair(Net):
    def forward(self, x):
        return super().forward(x), x

class Nan(Net):
    def forward(self, x):
        return super().forward(x) / 0 - super().forward(x) / 0

class Detached(Net):
    def forward(self, x):
        return super().forward(x).detach()

class Half(Net):
    def forward(self, x):
        return super().forward(x).half()

class Writing(Net):
    def forward(self, x):
        return super().forward(x.mul_(0))

class Leaving(Net):
    def forward(self, x):
        raise SystemExit(3)

def leaving(num_classes):
    raise SystemExit(4)

class Unset(nn.Module):
    def __init__(self, classes):
        super().__init__()

def function(num_classes, depth):
    return 7

def number(num_classes):
    return 7
"""
PARTS = "from torch import nn\ndef head(i, o):\n    return nn.Linear(i, o)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "parts.py").write_text(PARTS)
    return tmp_path


def with_pair(student: str, networks: str = "") -> str:
    text = SMALL.replace("tinyresnet -> tinycnn", f"'tinyresnet -> {student}'")
    return text + (f"networks:\n{textwrap.indent(networks, '  ')}\n" if networks else "")


def keys(folder: Path, text: str) -> list[str]:
    return [member.key for member in sweep_of(folder, text).fixed]


def test_source_and_arguments_are_in_the_key_and_the_name_is_not(folder: Path):
    first = keys(folder, with_pair("mine", "mine: {from: './net.py:Net', width: 4}"))
    assert first == keys(folder, with_pair("other", "other: {from: './net.py:Net', width: 4}"))
    assert first != keys(folder, with_pair("mine", "mine: {from: './net.py:Net', width: 8}"))
    (folder / "unrelated.py").write_text("1")
    assert first == keys(folder, with_pair("mine", "mine: {from: './net.py:Net', width: 4}"))
    (folder / "parts.py").write_text(PARTS + "# changed\n")
    changed = keys(folder, with_pair("mine", "mine: {from: './net.py:Net', width: 4}"))
    assert not {*first} & {*changed}
    (folder / "parts.py").write_text(PARTS)
    assert first == keys(folder, with_pair("mine", "mine: {from: './net.py:Net', width: 4}"))


def test_a_sweep_is_restored_with_the_code_that_it_was_accepted_with(folder: Path):
    sweep = sweep_of(folder, with_pair("mine", "mine: {from: './net.py:Net', widths: [3, 4]}"))
    (folder / "net.py").unlink()
    again = restore(sweep.resolved, sweep.source, folder)
    assert again.fixed == sweep.fixed
    trial = again.fixed[0].trial
    assert trial.student_args["widths"] == (3, 4)
    network = models.create(trial.student, classes=7, channels=1, arguments=trial.student_args)
    assert network.head.out_features == 7
    assert network.one.in_channels == 1


def test_a_sweep_without_any_records_nothing_of_them(tmp_path: Path):
    assert "own" not in sweep_of(tmp_path, SMALL).resolved["facts"]


WRONG = {
    "./nett.py:Net": "no such file: '{folder}/nett.py'; did you mean 'net.py'?",
    "./net.py:Nett": "./net.py has no 'Nett'; did you mean 'Net'?",
    "./net.py:Raising": "./net.py:Raising raises: net.py, line 15: "
    r"RuntimeError: no room\nat all",
    "./net.py:Ten": "./net.py:Ten raises in evaluation, of images 1 x 16 x 16: net.py, line 11: "
    "RuntimeError: Given groups=1, weight of size [4, 3, 3, 3], expected input[2, 1, 16, 16] to have 3 channels, "
    "but got 1 channels instead",
    "./net.py:Pair": "./net.py:Pair must answer with logits, a tensor; in evaluation it gives a tuple",
    "./net.py:Nan": "./net.py:Nan must answer finite numbers, got some that are none in evaluation",
    "./net.py:Detached": "./net.py:Detached cannot be trained: its answer has no gradient; is there a "
    "detach or no_grad?",
    "./net.py:Half": "./net.py:Half must answer with float32, got torch.float16 in evaluation; `precision` is the "
    "sweep's",
    "./net.py:Writing": "./net.py:Writing changes its input in place, in evaluation: teacher and student share it, so "
    "copy it",
    "./net.py:Leaving": "./net.py:Leaving raises in evaluation, of images 1 x 16 x 16: net.py, line 43: SystemExit: 3",
    "./net.py:leaving": "./net.py:leaving raises: net.py, line 46: SystemExit: 4",
    "./net.py:Unset": "./net.py:Unset: it does not take num_classes, the number of classes; did you mean 'classes'?",
    "./net.py:function": "./net.py:function needs depth, which has no default",
    "./net.py:number": "./net.py:number must give a torch.nn.Module, got int",
    "./net.py:nn": "./net.py:nn must be a class or a function, got a module",
    "no_such_module:Net": "Python finds no module 'no_such_module'",
    "net:Net": "Python finds no module 'net'; did you mean './net.py:Net'?",
}


def test_what_a_network_prints_is_kept_apart_from_what_was_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]):
    prints = "def printing(num_classes):\n    print('made')\n    return Printing(num_classes)\n"
    prints += (
        "class Printing(Net):\n    def forward(self, x):\n        print('run')\n        return super().forward(x)\n"
    )
    (folder / "net.py").write_text(f"print('loaded'){NET}{prints}".replace("in_chans=3", "in_chans=1"))
    sweep_of(folder, with_pair("./net.py:printing"))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert {"loaded", "made", "run"} <= {*printed.err.split()}


@pytest.mark.parametrize("named", WRONG)
def test_what_cannot_be_trained_is_told_with_its_line(folder: Path, named: str):
    assert told(folder, with_pair(named))[1:] == [f"line 3  pairs: {WRONG[named].format(folder=folder)}"]


def test_an_answer_of_other_classes_is_told_with_both_numbers(folder: Path):
    (folder / "net.py").write_text(NET.replace("super().__init__(10)", "super().__init__(10, 1)"))
    (line,) = told(folder, with_pair("mine", "mine: ./net.py:Ten"))[1:]
    assert line == (
        "line 9  networks.mine: ./net.py:Ten must answer [2, 100] for "
        "2 images of 100 classes, got [2, 10] in evaluation"
    )


def test_weights_of_an_own_teacher_fit_or_are_refused_by_the_name_that_the_file_has(folder: Path):
    for width in (4, 5):
        weights = {
            "one.weight": torch.zeros(width, 1, 3, 3),
            "one.bias": torch.zeros(width),
            "head.weight": torch.zeros(100, width),
            "head.bias": torch.zeros(100),
        }
        torch.save({"model": {f"module.{name}": tensor for name, tensor in weights.items()}}, folder / f"{width}.pt")
    text = (
        SMALL.replace("tinyresnet", "./net.py:Net") + 'teachers: {"./net.py:Net": {checkpoint: 4.pt, accept: true}}\n'
    )
    teachers = [member.trial.teacher for member in sweep_of(folder, text).fixed if member.trial.teacher is not None]
    assert teachers and all(teacher.model.startswith("own_Net_") for teacher in teachers)
    (line,) = told(folder, text.replace("4.pt", "5.pt"))[1:]
    assert "/5.pt' under 'model', without the prefix 'module.' does not fit ./net.py:Net: one.weight is [5, 1" in line


def test_all_that_is_wrong_in_the_section_is_told_at_once(folder: Path):
    text = with_pair("mine", "mine: {from: './net.py:Net', widht: 4, num_classes: 3}\nother: ./net.py:Net\nnone: 3")
    assert told(folder, text)[1:] == [
        "line 9   networks.mine.widht: ./net.py:Net does not take it; did you mean 'width'?",
        "line 9   networks.mine.num_classes: is set by the data set",
        "line 10  networks.other: is in no pair",
        "line 11  networks.none: must be a mapping, got 3",
    ]
    assert told(folder, with_pair("mine", "mine: {width: 4}"))[1:] == ["line 9  networks.mine.from: is missing"]
    assert told(folder, with_pair("resnet20", "resnet20: ./net.py:Net"))[1:] == [
        "line 9  networks.resnet20: 'resnet20' names a network of ours; call yours otherwise"
    ]
    (line,) = told(folder, with_pair("mine", "mine: {from: './net.py:Net', width: {low: 1}}"))[1:]
    assert line.endswith("must be a number, a text, on or off, or a list of such, got a mapping")
    for value in (".nan", "[1, -.inf]"):
        (line,) = told(folder, with_pair("mine", f"mine: {{from: './net.py:Net', width: {value}}}"))[1:]
        assert line.startswith("line 9  networks.mine.width: must be finite, got ")
    (line,) = told(folder, with_pair("mine", "mine: net"))[1:]
    assert "must be FILE.py:NAME or MODULE:NAME" in line


def test_published_weights_of_ones_own_are_told_by_where_the_network_stands(folder: Path):
    start = with_pair("./net.py:Net") + "recipe: {start: published}\n"
    assert "line 3  pairs: no weights of './net.py:Net' are published; " in "".join(told(folder, start))
    given = with_pair("mine", "mine: ./net.py:Net").replace("tinyresnet -> mine", "mine -> tinycnn")
    for value, text in (("true", "no weights of './net.py:Net'"), ("a1", "no weights 'a1' of './net.py:Net'")):
        assert f"timm has {text}" in "".join(told(folder, f"{given}teachers: {{mine: {{pretrained: {value}}}}}\n"))


def test_a_file_that_is_no_python_is_told_with_its_line(folder: Path):
    (folder / "net.py").write_text("def net(:\n")
    assert told(folder, with_pair("./net.py:Net"))[1:] == [
        "line 3  pairs: ./net.py cannot be read: net.py, line 1: invalid syntax"
    ]
    (folder / "net.py").write_text("import torch\n1 / 0\n")
    assert told(folder, with_pair("./net.py:Net"))[1:] == [
        "line 3  pairs: ./net.py:Net cannot be loaded: net.py, line 2: ZeroDivisionError: division by zero"
    ]


def test_a_home_and_variables_stand_for_what_a_shell_puts_there(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NETS", str(folder))
    first = keys(folder, with_pair("./net.py:Net"))
    (folder / "below").mkdir()
    assert keys(folder / "below", with_pair("$NETS/net.py:Net")) == first


def offer(monkeypatch: pytest.MonkeyPatch, *offered: tuple[str, str]) -> None:
    def entry_points(*, group: str) -> list[EntryPoint]:
        return [EntryPoint(name, value, group) for name, value in offered if group == plugins.NETWORKS]

    monkeypatch.setattr(plugins, "entry_points", entry_points)


def test_plug_ins_are_known_by_name_and_broken_ones_stop_nobody_else(folder: Path, monkeypatch: pytest.MonkeyPatch):
    name = f"own_networks_{folder.name}".replace("-", "_")
    (folder / f"{name}.py").write_text("from torch import nn\ndef net(num_classes, in_chans):\n"
                                       "    return nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes))\n"
                                       "def flat(num_classes):\n"
                                       "    return nn.Sequential(nn.Flatten(), nn.Linear(256, num_classes))\n"
                                       "def classless(width):\n    return nn.Identity()\n")  # fmt: skip
    monkeypatch.syspath_prepend(folder)
    offer(monkeypatch, ("flat", f"{name}:flat"), ("gone", f"{name}:gone"), ("classless", f"{name}:classless"))
    assert keys(folder, with_pair("flat")) == keys(folder, with_pair(f"{name}:flat"))
    assert told(folder, with_pair("gone"))[1:] == [
        f"line 3  pairs: the plug-in {name}:gone cannot be used: {name} has no 'gone' (it has classless, flat, net, nn)"
    ]
    (line,) = told(folder, with_pair("classless"))[1:]
    why = f"{name}:classless: it does not take num_classes, the number of classes"
    assert line == f"line 3  pairs: the plug-in {name}:classless cannot be used: {why}"
    (line,) = told(folder, with_pair("mine", "mine: {from: flat, depth: 4}"))[1:]
    assert line.endswith(f"got 'flat', which is a plug-in: give {name}:flat")
    assert told(folder, with_pair("flatt"))[1:] == [
        "line 3  pairs: unknown model 'flatt' (all: run_sweep.py models); did you mean 'flat'?"
    ]
    sweep = expand(read(write(folder, SMALL)), capability=lambda: None)  # which names none of them
    assert sweep.own == {}
