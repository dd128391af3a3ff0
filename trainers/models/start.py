"""What a network that is trained on starts from: the weights published for ImageNet, without the classifier."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from trainers import models
from trainers.files.tensor_files import save_tensors
from trainers.model_names import is_segmentation
from trainers.models.fitting import arguments
from trainers.models.own import shown
from trainers.models.pretrained import FOLDER, made_for, published_network, refuse
from trainers.models.segmentation import COUNTER

BACKBONE = "backbone."
"""Begins the names of a segmentation network's tensors that are published."""


def start_path(name: str, size: int) -> Path:
    """Return where the weights that a network starts from are kept.

    Args:
        name: timm's.
        size: height of the images in pixels.
    """
    folder = Path(torch.hub.get_dir()) / FOLDER
    if is_segmentation(name):
        return folder / f"{name}-backbone.safetensors"
    return (
        folder / f"{name}.{getattr(timm.get_pretrained_cfg(name), 'tag', '') or 'published'}-start-{size}.safetensors"
    )


def fetch_start(name: str, *, channels: int, size: int, fetch: bool = True) -> Path:
    """Return the file with the weights that a network starts from, fetching them where they are not there yet.

    Raises:
        FileNotFoundError: they are not there and must not be fetched.
        ValueError: none are published, or they cannot be fetched.
    """
    path = start_path(name, size)
    if path.exists():
        return path
    if is_segmentation(name):
        refuse(name, fetch=fetch)
        tensors = published_network(name, f"fetch it where there is a network, and copy {str(path)!r}").state_dict()
        save_tensors(path, {key: tensors[key] for key in tensors if key.startswith(BACKBONE)}, {"source": "timm"})
        return path
    known = made_for(name)
    way_out = "set recipe.start: random, or name a network that has some"
    if known is None:
        raise ValueError(f"no weights of {shown(name)!r} are published; {way_out}")
    if known.channels != channels:
        rule = f"the published weights of {name!r} are for {known.channels} channels"
        raise ValueError(f"{rule}, got {channels}; {way_out}")
    refuse(name, fetch=fetch)
    given = arguments(name, classes=known.classes, channels=channels, size=size)
    tensors = published_network(name, way_out, num_classes=known.classes, **given).state_dict()
    head = head_names(name, given)
    save_tensors(path, {n: t for n, t in tensors.items() if n not in head}, {"source": f"published weights of {name}"})
    return path


def load_start(network: nn.Module, weights: Mapping[str, Tensor], name: str, given: Mapping[str, Any]) -> None:
    """Put what `fetch_start` has kept into a network; its classifier, or all but its backbone, stays as it is.

    Raises:
        ValueError: the weights are of another network.
    """
    own = network.state_dict()
    if is_segmentation(name):
        wanted = {tensor for tensor in own if tensor.startswith(BACKBONE) and not tensor.endswith(COUNTER)}
    else:
        wanted = own.keys() - head_names(name, given)
    wrong = sorted({*(wanted - weights.keys()), *(weights.keys() - own.keys())})
    wrong += [tensor for tensor in weights if tensor in own and weights[tensor].shape != own[tensor].shape]
    if wrong:
        raise ValueError(f"what {name!r} is to start from is of another network: {wrong[0]!r} does not fit")
    network.load_state_dict({**own, **weights})


def head_names(name: str, given: Mapping[str, Any]) -> set[str]:
    """Return the names of a network's tensors whose shape depends on the number of classes: its classifier's."""
    with models.sketched_on(name):
        few, many = (
            models.create(name, classes=classes, channels=3, arguments=given).state_dict() for classes in (7, 11)
        )
    return {tensor for tensor in few if few[tensor].shape != many[tensor].shape}
