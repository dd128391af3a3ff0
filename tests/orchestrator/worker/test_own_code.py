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
dataset: digits100
networks: {mine: {from: ./net.py:Net, width: 4}}
pairs: tinyresnet -> mine
recipe: {base: digits, epochs: 1, epoch_steps: 2}
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


def test_a_worker_that_never_sees_the_files_trains_what_was_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sweep"
    folder.mkdir()
    (folder / "net.py").write_text(NET)
    (folder / "parts.py").write_text("from torch import nn\n\nHead = nn.Linear\n")
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
    monkeypatch.setattr(own.code, "_provided", {})  # as in a process that has read no sweep
    (report,) = run_order(Order.from_text(text))
    assert report.ending == "COMPLETE", report.reason
    assert 0 < report.values["train_loss"] < 10
