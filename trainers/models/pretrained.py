"""Weights that timm publishes for its networks, fetched once and kept as safetensors beside timm's own files."""

from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch
from torch import nn

from trainers.files.tensor_files import save_tensors
from trainers.model_names import OF_TORCHVISION
from trainers.models.fitting import arguments
from trainers.models.own import shown
from trainers.models.torchvision_nets import published

FOLDER = "kdsweep"
"""In the folder where torch keeps what it has fetched (TORCH_HOME)."""


def tagged(name: str, pretrained: bool | str) -> str:
    """Return timm's name of a network with the tag of its weights behind a dot, if a sweep file names one."""
    return f"{name}.{pretrained}" if isinstance(pretrained, str) else name


def untagged(name: str) -> str:
    """Return timm's name of the network alone."""
    return name.partition(".")[0]


def pretrained_path(name: str, size: int) -> Path:
    """Return where the published weights of a network are kept, brought to images of `size` pixels.

    Args:
        name: timm's, with the tag of the weights behind a dot where it is not the default.
    """
    if name != untagged(name):
        return Path(torch.hub.get_dir()) / FOLDER / f"{name}-{size}.safetensors"
    built_for = timm.get_pretrained_cfg(name)
    tag = getattr(built_for, "tag", "") or ("default" if built_for is not None else "published")
    return Path(torch.hub.get_dir()) / FOLDER / f"{name}.{tag}-{size}.safetensors"


def fetch_pretrained(name: str, *, classes: int, channels: int, size: int, fetch: bool = True) -> Path:
    """Return the file with timm's weights of a network, fetching them where they are not there yet.

    Raises:
        FileNotFoundError: they are not there and must not be fetched.
        ValueError: timm has none, they are for another number of classes or channels, or they cannot be fetched.
    """
    known = made_for(name)
    if known is None:
        raise ValueError(f"timm has no weights of {shown(name)!r}; give checkpoint:")
    if known.classes != classes:
        rule = f"the published weights of {name!r} are for {known.classes} classes, the data set has {classes}"
        raise ValueError(f"{rule}; give checkpoint:, or leave it out to train the teacher")
    if known.channels != channels:
        raise ValueError(f"the published weights of {name!r} are for {known.channels} channels, got {channels}")
    path = pretrained_path(name, size)
    if not path.exists():
        refuse(name, fetch=fetch)
        given = arguments(untagged(name), classes=classes, channels=channels, size=size)
        network = published_network(name, "give checkpoint:", num_classes=classes, **given)
        save_tensors(path, network.state_dict(), {"source": f"timm {name}"})
    return path


def published_network(name: str, way_out: str, **arguments: Any) -> nn.Module:
    """Return timm's network with its published weights."""
    try:
        network: nn.Module = timm.create_model(name, pretrained=True, **arguments)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(f"the published weights of {name!r} cannot be fetched ({reason}); {way_out}") from error
    return network


def refuse(name: str, *, fetch: bool) -> None:
    """Say that weights are not there, unless they may be fetched.

    Raises:
        FileNotFoundError: they may not.
    """
    if not fetch:
        raise FileNotFoundError(f"the published weights of {name!r} are not here yet; a run fetches them")


class MadeFor(NamedTuple):
    """What published weights are for."""

    classes: int
    channels: int
    size: int
    """Height of the images in pixels."""
    mean: tuple[float, ...]
    """Of each channel, for values in 0 … 1."""
    std: tuple[float, ...]


def made_for(name: str) -> MadeFor | None:
    """Return what a network's published weights are for; None where nothing is published.

    Raises:
        ValueError: there are none of the tag in the name.
    """
    if name.startswith(OF_TORCHVISION):
        weights = published(name)
        how = weights.transforms()
        return MadeFor(len(weights.meta["categories"]), 3, int(how.crop_size[0]), tuple(how.mean), tuple(how.std))
    known = timm.list_pretrained(f"{untagged(name)}.*")
    if name != untagged(name) and name not in known:
        tags = ", ".join(one.partition(".")[2] for one in known) or "none"
        raise ValueError(f"timm has no weights {name.partition('.')[2]!r} of {shown(untagged(name))!r} (all: {tags})")
    built_for = timm.get_pretrained_cfg(name)
    if built_for is None or not built_for.has_weights:
        return None
    channels, height, _ = built_for.input_size
    return MadeFor(built_for.num_classes, channels, height, tuple(built_for.mean), tuple(built_for.std))
