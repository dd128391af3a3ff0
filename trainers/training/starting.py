"""What a training starts from: the student's first weights, and the optimiser."""

from collections.abc import Collection
from typing import Any

import torch
from timm.optim import param_groups_weight_decay
from torch import nn

from trainers import models
from trainers.files.store import Store
from trainers.files.tensor_files import load_tensors
from trainers.models.start import load_start
from trainers.trials.randomness import from_stream
from trainers.trials.recipe import Recipe
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


def new_optimizer(recipe: Recipe, student: nn.Module, method: nn.Module) -> torch.optim.Optimizer:
    """Return the optimiser of the student's and the method's parameters."""
    parameters: Any = [*student.parameters(), *method.parameters()]
    if not recipe.decay_norms and recipe.weight_decay:
        named: Collection[str] = getattr(student, "no_weight_decay", tuple)()
        parameters = [
            group
            for module, kept in ((student, named), (method, ()))
            for group in param_groups_weight_decay(module, recipe.weight_decay, no_weight_decay_list=kept)
            if group["params"]
        ]
    common: dict[str, Any] = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay, "fused": True}
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, **common)
    return torch.optim.SGD(parameters, momentum=recipe.momentum, nesterov=recipe.nesterov, **common)
