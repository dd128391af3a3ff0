"""ShuffleNet for 32 x 32 images: grouped pointwise convolutions, whose channels are shuffled between the groups.

Zhang, Zhou, Lin, Sun, "ShuffleNet: an extremely efficient convolutional neural network for mobile devices", CVPR
2018, arXiv:1707.01083, table 1 with 3 groups, after a pointwise stem of stride 1; the depthwise convolution has a
ReLU here. The state dict has the names of the KD literature.
Maps: the stem, then each stage; each one after its ReLU.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from trainers.models._base import Network, Step, conv1x1, conv3x3, register, shuffle

STEM = 24
WIDTHS = (240, 480, 960)
COUNTS = (4, 8, 4)
"""Units of the three stages."""
GROUPS = 3


class Unit(nn.Module):
    """Pointwise, depthwise and pointwise convolution, added to the input.

    Of stride 2, it is concatenated with the average of the input instead, and gives only the channels that lack.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, first_groups: int) -> None:
        super().__init__()
        own = outputs - inputs if stride == 2 else outputs
        inner = own // 4
        self.first_groups = first_groups
        self.conv1 = conv1x1(inputs, inner, groups=first_groups)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = conv3x3(inner, inner, stride, groups=inner)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = conv1x1(inner, own, groups=GROUPS)
        self.bn3 = nn.BatchNorm2d(own)
        self.shortcut = nn.AvgPool2d(3, 2, 1) if stride == 2 else None
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out = shuffle(self.relu(self.bn1(self.conv1(x))), self.first_groups)
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        joined = out + x if self.shortcut is None else torch.cat([out, self.shortcut(x)], 1)
        total: Tensor = self.relu(joined)
        return total


class ShuffleNetV1(Network):
    """Pointwise stem and three stages, each of which halves the image."""

    def __init__(self, num_classes: int, in_chans: int) -> None:
        super().__init__(WIDTHS[-1], num_classes, head_name="linear")
        self.conv1 = conv1x1(in_chans, STEM)
        self.bn1 = nn.BatchNorm2d(STEM)
        self.relu = nn.ReLU()
        stages = [_stage(*stage) for stage in zip((STEM, *WIDTHS[:-1]), WIDTHS, COUNTS, strict=True)]
        self.layer1, self.layer2, self.layer3 = stages
        self.reset_classifier(num_classes)

    def stem(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.bn1(self.conv1(x)))
        return out

    def steps(self) -> Sequence[Step]:
        return self.stem, self.layer1, self.layer2, self.layer3


def _stage(inputs: int, outputs: int, count: int) -> nn.Sequential:
    """Return `count` units. The stem has too few channels for groups, so the unit that reads it has none at first."""
    first = Unit(inputs, outputs, 2, 1 if inputs == STEM else GROUPS)
    return nn.Sequential(first, *(Unit(outputs, outputs, 1, GROUPS) for _ in range(count - 1)))


register(
    "cifar_shufflev1", "ShuffleNet with 3 groups for small images: 16 units, 240, 480 and 960 channels.", ShuffleNetV1
)
