"""A trial's memory is its own increase, whatever its process holds or has held besides."""

from pathlib import Path

import pytest
import torch

from tests.trainers.tiny import new_store, run, student_trial
from trainers.training.distill import Training
from trainers.training.memory import MemoryMeter

MIB = 2**20
CPU = torch.device("cpu")
SLACK = 24 * MIB
"""Of the allocator's arenas, and of the system, which counts pages in batches for each thread."""


def filled(mebibytes: int) -> torch.Tensor:
    return torch.ones(mebibytes * MIB, dtype=torch.uint8)


def test_what_is_held_before_does_not_count() -> None:
    neighbour = filled(300)
    meter = MemoryMeter(CPU)
    meter.sample()
    assert meter.peak_bytes < SLACK
    assert meter.held_bytes > neighbour.nbytes
    own = filled(100)
    meter.sample()
    assert abs(meter.peak_bytes - own.nbytes) < SLACK


def test_what_others_left_with_the_allocator_does_not_hide_what_is_taken() -> None:
    small = [torch.ones(2000) for _ in range(20_000)]  # 160 MB in pieces that the allocator keeps when they are free
    keep = small[-1]
    del small
    meter = MemoryMeter(CPU)
    own = [torch.ones(2000) for _ in range(20_000)]
    meter.sample()
    assert len(own) + len(keep) > 0
    assert abs(meter.peak_bytes - 20_000 * 8000) < SLACK + 20_000 * 800


def test_a_peak_inside_a_step_is_seen() -> None:
    meter = MemoryMeter(CPU)
    activations = filled(100)
    meter.sample_step()
    del activations
    meter.sample()
    assert abs(meter.peak_bytes - 100 * MIB) < SLACK


def test_mapped_files_do_not_count(tmp_path: Path) -> None:
    import numpy as np

    path = tmp_path / "logits.bin"
    path.write_bytes(bytes(100 * MIB))
    meter = MemoryMeter(CPU)
    mapped = np.memmap(path, dtype=np.uint8, mode="r")
    assert mapped[::4096].sum() == 0
    meter.sample()
    assert meter.peak_bytes < SLACK


def test_a_trial_takes_the_same_alone_and_beside_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Training, "_images", property(lambda _training: 256))
    store = new_store(tmp_path)
    run(student_trial("kd"), store)  # what is read once a process is there from now on
    alone = run(student_trial("kd"), store)[-1].summary()
    neighbour = filled(200)
    beside = run(student_trial("kd"), store)[-1].summary()
    assert beside["held_memory_bytes"] - alone["held_memory_bytes"] > neighbour.nbytes - SLACK
    assert 0 < alone["peak_memory_bytes"] < 200 * MIB
    assert abs(beside["peak_memory_bytes"] - alone["peak_memory_bytes"]) < SLACK
