"""What a training starts from: the student's first weights, and the method with its own parts."""

import torch
from torch import Tensor, nn

from trainers import methods, models
from trainers.files.store import Store
from trainers.files.tensor_files import load_tensors
from trainers.models.start import load_start
from trainers.models.taps import Taps, tap
from trainers.ranks.ranks import Ranks
from trainers.teachers.frozen import FrozenTeacher
from trainers.training.teaching.teacher import tapped_teacher
from trainers.trials.randomness import from_stream
from trainers.trials.streams import stream_seed
from trainers.trials.trial import Trial
from trainers.views.device_data import DeviceData


def new_student(trial: Trial, data: DeviceData, store: Store, device: torch.device) -> nn.Module:
    """Return the student with initial weights that depend on role, seed and network, never on the method.

    Raises:
        FileNotFoundError: the weights that it starts from are not in the store.
        ValueError: they are of another network.
    """

    def make() -> nn.Module:
        info = data.info
        return models.create(trial.student, classes=info.classes, channels=info.channels, arguments=trial.student_args)

    names = (trial.role, trial.seed, trial.student)
    student = from_stream(make, "weights", *names)
    if trial.initial:
        weights, _ = load_tensors(store.fetched(store.weights(trial.initial)))
        load_start(student, weights, trial.student, trial.student_args)
    return student.to(device).to(memory_format=torch.channels_last)


def network_of(
    trial: Trial, student: nn.Module, data: DeviceData, teacher: FrozenTeacher | None, ranks: Ranks
) -> nn.Module:
    """Return what is trained of the student: itself, or the network that the method makes of it."""
    make = methods.get(trial.method).network
    if make is None or teacher is None:
        return student
    taps = tap(student, example(data))
    setting = _setting(trial, data, teacher, taps, ranks)
    names = (trial.role, trial.seed, trial.method)
    network: nn.Module = from_stream(lambda: make(student, taps, setting), "network", *names)
    return network.to(data.train_targets.device).to(memory_format=torch.channels_last)


def new_taps(trial: Trial, student: nn.Module, data: DeviceData) -> Taps | None:
    """Return the student's taps where the method compares more than logits."""
    return tap(student, example(data)) if tapped_teacher(trial) else None


def example(data: DeviceData, size: tuple[int, int] | None = None) -> Tensor:
    """Return zeros [1, C, H, W] of the shape of an input, on the data's device."""
    info = data.info
    height, width = size or (info.size, info.width)
    return torch.zeros(1, info.channels, height, width, device=data.train_targets.device)


def new_method(
    trial: Trial, data: DeviceData, teacher: FrozenTeacher | None, taps: Taps | None, ranks: Ranks
) -> methods.BuiltMethod:
    """Return the method with its own parts on the device; what they start from depends on role, seed and method."""
    setting = _setting(trial, data, teacher, taps, ranks)

    def make() -> methods.BuiltMethod:
        return methods.build(trial.method, setting, **trial.hyperparameters)

    names = ("method", trial.role, trial.seed, trial.method)
    return from_stream(make, *names).to(data.train_targets.device)


def _setting(
    trial: Trial, data: DeviceData, teacher: FrozenTeacher | None, taps: Taps | None, ranks: Ranks
) -> methods.Setting:
    """Return what is known of the training before its first batch.

    Args:
        taps: of the student.
    """
    teachers = None
    if taps is not None and teacher is not None:
        teachers = teacher.taps(example(data, teacher.size))
    return methods.Setting(
        student=None if taps is None else taps.shape,
        teacher=None if teachers is None else teachers.shape,
        classes=data.info.classes,
        epochs=trial.recipe.epochs,
        labels=data.train_targets[: data.info.trained_on(trial.split)].cpu(),
        class_weights=None if teacher is None else teacher.class_weights(),
        heads=None if taps is None or teachers is None else (taps.head, teachers.head),
        seed=stream_seed("method's draws", trial.role, trial.seed, trial.method),
        ranks=ranks if ranks.size > 1 else None,
    )


def learned(network: nn.Module) -> int:
    """Return how many numbers of a network are learned."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
