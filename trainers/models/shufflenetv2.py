"""ShuffleNetV2 for 32 x 32 images: half of the channels pass each unit untouched, then they are shuffled.

Ma, Zhang, Zheng, Sun, "ShuffleNet V2: practical guidelines for efficient CNN architecture design", ECCV 2018,
arXiv:1807.11164, table 5 (1x), after a pointwise stem of stride 1. The state dict has the names of the KD literature.
Maps: the stem, then each stage; each one after its ReLU. The head reads a pointwise convolution of the last one.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from trainers.models._base import Network, Step, conv1x1, conv3x3, register, shuffle

STEM = 24
WIDTHS = (116, 232, 464)
COUNTS = (3, 7, 3)
"""Units of the three stages after the one that halves the image."""
LAST = 1024
"""Channels of the final features."""


class BasicBlock(nn.Module):
    """Three convolutions of the second half of the channels.

    The ReLU comes last, over both halves: the first half is not negative, so it stays as it is.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = conv1x1(half, half)
        self.bn1 = nn.BatchNorm2d(half)
        self.conv2 = conv3x3(half, half, groups=half)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = conv1x1(half, half)
        self.bn3 = nn.BatchNorm2d(half)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        kept, out = x.chunk(2, 1)
        out = self.relu(self.bn1(self.conv1(out)))
        out = self.bn2(self.conv2(out))
        out = self.bn3(self.conv3(out))
        total: Tensor = self.relu(shuffle(torch.cat([kept, out], 1), 2))
        return total


class DownBlock(nn.Module):
    """Two branches of stride 2, each of which gives half of the channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.conv1 = conv3x3(inputs, inputs, 2, groups=inputs)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv2 = conv1x1(inputs, half)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = conv1x1(inputs, half)
        self.bn3 = nn.BatchNorm2d(half)
        self.conv4 = conv3x3(half, half, 2, groups=half)
        self.bn4 = nn.BatchNorm2d(half)
        self.conv5 = conv1x1(half, half)
        self.bn5 = nn.BatchNorm2d(half)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        left = self.bn2(self.conv2(self.bn1(self.conv1(x))))
        right = self.relu(self.bn3(self.conv3(x)))
        right = self.bn5(self.conv5(self.bn4(self.conv4(right))))
        total: Tensor = self.relu(shuffle(torch.cat([left, right], 1), 2))
        return total


class ShuffleNetV2(Network):
    """Pointwise stem, three stages, each of which halves the image, a pointwise convolution."""

    def __init__(self, num_classes: int, in_chans: int) -> None:
        super().__init__(LAST, num_classes, head_name="linear")
        self.conv1 = conv1x1(in_chans, STEM)
        self.bn1 = nn.BatchNorm2d(STEM)
        stages = [_stage(*stage) for stage in zip((STEM, *WIDTHS[:-1]), WIDTHS, COUNTS, strict=True)]
        self.layer1, self.layer2, self.layer3 = stages
        self.conv2 = conv1x1(WIDTHS[-1], LAST)
        self.bn2 = nn.BatchNorm2d(LAST)
        self.stem_relu, self.last_relu = nn.ReLU(), nn.ReLU()
        self.reset_classifier(num_classes)

    def stem(self, x: Tensor) -> Tensor:
        out: Tensor = self.stem_relu(self.bn1(self.conv1(x)))
        return out

    def steps(self) -> Sequence[Step]:
        return self.stem, self.layer1, self.layer2, self.layer3

    def finish(self, x: Tensor) -> Tensor:
        out: Tensor = self.last_relu(self.bn2(self.conv2(x)))
        return out


def _stage(inputs: int, outputs: int, count: int) -> nn.Sequential:
    return nn.Sequential(DownBlock(inputs, outputs), *(BasicBlock(outputs) for _ in range(count)))


register("cifar_shufflev2", "ShuffleNetV2 1x for small images: 16 units, 116, 232 and 464 channels.", ShuffleNetV2)
