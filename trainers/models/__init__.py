"""The networks: timm's name space, with the small networks of the KD literature registered in it as `cifar_<name>`.

Importing this module registers them; what a sweep file calls them is in `trainers.model_names`.
"""

from collections.abc import Mapping
from typing import Any

import timm
from torch import nn

from trainers.model_names import names, timm_name
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

__all__ = ["create", "names", "timm_name"]


def create(name: str, *, classes: int, channels: int, arguments: Mapping[str, Any] | None = None) -> nn.Module:
    """Return a new network by timm's name. Its initial weights are random: see `trainers.trials.randomness`."""
    model: nn.Module = timm.create_model(name, num_classes=classes, in_chans=channels, **(arguments or {}))
    return model
