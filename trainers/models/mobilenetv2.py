"""MobileNetV2 of half width for 32 x 32 images: inverted residual units, which widen, filter and narrow again.

Sandler, Howard, Zhu, Zhmoginov, Chen, "MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018,
arXiv:1801.04381, table 2, as the KD literature has it: ReLU for ReLU6, a widening pointwise convolution in every
unit, strides for small images. The state dict has its names.
Maps: the stem after its ReLU, then four groups of units, which are linear: no ReLU ends them.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from trainers.models._base import (
    Network,
    Step,
    conv1x1,
    conv3x3,
    fill_convolutions,
    in_turn,
    register,
    small_linear,
)


class Group(NamedTuple):
    """Inverted residual units of one shape; the first one has the stride."""

    expansion: int
    channels: int
    """Of its output at full width."""
    units: int
    stride: int


GROUPS = (
    Group(1, 16, 1, 1),
    Group(6, 24, 2, 1),
    Group(6, 32, 3, 2),
    Group(6, 64, 4, 2),
    Group(6, 96, 3, 1),
    Group(6, 160, 3, 2),
    Group(6, 320, 1, 1),
)
STEM = 32
"""Channels of the stem at full width."""
LAST = 1280
"""Channels of the final features at any width up to 1."""


class Unit(nn.Module):
    """A pointwise convolution to more channels, a depthwise one, a pointwise one back; linear at the end.

    The input is added where the shape stays.
    """

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.conv = nn.Sequential(
            conv1x1(inputs, inner),
            nn.BatchNorm2d(inner),
            nn.ReLU(),
            conv3x3(inner, inner, stride, groups=inner),
            nn.BatchNorm2d(inner),
            nn.ReLU(),
            conv1x1(inner, outputs),
            nn.BatchNorm2d(outputs),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return x + out if self.residual else out


class MobileNetV2(Network):
    """Stem of stride 2, seven groups of units, of which three halve the image, a pointwise convolution.

    Args:
        width: factor of all channels but the last ones'.
    """

    classifier: nn.Sequential

    def __init__(self, width: float, num_classes: int, in_chans: int) -> None:
        super().__init__(LAST, num_classes, head_name="classifier")
        stem = int(STEM * width)
        widths = [int(group.channels * width) for group in GROUPS]
        self.conv1 = nn.Sequential(conv3x3(in_chans, stem, 2), nn.BatchNorm2d(stem), nn.ReLU())
        self.blocks = nn.ModuleList(
            _units(inputs, outputs, group)
            for inputs, outputs, group in zip((stem, *widths[:-1]), widths, GROUPS, strict=True)
        )
        self.conv2 = nn.Sequential(conv1x1(widths[-1], LAST), nn.BatchNorm2d(LAST), nn.ReLU())
        fill_convolutions(self)
        self.reset_classifier(num_classes)

    def new_classifier(self) -> nn.Module:
        return nn.Sequential(small_linear(self.num_features, self.num_classes))

    def get_classifier(self) -> nn.Module:
        return self.classifier[0]

    def steps(self) -> Sequence[Step]:
        blocks = [*self.blocks]
        return self.conv1, in_turn(blocks[:2]), blocks[2], in_turn(blocks[3:5]), in_turn(blocks[5:])

    def finish(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv2(x)
        return out


def _units(inputs: int, outputs: int, group: Group) -> nn.Sequential:
    others = (Unit(outputs, outputs, group.expansion, 1) for _ in range(group.units - 1))
    return nn.Sequential(Unit(inputs, outputs, group.expansion, group.stride), *others)


register(
    "cifar_mobilenetv2",
    "MobileNetV2 of half width for small images: 17 units, 8 to 160 channels.",
    partial(MobileNetV2, 0.5),
)
