"""The networks: timm's name space, with the small networks of the KD literature registered in it as `cifar_<name>`.

Importing this module registers them; what a sweep file calls them is in `trainers.model_names`.
"""

from collections.abc import Mapping
from typing import Any

import timm
import torch
from torch import nn

from trainers.model_names import OWN, names, timm_name
from trainers.models import (  # noqa: F401 (each registers its networks)
    digits,
    mobilenetv1,
    mobilenetv2,
    resnet,
    resnet_four_stage,
    segmentation,
    shufflenetv1,
    shufflenetv2,
    torchvision_nets,
    vgg,
    wrn,
)
from trainers.models import own as own_networks

__all__ = ["create", "names", "sketched_on", "timm_name"]


def create(name: str, *, classes: int, channels: int, arguments: Mapping[str, Any] | None = None) -> nn.Module:
    """Return a new network by timm's name. Its initial weights are random: see `trainers.trials.randomness`.

    Raises:
        OwnCodeError: it is somebody's own, and cannot be made.
    """
    if name.startswith(OWN):
        return own_networks.create(name, classes=classes, channels=channels, arguments=arguments or {})
    model: nn.Module = timm.create_model(name, num_classes=classes, in_chans=channels, **(arguments or {}))
    return model


def sketched_on(name: str) -> torch.device:
    """Return where a network is made that is only looked at: on no device, which costs nothing but the code's own
    steps. What is somebody's own may compute with numbers while it is made, so it is made whole."""
    return torch.device("cpu" if name.startswith(OWN) else "meta")
