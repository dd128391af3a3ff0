"""A disk that is full under the ledger, the checkpoints, the teacher's logits, the weights: told, and gone on from."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.world import SWEEP, World

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

MEGABYTE = 2**20
SHORT = SWEEP.replace("seeds: 2", "seeds: 1").replace("trials: 6", "trials: 3")


@pytest.fixture
def small_disk() -> Iterator["SmallDisk"]:
    disk = SmallDisk()
    yield disk
    disk.free()


class SmallDisk:
    """A file system of a given size, mounted where it is asked for."""

    def __init__(self) -> None:
        self._mounted: list[Path] = []

    def mount(self, place: Path, megabytes: int) -> Path:
        place.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("needs the right to mount a tmpfs: run as root")
        self._mounted.append(place)
        return place

    def free(self) -> None:
        for place in self._mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=False)


def fill(place: Path) -> Path:
    """Take all that is left; return the file that holds it."""
    hog = place / "hog"
    with hog.open("wb", buffering=0) as handle:
        try:
            while handle.write(b"\0" * MEGABYTE):
                pass
        except OSError:
            pass
    return hog


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    world = World(tmp_path_factory.mktemp("plain"), SHORT)
    result = world.run()
    assert result.returncode == 0, result.stdout + result.stderr
    return world.table


def test_under_everything(small_disk: SmallDisk, tmp_path: Path, plain: bytes):
    world = World(tmp_path, SHORT)
    small_disk.mount(world.home, 200)
    driver = world.start()
    hog, lines = None, []
    for line in driver.stdout:
        lines.append(line)
        if line.startswith("COMPLETE") and hog is None:
            hog = fill(world.home)
    driver.communicate()
    text = "".join(lines)
    assert driver.returncode == 1, text
    assert "Traceback" not in text
    assert re.search(r"ledger\.db cannot be (written|read): database or disk is full", text), text
    assert hog is not None
    hog.unlink()
    again = world.run()
    assert again.returncode == 0, again.stdout + again.stderr
    assert world.table == plain
    world.check()


def test_under_the_checkpoints_training_goes_on(small_disk: SmallDisk, tmp_path: Path, plain: bytes):
    world = World(tmp_path, SHORT)
    fill(small_disk.mount(world.home / "checkpoints", 1))
    result = world.run()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "no checkpoint of epoch 1 could be written" in result.stdout
    assert world.table == plain


def test_under_the_teachers_logits_the_teacher_runs_in_every_step(small_disk: SmallDisk, tmp_path: Path, plain: bytes):
    world = World(tmp_path, SHORT)
    small_disk.mount(world.home / "banks", 8)
    result = world.run()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "the teacher's logits cannot be stored" in result.stdout
    assert world.table == plain
    ((images,),) = world.rows("mlflow.db", "SELECT max(value) FROM latest_metrics WHERE key = 'teacher_images'")
    assert images > 0


def test_under_the_weights_the_trial_fails_and_is_tried_again(small_disk: SmallDisk, tmp_path: Path, plain: bytes):
    world = World(tmp_path, SHORT)
    place = small_disk.mount(world.home / "weights", 1)
    fill(place)
    result = world.run()
    assert result.returncode == 1, result.stdout + result.stderr
    assert "No space left on device" in result.stdout
    assert "faulty: 2 trials (ce, teacher) failed; the next run tries again" in result.stderr
    small_disk.free()
    again = world.run()
    assert again.returncode == 0, again.stdout + again.stderr
    assert world.table == plain
