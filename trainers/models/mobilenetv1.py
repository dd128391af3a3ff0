"""MobileNet for ImageNet: depthwise convolutions of 3 x 3, each followed by a pointwise one.

Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications", 2017,
arXiv:1704.04861, table 1. The KD literature's usual student of a ResNet-50; the state dict has its names.
Maps: after units 3, 5, 11 and 13, which are the last ones of their size; each one after its ReLU.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from trainers.models._base import Network, Step, conv1x1, conv3x3, in_turn, register

STEM = 32
UNITS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
"""Channels and stride of the units after the stem."""
TAPPED = (3, 5, 11, 13)


class MobileNetV1(Network):
    """Stem of stride 2 and thirteen units, of which four halve the image."""

    def __init__(self, num_classes: int, in_chans: int) -> None:
        super().__init__(UNITS[-1][0], num_classes)
        inputs = (STEM, *(channels for channels, _ in UNITS))
        units = [_unit(before, *unit) for before, unit in zip(inputs, UNITS, strict=False)]
        self.model = nn.Sequential(_stem(in_chans), *units)
        self.reset_classifier(num_classes)

    def steps(self) -> Sequence[Step]:
        units = [*self.model]
        return [in_turn(units[first:last]) for first, last in pairwise((0, *(unit + 1 for unit in TAPPED)))]


def _stem(inputs: int) -> nn.Sequential:
    return nn.Sequential(conv3x3(inputs, STEM, 2), nn.BatchNorm2d(STEM), nn.ReLU())


def _unit(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        conv3x3(inputs, inputs, stride, groups=inputs),
        nn.BatchNorm2d(inputs),
        nn.ReLU(),
        conv1x1(inputs, outputs),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


register(
    "mobilenetv1", "MobileNet of full width for ImageNet: 14 units, 32 to 1024 channels.", MobileNetV1, classes=1000
)
