"""Checkpoints of a trial in training: a safetensors file that holds all that the epochs so far have left behind."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from trainers.files.tensor_files import load_tensors, save_tensors
from trainers.trials.trial import trial_key

if TYPE_CHECKING:
    from trainers.training.distill import Training

STUDENT, AVERAGE, METHOD, OPTIMIZER = "student.", "average.", "method.", "optimizer."


def save_checkpoint(path: Path, training: "Training") -> None:
    """Write the state of the training, atomically."""
    tensors = {STUDENT + name: tensor for name, tensor in training.student.state_dict().items()}
    if training.average is not None:
        tensors |= {AVERAGE + name: tensor for name, tensor in training.average.module.state_dict().items()}
    tensors |= {METHOD + name: tensor for name, tensor in training.method.state_dict().items()}
    tensors |= _optimizer_tensors(training.optimizer)
    metadata = {
        "trial_key": trial_key(training.trial),
        "history": training.history,
        "teacher_images": training.teacher_images,
        "peak_memory_bytes": training.memory.peak_bytes,
    }
    save_tensors(path, tensors, metadata)


def load_checkpoint(path: Path | None, training: "Training") -> None:
    """Put the training into the state that `save_checkpoint` wrote; None leaves it at its start.

    Of several ranks the first one reads the file, and all go on from what it holds, whatever they were told.

    Raises:
        OSError, safetensors.SafetensorError: the file is missing or damaged.
        ValueError: it is of another trial.
    """
    found = load_tensors(path) if path is not None and training.ranks.is_first else None
    found = training.ranks.firsts(found)
    if found is None:
        return
    tensors, metadata = found
    if metadata.get("trial_key") != trial_key(training.trial):
        raise ValueError(f"{path} is a checkpoint of another trial")
    training.student.load_state_dict(_part(tensors, STUDENT))
    if training.average is not None:
        training.average.module.load_state_dict(_part(tensors, AVERAGE))
    training.method.load_state_dict(_part(tensors, METHOD))
    _restore_optimizer(training.optimizer, _part(tensors, OPTIMIZER))
    content: dict[str, Any] = metadata
    training.history[:] = content["history"]
    training.teacher_images += int(content["teacher_images"])
    training.memory.peak_bytes = int(content["peak_memory_bytes"])


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
    return {
        f"{OPTIMIZER}{index}.{name}": torch.as_tensor(value)
        for index, values in state.items()
        for name, value in values.items()
        if value is not None
    }


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    content = optimizer.state_dict()
    for path, tensor in tensors.items():
        index, name = path.split(".", 1)
        content["state"].setdefault(int(index), {})[name] = _laid_out_like(parameters[int(index)], tensor)
    optimizer.load_state_dict(content)


def _laid_out_like(parameter: Tensor, tensor: Tensor) -> Tensor:
    """Return the tensor in the parameter's memory format: the fused optimisers go through both side by side, and a
    file keeps no formats."""
    if tensor.shape != parameter.shape:
        return tensor
    return torch.empty_like(parameter, dtype=tensor.dtype, device="cpu").copy_(tensor)
