"""The optimiser of a training, and its rate."""

from collections.abc import Collection
from typing import Any

import torch
from timm.optim import param_groups_weight_decay
from torch import Tensor, nn

from trainers import methods
from trainers.training.steps.loss_parts import loss_parts
from trainers.training.steps.momenta import PartedSGD
from trainers.trials.recipe import Recipe


def new_optimizer(recipe: Recipe, student: nn.Module, method: methods.BuiltMethod) -> torch.optim.Optimizer:
    """Return the optimiser of the student's and the method's parameters.

    Where parts of the loss have momenta of their own, the method is told to give them apart.
    """
    parameters: Any = [*student.parameters(), *method.parameters()]
    if not recipe.decay_norms and recipe.weight_decay:
        named: Collection[str] = getattr(student, "no_weight_decay", tuple)()
        parameters = [
            group
            for module, kept in ((student, named), (method, ()))
            for group in param_groups_weight_decay(module, recipe.weight_decay, no_weight_decay_list=kept)
            if group["params"]
        ]
    graphed = recipe.compile == "graph"
    rate = torch.tensor(recipe.learning_rate, device=next(student.parameters()).device) if graphed else None
    common: dict[str, Any] = {
        "lr": recipe.learning_rate if rate is None else rate,
        "weight_decay": recipe.weight_decay,
        "fused": True,
    }
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, capturable=graphed, **common)
    parts = loss_parts(recipe, method.method, method.values)
    if parts:
        optimizer = PartedSGD(
            parameters,
            lr=recipe.learning_rate,
            parts=parts,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.nesterov,
        )
        method.apart = optimizer.names
        return optimizer
    return torch.optim.SGD(parameters, momentum=recipe.momentum, nesterov=recipe.nesterov, **common)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all parameters."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):  # which a graph reads
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate
