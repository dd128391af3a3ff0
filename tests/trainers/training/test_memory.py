"""A trial's memory is its own increase, whatever its process holds or has held besides."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainers.tiny import new_store, run, student_trial
from trainers.training.distill import Training
from trainers.training.memory import MemoryMeter
from trainers.training.turns import Turns
from trainers.views.shared import Sharing

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


# --- several that take turns --------------------------------------------------------------------------------------


class Gpu:
    """An allocator of numbers."""

    def __init__(self) -> None:
        self.now = self.most = self.reserved = self.most_reserved = 0
        self.kept = 0
        """By graphs."""

    def take(self, count: int) -> None:
        self.now += count
        self.most = max(self.most, self.now)
        self.reserved = max(self.reserved, self.now + self.kept)
        self.most_reserved = max(self.most_reserved, self.reserved)

    def memory_stats_as_nested_dict(self, device: torch.device) -> dict[str, Any]:
        return {
            "allocated_bytes": {"all": {"current": self.now, "peak": self.most}},
            "reserved_bytes": {"all": {"current": self.reserved, "peak": self.most_reserved}},
        }

    def reset_peak_memory_stats(self, device: torch.device) -> None:
        self.most, self.most_reserved = self.now, self.reserved

    def empty_cache(self) -> None:
        self.reserved = self.now + self.kept


class Member:
    """A trial that keeps some bytes and needs some more in each step."""

    def __init__(self, gpu: Gpu, kept: int, needed: int) -> None:
        self.gpu, self.kept, self.needed = gpu, kept, needed
        self.meter = MemoryMeter(torch.device("cuda"), gpu)
        gpu.take(kept)
        self.meter.end()

    def step(self, more: int = 0) -> None:
        with self.meter.turn():
            self.gpu.take(self.needed)
            self.gpu.take(more - self.needed)


def test_on_a_gpu_each_of_several_has_the_peak_that_it_has_alone() -> None:
    sizes = {"small": (100, 50), "large": (200, 5000), "again": (100, 50)}
    alone = {}
    for name, size in sizes.items():
        gpu = Gpu()
        gpu.take(1000)  # data and teacher
        one = Member(gpu, *size)
        for momentum in (30, 0, 0):  # that the optimiser makes in the first step
            one.step(momentum)
        alone[name] = one.meter.metrics(alone=True)
        del one
    assert alone["small"] == {"peak_memory_bytes": 180, "held_memory_bytes": 1000}
    gpu = Gpu()
    gpu.take(1000)
    members = {name: Member(gpu, *size) for name, size in sizes.items()}
    for momentum in (30, 0, 0):
        for one in members.values():
            one.step(momentum)
    assert {name: one.meter.metrics(alone=False) for name, one in members.items()} == alone
    gpu.take(-130)
    del members["small"], one  # it ends first: what the next one finds is not the others' memory
    assert Member(gpu, 1, 1).meter.held_bytes == 1000


def test_what_a_graph_keeps_counts_though_it_is_not_allocated() -> None:
    gpu = Gpu()
    gpu.take(1000)
    gpu.take(5000)
    gpu.take(-5000)  # what a trial before left with the allocator
    meter = MemoryMeter(torch.device("cuda"), gpu, graphs=True)
    assert meter.held_bytes == 1000
    gpu.take(100)
    gpu.take(300)
    gpu.take(-300)
    gpu.kept = 300
    gpu.take(50)  # a step by itself, beside the graph
    meter.sample()
    assert meter.peak_bytes == 450


def test_every_step_of_a_training_is_a_turn_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Training, "_images", property(lambda _training: 256))
    store, share, log = new_store(tmp_path), Sharing(), []
    begun = {name: Training(student_trial(name), store, device=CPU, share=share) for name in ("ce", "kd")}
    for name, training in begun.items():
        turn, gradients = training.memory.turn, training._gradients

        @contextlib.contextmanager
        def noted(name: str = name, turn: Any = turn) -> Iterator[None]:
            log.append(("begins", name))
            with turn():
                yield
            log.append(("ends", name))

        def stepping(*given: Any, name: str = name, gradients: Any = gradients) -> Any:
            assert log[-1] == ("begins", name)
            return gradients(*given)

        training.memory.turn = noted  # type: ignore[method-assign]
        training._gradients = stepping  # type: ignore[method-assign]
    cohort = Turns({name: training.steps() for name, training in begun.items()})
    while cohort.round():
        pass
    assert not cohort.errors
    assert [word for word, _ in log] == ["begins", "ends"] * (len(log) // 2)
    assert all(first[1] == second[1] for first, second in zip(log[::2], log[1::2], strict=True))
    assert [{"peak_memory_bytes", "held_memory_bytes"} & one.summary().keys() for one in begun.values()] == [set()] * 2
