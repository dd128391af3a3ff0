"""The hot loop never waits for the device: no step of training reads a number back, or makes a tensor whose size only
the device knows."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.trainers.tiny import new_store, student_trial
from trainers import methods
from trainers.files.store import Store
from trainers.training.distill import Training

WAITS = (
    torch.ops.aten._local_scalar_dense,
    torch.ops.aten.nonzero,
    torch.ops.aten.masked_select,
    torch.ops.aten._unique2,
    torch.ops.aten.unique_dim,
    torch.ops.aten.equal,
    torch.ops.aten.is_nonzero,
)
"""What makes the host wait until the device is done."""
OF_NUMBERS = (torch.ops.aten.lift_fresh,)
"""What makes a tensor of the host's numbers, which are then copied to the device."""
OF_LOGITS = [name for name in methods.names() if methods.get(name).needs is methods.Needs.LOGITS]


INDEXES = (torch.ops.aten.index, torch.ops.aten.index_put, torch.ops.aten.index_put_)


def _has_mask(indices: Any) -> bool:
    return any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in indices)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return new_store(tmp_path_factory.mktemp("home"))


class Watch(TorchDispatchMode):
    """Notes the operations that wait."""

    def __init__(self, noted: tuple[Any, ...] = WAITS) -> None:
        super().__init__()
        self._noted = noted
        self.waited: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in self._noted or (func.overloadpacket in INDEXES and _has_mask(args[1])):
            self.waited.append(str(func))
        return func(*args, **(kwargs or {}))


def waits(training: Training) -> list[str]:
    """What waits in the second of two steps: the first may look around."""
    shown = (torch.arange(32), torch.arange(32) % 25, 16)
    batches: Iterator[Any] = training.data.train.batches(*shown)
    second: Iterator[Any] = iter([None, None]) if training.strong is None else training.strong.seen.batches(*shown)
    training.student.train()
    training.method.train()
    watch = Watch()
    for number, (batch, strong) in enumerate(zip(batches, second, strict=True)):
        watch.waited.clear()
        with watch:
            training._gradients(batch, 1, None, 1, strong=strong)
            training._step(0.01)
        assert number < 2
    seen = training._seen(batch, 1, None, strong)
    with Watch(OF_NUMBERS) as copies:  # what a bank has read is the host's
        training._terms(seen)
    return watch.waited + copies.waited


def test_the_watch_sees_what_waits() -> None:
    with Watch() as watch:
        float(torch.ones(3).sum())
        torch.ones(3)[torch.tensor([True, False, True])]
    assert len(watch.waited) == 2
    with Watch(OF_NUMBERS) as watch:
        torch.ones(3).new_tensor([1.0, 2.0])
    assert len(watch.waited) == 1


@pytest.mark.parametrize("name", ["fitnet", "ofd", "crd", "reviewkd", *OF_LOGITS])
def test_a_step_waits_for_nothing(name: str, trained: Store) -> None:
    given = {"k": 5} if name in ("gdkd", "gdkd3") else {}
    trial = student_trial("kd" if name == "ce" else name, **given)
    assert waits(Training(trial, trained, device=torch.device("cpu"))) == []
