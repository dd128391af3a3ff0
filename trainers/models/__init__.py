"""The networks: timm's name space, with the small networks of the KD literature registered in it as `cifar_<name>`.

Importing this module registers them; what a sweep file calls them is in `trainers.model_names`.
"""

from collections.abc import Mapping
from typing import Any

import timm
from torch import nn

from trainers.model_names import names, timm_name
from trainers.models import (
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

__all__ = ["ALL", "IMAGENET", "SEGMENTATION", "TORCHVISION", "create", "names", "parameters", "timm_name"]

ALL = (
    digits.cifar_tinyresnet,
    digits.cifar_tinycnn,
    resnet.cifar_resnet8,
    resnet.cifar_resnet14,
    resnet.cifar_resnet20,
    resnet.cifar_resnet32,
    resnet.cifar_resnet44,
    resnet.cifar_resnet56,
    resnet.cifar_resnet110,
    resnet.cifar_resnet8x4,
    resnet.cifar_resnet32x4,
    resnet_four_stage.cifar_resnet18,
    resnet_four_stage.cifar_resnet50,
    wrn.cifar_wrn_16_1,
    wrn.cifar_wrn_16_2,
    wrn.cifar_wrn_40_1,
    wrn.cifar_wrn_40_2,
    vgg.cifar_vgg8,
    vgg.cifar_vgg11,
    vgg.cifar_vgg13,
    vgg.cifar_vgg16,
    vgg.cifar_vgg19,
    mobilenetv2.cifar_mobilenetv2,
    shufflenetv1.cifar_shufflev1,
    shufflenetv2.cifar_shufflev2,
)
"""The networks for small images, in the order of `trainers.model_names.SMALL`."""
IMAGENET = (mobilenetv1.mobilenetv1,)
"""Networks for larger images that timm lacks; they have plain timm names."""
SEGMENTATION = segmentation.register_all()
"""Names of the networks that label pixels, which are those of `trainers.model_names.SEGMENTATION`."""
TORCHVISION = torchvision_nets.register_all()
"""timm's names of torchvision's networks."""


def create(name: str, *, classes: int, channels: int, arguments: Mapping[str, Any] | None = None) -> nn.Module:
    """Return a new network by timm's name. Its initial weights are random: see `trainers.trials.randomness`."""
    model: nn.Module = timm.create_model(name, num_classes=classes, in_chans=channels, **(arguments or {}))
    return model


def parameters(model: nn.Module) -> int:
    """Return how many numbers are learned."""
    return sum(parameter.numel() for parameter in model.parameters())
