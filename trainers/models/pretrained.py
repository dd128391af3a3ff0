"""Weights that timm publishes for its networks, fetched once and kept as safetensors beside timm's own files."""

from pathlib import Path

import timm
import torch

from trainers.models.fitting import arguments
from trainers.tensor_files import save_tensors

FOLDER = "kdsweep"
"""In the folder where torch keeps what it has fetched (TORCH_HOME)."""


def pretrained_path(name: str, size: int) -> Path:
    """Return where timm's weights of a network are kept, brought to images of `size` pixels."""
    built_for = timm.get_pretrained_cfg(name)
    tag = getattr(built_for, "tag", "") or "default"
    return Path(torch.hub.get_dir()) / FOLDER / f"{name}.{tag}-{size}.safetensors"


def fetch_pretrained(name: str, *, classes: int, channels: int, size: int) -> Path:
    """Return the file with timm's weights of a network, fetching them where they are not there yet.

    Raises:
        ValueError: timm has none, they are for another number of classes or channels, or they cannot be fetched.
    """
    built_for = timm.get_pretrained_cfg(name)
    if built_for is None or not built_for.has_weights:
        raise ValueError(f"timm has no weights of {name!r}; give checkpoint:")
    if built_for.num_classes != classes:
        rule = f"timm's weights of {name!r} are for {built_for.num_classes} classes, the data set has {classes}"
        raise ValueError(f"{rule}; give checkpoint:, or leave it out to train the teacher")
    if channels != built_for.input_size[0]:
        raise ValueError(f"timm's weights of {name!r} are for {built_for.input_size[0]} channels, got {channels}")
    path = pretrained_path(name, size)
    if not path.exists():
        given = arguments(name, classes=classes, channels=channels, size=size)
        try:
            network = timm.create_model(name, pretrained=True, num_classes=classes, **given)
        except Exception as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ValueError(f"timm's weights of {name!r} cannot be fetched ({reason}); give checkpoint:") from error
        path.parent.mkdir(parents=True, exist_ok=True)
        save_tensors(path, network.state_dict(), {"source": f"timm {name}"})
    return path
