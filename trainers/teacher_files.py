"""Teachers that come from a file: the field's checkpoints, and safetensors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainers import models
from trainers.tensor_files import load_tensors, save_tensors

WRAPPERS = ("model", "state_dict")
PARALLEL_PREFIX = "module."
SHOWN_DIFFERENCES = 3
SCALARS = ("float64", "float32", "float16", "int64", "int32", "bool")
"""Kinds of numpy scalars that may lie beside the weights."""


def import_weights(source: Path, target: Path) -> None:
    """Read a checkpoint and keep its weights as safetensors.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no state dict, or things that only executing it could load.
    """
    save_tensors(target, read_weights(source), {"source": source.name})


def check_weights(
    source: Path, model: str, *, classes: int, channels: int, arguments: Mapping[str, Any] | None = None
) -> None:
    """Find out whether the weights in a file fit a network.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no weights, or those of another network; names the first keys that differ.
    """
    found = {name: tuple(tensor.shape) for name, tensor in read_weights(source).items()}
    network = models.create(model, classes=classes, channels=channels, arguments=arguments)
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    missing = [f"{name} is missing" for name in expected if name not in found]
    strange = [f"{name} is not in the network" for name in found if name not in expected]
    shapes = [
        f"{name} is {list(found[name])}, the network's is {list(shape)}"
        for name, shape in expected.items()
        if found.get(name, shape) != shape
    ]
    differences = [*missing, *strange, *shapes]
    if differences:
        shown = "; ".join(differences[:SHOWN_DIFFERENCES])
        raise ValueError(f"{source} does not fit {model}: {shown} ({len(differences)} differences)")


def read_weights(source: Path) -> dict[str, Tensor]:
    """Return the state dict in a safetensors or torch file, without executing anything that is in it."""
    try:
        if source.suffix == ".safetensors":
            return load_tensors(source)[0]
        with torch.serialization.safe_globals(_numpy_scalars()):
            content = torch.load(source, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f"{source} is not a checkpoint that can be loaded safely: {error}") from error
    for name in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    return _state_dict(source, content)


def _state_dict(source: Path, content: Any) -> dict[str, Tensor]:
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ValueError(f"{source} holds no state dict (names and tensors)")
    return {str(name).removeprefix(PARALLEL_PREFIX): value for name, value in content.items()}


def _numpy_scalars() -> list[Any]:
    """The field's checkpoints keep their accuracy as a numpy scalar; NumPy 1 gave its maker another name."""
    import numpy as np

    make = np._core.multiarray.scalar  # type: ignore[attr-defined]
    kinds = [type(np.dtype(name)) for name in SCALARS]
    return [make, (make, "numpy.core.multiarray.scalar"), np.dtype, *kinds]
