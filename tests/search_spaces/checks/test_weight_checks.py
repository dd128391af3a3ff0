"""Weights of given teachers are looked at when a sweep file is read: by `plan` and by `run`."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from search_spaces import SweepFileError, expand, read, restore
from tests.search_spaces.sweep_texts import SMALL, write
from trainers import models

GIVEN = SMALL + "teachers: {tinyresnet: {checkpoint: weights.pth}}\n"
WHERE = "line 8  teachers.tinyresnet.checkpoint: "


def state(classes: int = 100) -> dict[str, Tensor]:
    return models.create("cifar_tinyresnet", classes=classes, channels=1).state_dict()


def _nan(path: Path) -> None:
    weights = state()
    weights["fc.bias"][0] = torch.nan
    torch.save(weights, path)


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a directory": (Path.mkdir, "must be a file, '{path}' is a directory"),
    "a pipe": (os.mkfifo, "must be a file, '{path}' is a named pipe"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "must be a file, '{path}' is a device"),
    "nothing": (Path.touch, "'{path}' is empty"),
    "other classes": (
        lambda path: torch.save(state(5), path),
        "'{path}' does not fit cifar_tinyresnet: fc.weight is [5, ",
    ),
    "a network": (
        lambda path: torch.save(models.create("cifar_tinyresnet", classes=100, channels=1), path),
        "'{path}' is not a checkpoint that can be loaded safely: it holds a whole network, trainers.models.digits",
    ),
    "not a number": (_nan, "'{path}' holds weights that are not finite: fc.bias (1 of "),
}


@pytest.mark.parametrize("planning", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_used_is_told_before_anything_starts(case: str, planning: bool, tmp_path: Path) -> None:
    make, expected = CASES[case]
    make(tmp_path / "weights.pth")
    with pytest.raises(SweepFileError) as caught:
        read(write(tmp_path, GIVEN), planning=planning)
    (line,) = [line.strip() for line in str(caught.value).splitlines()[1:]]
    assert line.startswith(WHERE + expected.format(path=tmp_path / "weights.pth"))
    assert "weights_only" not in line and len(line) < 500


def test_a_file_that_is_not_there_is_taken_for_granted_in_plans_alone(tmp_path: Path) -> None:
    path = write(tmp_path, GIVEN)
    assert read(path, planning=True).assumed == (f"teachers.tinyresnet: no such file: '{tmp_path / 'weights.pth'}'",)
    with pytest.raises(SweepFileError, match="no such file"):
        read(path)


def test_how_weights_lay_in_their_file_is_kept(tmp_path: Path) -> None:
    inside = {f"module.student.{name}": value for name, value in state().items()}
    torch.save({"net": inside, "args": argparse.Namespace(lr=1)}, tmp_path / "weights.pth")
    sweep = expand(read(write(tmp_path, GIVEN)), capability=lambda: None)
    assert [plan.reading for plan in sweep.teachers] == ["under 'net', without the prefix 'module.student.'"]
    assert restore(sweep.resolved, folder=tmp_path).teachers == sweep.teachers
    torch.save(state(), tmp_path / "weights.pth")
    plain = expand(read(write(tmp_path, GIVEN)), capability=lambda: None)
    assert [plan.reading for plan in plain.teachers] == [""] and "readings" not in plain.resolved["facts"]


def test_two_networks_of_one_file_are_told(tmp_path: Path) -> None:
    cnn = models.create("cifar_tinycnn", classes=100, channels=1).state_dict()
    torch.save({"teacher": state(), "student": cnn}, tmp_path / "weights.pth")
    text = GIVEN.replace("pairs: tinyresnet -> tinycnn", "pairs: [tinyresnet -> tinycnn, tinycnn -> tinycnn]")
    text = text.replace("weights.pth}", "weights.pth}, tinycnn: {checkpoint: weights.pth}")
    with pytest.raises(SweepFileError, match=r"tinycnn\.checkpoint: is the file of 'tinyresnet', too, which is anoth"):
        read(write(tmp_path, text))
