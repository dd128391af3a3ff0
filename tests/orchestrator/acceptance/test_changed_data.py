"""A picture in the place of another one of its name and size is told."""

import os
from pathlib import Path

import pytest

import run_sweep
from tests.search_spaces.sweep_texts import write
from tests.search_spaces.sweeps.test_splits import FIXED
from tests.trainers.layouts import write_imagefolder

PICTURE = "train/kind_01/2.png"


def test_a_replaced_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_imagefolder(tmp_path / "pictures", classes=3, per_class=4, size=20)
    write(tmp_path, FIXED.replace("BATCH", "4").replace("kd: ", "").replace("ce: , ", "ce: "))
    home = tmp_path / "home"
    arguments = ["run", str(tmp_path / "sweep.yaml"), "--workers", "0", "--home", str(home)]
    assert run_sweep.main(arguments) == 0
    assert "changed since" not in capsys.readouterr().out
    run_sweep.main(["doctor", "--data", "--home", str(home)])
    assert "ok pictures   few: as they were when it was accepted" in capsys.readouterr().out
    path = tmp_path / "pictures" / PICTURE
    before = path.stat()
    content = bytearray(path.read_bytes())
    other = tmp_path / "other.png"
    other.write_bytes(bytes(content))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))  # as rsync and cp -p do
    other.replace(path)
    assert run_sweep.main(arguments) == 0
    assert f"note: imagefolder: {PICTURE} changed since" in capsys.readouterr().out
    assert run_sweep.main(["doctor", "--data", "--home", str(home)]) == 1
    assert f"!! pictures   few: imagefolder: {PICTURE} changed since" in capsys.readouterr().out
