"""Real ranks on this machine: processes that join by Gloo, do a job, and hand back what came of it."""

import dataclasses
import functools
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import torch
from torch.distributed import TCPStore

from trainers.files.store import Store
from trainers.ranks.ranks import Ranks, joined, meeting
from trainers.teachers import frozen
from trainers.training.distill import Training
from trainers.trials.trial import Trial
from trainers.views.device_data import DeviceData

T = TypeVar("T")
HOST = "127.0.0.1"
CPU = torch.device("cpu")
PATIENCE = timedelta(seconds=60)
ANSWER_SECONDS = 400.0
MOST = 3
"""Ranks of a test."""


def in_ranks(size: int, job: Callable[..., T], *arguments: object) -> list[T]:
    """Return what `job(ranks, *arguments)` returns in each of `size` processes."""
    store = meeting(HOST, size)
    answers = [_pool().submit(_join, rank, size, store.port, job, arguments) for rank in range(size)]
    return [answer.result(ANSWER_SECONDS) for answer in answers]


@functools.cache
def _pool() -> ProcessPoolExecutor:
    """Return processes that stay until the tests end, each with an interpreter of its own: one that is forked from
    where torch has been loaded may stand still, for threads are not forked."""
    return ProcessPoolExecutor(MOST, mp_context=multiprocessing.get_context("spawn"))


def _join(rank: int, size: int, port: int, job: Callable[..., T], arguments: tuple[object, ...]) -> T:
    torch.set_num_threads(1)
    store = TCPStore(HOST, port, size, is_master=False)
    with joined(rank, size, CPU, store, PATIENCE) as ranks:
        return job(ranks, *arguments)


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a training has come to."""

    history: list[dict[str, float]]
    tensors: dict[str, torch.Tensor]
    """Of the student, the moving average and the method."""


def new_training(ranks: Ranks, trial: Trial, home: Path, images: int, root: Path | None = None) -> Training:
    """Return a training in float64 of a trial on its first images, without a bank and without dropout."""
    frozen._loaded.cache_clear()  # a teacher of the process's earlier trials is in float64 by now
    fewer = type("Fewer", (Training,), {"_images": property(lambda _training: images)})
    training: Training = fewer(trial, Store(home), device=CPU, data_root=root, bank=False, ranks=ranks)
    in_float64(training)
    for module in training.student.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return training


def train(ranks: Ranks, trial: Trial, home: Path, images: int, root: Path | None = None) -> Trained:
    """Train it to its end."""
    training = new_training(ranks, trial, home, images, root)
    for _ in range(trial.recipe.epochs):
        training.train_epoch()
    return of(training)


def of(training: Training) -> Trained:
    """Return what a training has come to, apart from times."""
    told = [{name: value for name, value in one.items() if "second" not in name} for one in training.history]
    modules = {"student": training.student, "method": training.method, "scored": training.scored}
    tensors = {f"{name}.{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}
    return Trained(told, {name: tensor.clone() for name, tensor in tensors.items()})


def in_float64(training: Training) -> None:
    """Have everything that is computed be so exact that sums in another order cannot be told apart."""
    for module in (training.student, training.method, training.scored):
        module.double()
    if training.teacher is not None:
        training.teacher._model.double()
        training.teacher._logit_type = torch.float64
    if training.strong is not None:
        see = training.strong.see
        training.strong = training.strong._replace(see=lambda pixels: see(pixels).double())
        training.strong.replies._answering._logit_type = torch.float64
    training.data = training.scores._data = _seen_in_float64(training.data)


def _seen_in_float64(data: DeviceData) -> DeviceData:
    return dataclasses.replace(data, lens=lambda pixels: data.lens(pixels).double())  # type: ignore[arg-type]


def apart(one: Trained, other: Trained) -> float:
    """Return by how much two trainings differ at most: numbers relative to their size where that is above 1."""
    assert [sorted(values) for values in one.history] == [sorted(values) for values in other.history]
    assert one.tensors.keys() == other.tensors.keys()
    numbers = [
        abs(values[name] - others[name]) / max(1.0, abs(values[name]))
        for values, others in zip(one.history, other.history, strict=True)
        for name in values
    ]
    sizes = [
        float(((tensor.double() - other.tensors[name].double()).abs() / tensor.double().abs().clamp_min(1)).max())
        for name, tensor in one.tensors.items()
        if tensor.numel()
    ]
    return max([*numbers, *sizes])
