"""Which teacher a training has, and what its method asks of it."""

import torch

from trainers import methods
from trainers.files.store import Store
from trainers.teachers.frozen import FrozenTeacher, frozen_teacher
from trainers.trials.trial import Trial, teacher_name
from trainers.views.device_data import DeviceData


def new_teacher(trial: Trial, data: DeviceData, store: Store, device: torch.device) -> FrozenTeacher | None:
    """Return the trial's teacher, ready to answer; None where it has none."""
    return None if trial.teacher is None else frozen_teacher(trial.teacher, store, data, device)


def sees_strong(trial: Trial) -> bool:
    """Return whether the trial's method compares a strong view of each image, too."""
    return methods.get(trial.method).sees_strong(trial.hyperparameters)


def tapped_teacher(trial: Trial) -> str:
    """Return the name of the teacher that is asked for more than logits; empty where none is."""
    if trial.teacher is None or methods.get(trial.method).needs is not methods.Needs.FEATURES:
        return ""
    return teacher_name(trial.teacher)
