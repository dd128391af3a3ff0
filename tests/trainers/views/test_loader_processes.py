"""Processes that read pictures ahead end with the one that reads from them, even where that was killed."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.trainers.layouts import write_imagefolder

READER = """
import sys
from pathlib import Path
import torch
from trainers.views.device_data import on_device

data = on_device("imagefolder", Path(sys.argv[1]), torch.device("cpu"), "rrc16-flip", 2, loaders=2)
numbers = torch.arange(6)
for views in (data.train, data.test):
    list(views.batches(numbers, torch.zeros_like(numbers), 2))
reading = data.train.batches(numbers, torch.zeros_like(numbers), 1) if sys.argv[2] == "reading" else None
next(reading) if reading else None
print("read", flush=True)
sys.stdin.read()
"""
WAIT_SECONDS = 60


@pytest.mark.parametrize("when", ["idle", "reading"])
def test_loaders_end_with_a_killed_reader(when: str, tmp_path: Path) -> None:
    root = write_imagefolder(tmp_path / "pictures", classes=2, per_class=4, test_per_class=3, size=20).folder
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(root), when], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdin is not None
    assert reader.stdout is not None
    assert reader.stdout.readline() == "read\n"
    processes = psutil.Process(reader.pid).children(recursive=True)
    assert len(processes) >= 4  # two for each part, and who starts them
    reader.kill()
    reader.communicate()
    _, left = psutil.wait_procs(processes, timeout=WAIT_SECONDS)
    for process in left:
        process.kill()
    assert left == []
