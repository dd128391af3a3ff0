"""Weights that timm publishes for its networks, fetched once and kept as safetensors beside timm's own files."""

from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from trainers.files.tensor_files import save_tensors
from trainers.model_names import OF_TORCHVISION
from trainers.models.fitting import arguments
from trainers.models.torchvision_nets import published

FOLDER = "kdsweep"
"""In the folder where torch keeps what it has fetched (TORCH_HOME)."""
BACKBONE = "backbone."
"""Begins the names of a segmentation network's tensors that are published."""


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
        raise ValueError(f"timm has no weights of {name!r}; give checkpoint:")
    if known[0] != classes:
        rule = f"the published weights of {name!r} are for {known[0]} classes, the data set has {classes}"
        raise ValueError(f"{rule}; give checkpoint:, or leave it out to train the teacher")
    if known[1] != channels:
        raise ValueError(f"the published weights of {name!r} are for {known[1]} channels, got {channels}")
    path = pretrained_path(name, size)
    if not path.exists():
        refuse(name, fetch=fetch)
        given = arguments(untagged(name), classes=classes, channels=channels, size=size)
        network = published_network(name, "give checkpoint:", num_classes=classes, **given)
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
        tensors = published_network(name, f"fetch it where there is a network, and copy {str(path)!r}").state_dict()
        path.parent.mkdir(parents=True, exist_ok=True)
        save_tensors(path, {key: tensors[key] for key in tensors if key.startswith(BACKBONE)}, {"source": "timm"})
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


def seen_by(name: str) -> tuple[int, tuple[float, ...], tuple[float, ...]] | None:
    """Return the height of the images that a network's published weights want, and mean and standard deviation of each
    channel, for values in 0 … 1; None where nothing is published."""
    if name.startswith(OF_TORCHVISION):
        how = published(name).transforms()
        return int(how.crop_size[0]), tuple(how.mean), tuple(how.std)
    _check_tag(name)
    built_for = timm.get_pretrained_cfg(name)
    if built_for is None or not built_for.has_weights:
        return None
    return int(built_for.input_size[-1]), tuple(built_for.mean), tuple(built_for.std)


def made_for(name: str) -> tuple[int, int] | None:
    """Return the numbers of classes and channels that the published weights are for; None where there are none."""
    if name.startswith(OF_TORCHVISION):
        return len(published(name).meta["categories"]), 3
    _check_tag(name)
    built_for = timm.get_pretrained_cfg(name)
    if built_for is None or not built_for.has_weights:
        return None
    return built_for.num_classes, built_for.input_size[0]


def _check_tag(name: str) -> None:
    """Raise a ValueError where timm has no weights of the tag in a name."""
    known = timm.list_pretrained(f"{untagged(name)}.*")
    if name != untagged(name) and name not in known:
        tags = ", ".join(one.partition(".")[2] for one in known) or "none"
        raise ValueError(f"timm has no weights {name.partition('.')[2]!r} of {untagged(name)!r} (all: {tags})")
