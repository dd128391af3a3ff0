"""Data sets of somebody's own in sweep files: what they become, and what is said of those that cannot be read."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from search_spaces import restore
from tests.search_spaces.sweep_texts import SMALL, sweep_of, told
from trainers import data
from trainers.own import plugins

MAKE = """
import numpy as np
def make(classes=3, seed=0):
    random = np.random.default_rng(seed)
    def part(count):
        return random.integers(0, 256, (count * classes, 16, 16), dtype=np.uint8), np.arange(count * classes) % classes
    return part(8), part(2)
def raising():
    raise OSError("no disk")
def nothing():
    pass
def by_name():
    return dict(zip(("x_train", "y_train", "x_test", "y_test"), (*make()[0], *make()[1])))
def by_chance():
    return make(seed=None)
def leaving():
    raise SystemExit(3)
def numbered():
    return {1: 2}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data.py").write_text(MAKE)
    return tmp_path


def with_data(line: str) -> str:
    return (
        SMALL.replace("dataset: digits100", f"datasets: {{{line}}}")
        .replace("tinyresnet", "resnet20")
        .replace("tinycnn", "resnet8")
    )


def test_content_arguments_and_views_decide_the_key_and_the_code_does_not(folder: Path):
    first = sweep_of(folder, with_data("mine: './data.py:make'"))
    assert (first.datasets[0].info.classes, first.datasets[0].info.channels) == (3, 1)
    keys = [member.key for member in first.fixed]
    (folder / "data.py").write_text(MAKE + "# said otherwise\n")
    assert [one.key for one in sweep_of(folder, with_data("mine: {from: './data.py:make', seed: 0}")).fixed] == keys
    for changed in ("seed: 1", "flip: off", "pad: 1", "classes: 4"):
        other = sweep_of(folder, with_data(f"mine: {{from: './data.py:make', {changed}}}"))
        assert not {*keys} & {one.key for one in other.fixed}, changed


def test_a_sweep_is_restored_without_the_file(folder: Path):
    sweep = sweep_of(folder, with_data("mine: {from: './data.py:make', seed: 5}"))
    (folder / "data.py").unlink()
    again = restore(sweep.resolved, sweep.source, Path("/elsewhere"))
    assert again.fixed == sweep.fixed
    assert again.datasets == sweep.datasets
    assert data.describe("mine", again.datasets[0].root).digest == sweep.datasets[0].info.digest


WRONG = {
    "mine: {from: './data.py:mak'}": "mine.from: ./data.py has no 'mak'; did you mean 'make'?",
    "mine: {from: './dat.py:make'}": "mine.from: no such file: '{folder}/dat.py'; did you mean 'data.py'?",
    "mine: {from: './data.py:raising'}": "mine.from: the data set cannot be read: ./data.py:raising raises: "
    "data.py, line 9: OSError: no disk",
    "mine: {from: './data.py:nothing'}": "mine.from: the data set cannot be read: ./data.py:nothing must give "
    "train_images, train_labels, test_images, test_labels by name, or two parts, for training and for testing; "
    "got a NoneType",
    "mine: {from: './data.py:make', size: 8}": "mine.from: the data set cannot be read: ./data.py:make: size cannot be "
    "set of arrays; make them so, or give a Dataset of pictures",
    "mine: {from: './data.py:by_name', size: 8}": "mine.from: the data set cannot be read: ./data.py:by_name: size "
    "cannot be set of arrays; make them so, or give a Dataset of pictures",
    "mine: {from: './data.py:by_chance'}": "mine.from: the data set cannot be read: ./data.py:by_chance gives another "
    "data set each time: seed its random numbers",
    "mine: {from: './data.py:leaving'}": "mine.from: the data set cannot be read: ./data.py:leaving raises: data.py, "
    "line 17: SystemExit: 3",
    "mine: {from: './data.py:numbered'}": "mine.from: the data set cannot be read: ./data.py:numbered: train_images is "
    "missing (it must have train_images, train_labels, test_images, test_labels, got 1)",
    "mine: {from: './data.py:make', sed: 3}": "mine.sed: ./data.py:make does not take it; did you mean 'seed'?",
    "mine: {from: './data.npz'}": "mine.from: the data set cannot be read: no such file: '{folder}/data.npz'",
    "mine: {from: './x', lable: a}": "mine.lable: unknown key; did you mean 'label'?",
    "cifar10: './data.npz'": "cifar10: 'cifar10' names a data set of ours; call yours otherwise",
    "digits100: {flp: off}": "digits100.flp: unknown key; did you mean 'flip'?",
    "mine: {form: ./ok.npz}": "mine.form: unknown key; did you mean 'from'?",
    "digits100: {size: abc}": "digits100.size: must be a number of pixels or [height, width], got 'abc'",
    "digits100: {augment: randaugment}": "digits100.augment: must be a list, got 'randaugment'; write it as "
    "[randaugment]",
    "mine: {flip: off}": "mine: unknown data set 'mine' (all: run_sweep.py datasets)",
    "digits100: {pad: 99}": "digits100.pad: must be at most 64, got 99",
}


def test_what_code_prints_is_kept_apart_from_what_was_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]):
    text = "print('loaded')\n" + MAKE.replace("return part(8)", "print('made'); return part(8)")
    (folder / "data.py").write_text(text)
    sweep_of(folder, with_data("mine: './data.py:make'"))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert {"loaded", "made"} <= {*printed.err.split()}


@pytest.mark.parametrize("line", WRONG)
def test_what_cannot_be_read_is_told_with_its_line(folder: Path, line: str):
    assert told(folder, with_data(line))[1:] == [f"line 2  datasets.{WRONG[line].format(folder=folder)}"]


def test_a_name_of_code_at_the_top_gets_a_way_out(folder: Path):
    (line,) = told(folder, SMALL.replace("digits100", "./data.py:make"))[1:]
    assert line.endswith("give one of your own a name: datasets: {mine: ./data.py:make}")


def test_plug_ins_are_known_by_name_and_broken_ones_told_in_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch):
    name = f"own_data_{folder.name}".replace("-", "_")
    (folder / f"{name}.py").write_text(MAKE)
    monkeypatch.syspath_prepend(folder)
    entries = [EntryPoint(one, f"{name}:{one}", plugins.DATASETS) for one in ("make", "gone")]
    monkeypatch.setattr(plugins, "entry_points", lambda *, group: entries if group == plugins.DATASETS else [])
    for line in ("make: ", "make: {seed: 0}"):
        assert sweep_of(folder, with_data(line)).datasets[0].info.classes == 3
    (line,) = told(folder, with_data("gone: "))[1:]
    assert line.startswith(f"line 2  datasets.gone: the plug-in {name}:gone cannot be used: {name} has no 'gone'")
