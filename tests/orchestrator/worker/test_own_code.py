"""Code of somebody's own goes with each order: a worker needs no file of it, and trains what the sweep was accepted
with."""

from pathlib import Path

import pytest

from orchestrator.sweep_run.drive import Orders
from orchestrator.worker.attempts import Attempt
from orchestrator.worker.worker import Order, run_order
from search_spaces import expand, read
from trainers import own

TEXT = """
name: own
datasets: {noise: {from: ./data.py:make, classes: 3}}
networks: {mine: {from: ./net.py:Net, width: 4}}
pairs: resnet20 -> mine
recipe: {base: quick, epochs: 1, epoch_steps: 2, batch_size: 8}
methods: {ce: }
seeds: 1
"""
NET = """
from torch import nn
from parts import Head

class Net(nn.Module):
    def __init__(self, num_classes, in_chans, width):
        super().__init__()
        self.one = nn.Conv2d(in_chans, width, 3, 2)
        self.head = Head(width, num_classes)
    def forward(self, x):
        return self.head(self.one(x).mean((2, 3)))
"""

DATA = """
import numpy as np

def make(classes):
    images = np.random.default_rng(0).integers(0, 256, (10 * classes, 8, 8), dtype=np.uint8)
    labels = np.arange(10 * classes) % classes
    return {"train_images": images, "train_labels": labels, "test_images": images[:6], "test_labels": labels[:6]}
"""


def test_a_worker_that_never_sees_the_files_trains_what_was_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sweep"
    folder.mkdir()
    (folder / "net.py").write_text(NET)
    (folder / "parts.py").write_text("from torch import nn\n\nHead = nn.Linear\n")
    (folder / "data.py").write_text(DATA)
    file = folder / "own.yaml"
    file.write_text(TEXT)
    sweep = expand(read(file))
    (member,) = sweep.fixed
    attempt = Attempt(
        key=member.key, number=1, trial=member.trial, phase="fixed", sweep="own", keep_weights=False, bank=True
    )
    text = Orders([sweep], tmp_path / "home")(attempt).to_text()
    (folder / "net.py").write_text("raise RuntimeError('changed meanwhile')")
    (folder / "parts.py").unlink()
    (folder / "data.py").unlink()
    monkeypatch.setenv("KDSWEEP_DATA", str(tmp_path))  # with it what has been read is forgotten
    monkeypatch.setattr(own.code, "_provided", {})  # as in a process that has read no sweep
    (report,) = run_order(Order.from_text(text))
    assert report.ending == "COMPLETE", report.reason
    assert 0 < report.values["train_loss"] < 10
