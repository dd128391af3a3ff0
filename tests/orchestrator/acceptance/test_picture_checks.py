"""Broken pictures are refused by name before anything starts."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import run_sweep
from tests.search_spaces.sweep_texts import sweep_of, write
from tests.search_spaces.sweeps.test_splits import FIXED, SCENES
from tests.trainers.layouts import write_cityscapes, write_imagefolder

TEXT = FIXED.replace("BATCH", "4")
PICTURE = "train/kind_01/2.png"


def deep_greys(path: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(path)


BROKEN: dict[str, Callable[[Path], None]] = {
    "text": lambda path: path.write_text("no picture"),
    "cut in its head": lambda path: path.write_bytes(path.read_bytes()[:20]),
    "16 bits": deep_greys,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_imagefolder(tmp_path / "pictures", classes=3, per_class=4, size=20)
    write(tmp_path, TEXT)
    return tmp_path


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize("broken", ["text", "cut in its head", "16 bits"])
def test_a_broken_head(broken: str, command: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    BROKEN[broken](folder / "pictures" / PICTURE)
    home = folder / "home"
    assert run_sweep.main([command, str(folder / "sweep.yaml"), "--home", str(home)]) == 2
    told = capsys.readouterr().err
    assert "imagefolder: 1 picture is broken, nothing was started" in told
    assert PICTURE in told
    assert not (home / "ledger.db").exists()


def test_many_are_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (folder / "pictures/train").glob("*/*.png"):
        path.write_text("no picture")
    assert run_sweep.main(["plan", str(folder / "sweep.yaml"), "--home", str(folder / "home")]) == 2
    told = capsys.readouterr().err
    assert "12 pictures are broken" in told
    assert "and 2 more" in told


def test_a_cut_picture_is_found_by_decoding(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "pictures" / PICTURE
    path.write_bytes(path.read_bytes()[:-60])
    arguments = ["plan", str(folder / "sweep.yaml"), "--home", str(folder / "home")]
    assert run_sweep.main([*arguments, "--details"]) == 0
    assert "pictures imagefolder: 18 files looked at by their heads in" in capsys.readouterr().out
    assert run_sweep.main([*arguments, "--deep"]) == 2
    assert PICTURE in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["size", "colours"])
def test_label_maps(wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = write_cityscapes(tmp_path / "scenes", per_city=4, size=(64, 96))
    path = sorted(written.folder.glob("gtFine/train/*/*labelIds.png"))[0]
    with Image.open(path) as image:
        changed = image.resize((48, 32)) if wrong == "size" else image.convert("RGB")
    changed.save(path)
    write(tmp_path, SCENES)
    assert run_sweep.main(["plan", str(tmp_path / "sweep.yaml"), "--home", str(tmp_path / "home")]) == 2
    told = capsys.readouterr().err
    assert path.name in told
    assert ("32 x 48" in told) == (wrong == "size")


def test_nothing_is_said_of_data_in_memory(tmp_path: Path) -> None:
    from orchestrator import check_pictures
    from tests.search_spaces.sweep_texts import SMALL

    assert check_pictures([sweep_of(tmp_path, SMALL)]) == []
