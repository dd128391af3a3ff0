"""Weights that timm publishes for its networks, fetched once and kept as safetensors beside timm's own files."""

from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from trainers.model_names import OF_TORCHVISION
from trainers.models.fitting import arguments
from trainers.models.torchvision_nets import published
from trainers.tensor_files import save_tensors

FOLDER = "kdsweep"
"""In the folder where torch keeps what it has fetched (TORCH_HOME)."""


def pretrained_path(name: str, size: int) -> Path:
    """Return where timm's weights of a network are kept, brought to images of `size` pixels."""
    built_for = timm.get_pretrained_cfg(name)
    tag = getattr(built_for, "tag", "") or ("default" if built_for is not None else "published")
    return Path(torch.hub.get_dir()) / FOLDER / f"{name}.{tag}-{size}.safetensors"


def fetch_pretrained(name: str, *, classes: int, channels: int, size: int) -> Path:
    """Return the file with timm's weights of a network, fetching them where they are not there yet.

    Raises:
        ValueError: timm has none, they are for another number of classes or channels, or they cannot be fetched.
    """
    made_for = _made_for(name)
    if made_for is None:
        raise ValueError(f"timm has no weights of {name!r}; give checkpoint:")
    if made_for[0] != classes:
        rule = f"the published weights of {name!r} are for {made_for[0]} classes, the data set has {classes}"
        raise ValueError(f"{rule}; give checkpoint:, or leave it out to train the teacher")
    if made_for[1] != channels:
        raise ValueError(f"the published weights of {name!r} are for {made_for[1]} channels, got {channels}")
    path = pretrained_path(name, size)
    if not path.exists():
        given = arguments(name, classes=classes, channels=channels, size=size)
        network = _published(name, "give checkpoint:", num_classes=classes, **given)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_tensors(path, network.state_dict(), {"source": f"timm {name}"})
    return path


def fetch_backbone(name: str) -> Path:
    """Return the file with what timm publishes for the backbone of a network that labels pixels, under the network's
    own names, fetching it where it is not there yet.

    Raises:
        ValueError: it cannot be fetched.
    """
    path = Path(torch.hub.get_dir()) / FOLDER / f"{name}-backbone.safetensors"
    if not path.exists():
        tensors = _published(name, f"fetch it where there is a network, and copy {str(path)!r}").state_dict()
        path.parent.mkdir(parents=True, exist_ok=True)
        save_tensors(path, {key: tensors[key] for key in tensors if key.startswith("backbone.")}, {"source": "timm"})
    return path


def _published(name: str, way_out: str, **arguments: Any) -> nn.Module:
    """Return timm's network with its published weights."""
    try:
        network: nn.Module = timm.create_model(name, pretrained=True, **arguments)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(f"the published weights of {name!r} cannot be fetched ({reason}); {way_out}") from error
    return network


def _made_for(name: str) -> tuple[int, int] | None:
    """Return the numbers of classes and channels that the published weights are for; None where there are none."""
    if name.startswith(OF_TORCHVISION):
        return len(published(name).meta["categories"]), 3
    built_for = timm.get_pretrained_cfg(name)
    if built_for is None or not built_for.has_weights:
        return None
    return built_for.num_classes, built_for.input_size[0]
