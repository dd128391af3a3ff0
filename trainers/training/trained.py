"""A network that has been trained, without the data that it was trained on."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainers import methods, models
from trainers.data import DataInfo
from trainers.files.store import Store
from trainers.files.tensor_files import load_tensors
from trainers.models.taps import tap
from trainers.teachers.frozen import load_teacher
from trainers.trials.trial import Teacher, Value


def trained_network(
    key: str,
    network: str,
    arguments: Mapping[str, Value],
    info: DataInfo,
    store: Store,
    *,
    method: str = "ce",
    teacher: Teacher | None = None,
) -> nn.Module:
    """Return a network with its final weights, on the CPU and in evaluation mode.

    It takes images [B, channels, height, width] as trainings do: float32, normalised by the mean and the standard
    deviation of the data set, or, of a teacher, by those that it was given.

    Args:
        key: of the trial that trained it, or a given teacher's id.
        network: timm's name.
        arguments: with which it takes the images.
        info: of the data set.
        method: by which it was trained: some make another network of it.
        teacher: of a student.

    Raises:
        FileNotFoundError: its weights are not in the store, or its teacher's where they are a part of it.
        RuntimeError: they are of another network.
    """
    tensors, _ = load_tensors(store.weights(key))
    made = models.create(network, classes=info.classes, channels=info.channels, arguments=arguments)
    change = methods.get(method).network
    if change is not None and teacher is not None:
        taps = tap(made, _example(info))
        theirs = tap(load_teacher(teacher, store, info, torch.device("cpu")), _example(info, teacher.size))
        heads = None if taps.head is None or theirs.head is None else (taps.head, theirs.head)
        setting = methods.Setting(student=taps.shape, teacher=theirs.shape, classes=info.classes, heads=heads)
        made = change(made, taps, setting)
    made.load_state_dict(tensors, strict=True)
    return made.eval()


def _example(info: DataInfo, size: int = 0) -> Tensor:
    return torch.zeros(2, info.channels, size or info.size, size or info.width)
