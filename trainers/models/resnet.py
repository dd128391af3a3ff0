"""Residual networks of 6n + 2 layers for 32 x 32 images: three stages of n blocks, and their fourfold width.

He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, arXiv:1512.03385, section 4.2; the
shortcut is a 1 x 1 convolution where the shape changes, and the x4 networks are those of Tian, Krishnan, Isola,
"Contrastive representation distillation", ICLR 2020, arXiv:1910.10699, whose names the state dict has.
Maps: the stem, then each stage; each one after its ReLU.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from trainers.models._base import Network, Step, conv3x3, fill_convolutions, projection, register

WIDTHS = (16, 16, 32, 64)
"""Channels of the stem and of the three stages."""
WIDTHS_X4 = (32, 64, 128, 256)


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(inputs, outputs, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = conv3x3(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = projection(inputs, outputs, stride)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        total: Tensor = self.relu(self.bn2(self.conv2(out)) + self.downsample(x))
        return total


class ResNet(Network):
    """Stem of stride 1 and three stages of `count` blocks, of which the second and the third halve the image."""

    def __init__(self, count: int, widths: Sequence[int], num_classes: int, in_chans: int) -> None:
        super().__init__(widths[-1], num_classes)
        self.conv1 = conv3x3(in_chans, widths[0])
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU()
        stages = [
            _stage(inputs, outputs, count, stride)
            for (inputs, outputs), stride in zip(pairwise(widths), (1, 2, 2), strict=True)
        ]
        self.layer1, self.layer2, self.layer3 = stages
        fill_convolutions(self)
        self.reset_classifier(num_classes)

    def stem(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.bn1(self.conv1(x)))
        return out

    def steps(self) -> Sequence[Step]:
        return self.stem, self.layer1, self.layer2, self.layer3


def _stage(inputs: int, outputs: int, count: int, stride: int) -> nn.Sequential:
    return nn.Sequential(Block(inputs, outputs, stride), *(Block(outputs, outputs, 1) for _ in range(count - 1)))


for depth in (8, 14, 20, 32, 44, 56, 110):
    register(
        f"cifar_resnet{depth}",
        f"ResNet-{depth} for small images: {(depth - 2) // 6} block(s) a stage, 16, 32 and 64 channels.",
        partial(ResNet, (depth - 2) // 6, WIDTHS),
    )
for depth in (8, 32):
    register(
        f"cifar_resnet{depth}x4",
        f"ResNet-{depth} of fourfold width: {(depth - 2) // 6} block(s) a stage, 64, 128 and 256 channels.",
        partial(ResNet, (depth - 2) // 6, WIDTHS_X4),
    )
