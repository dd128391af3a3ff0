"""ResNet-18 and ResNet-50 for 32 x 32 images: the four stages of the ImageNet networks after a stem of stride 1.

He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, arXiv:1512.03385, table 1. The KD
literature calls the file "resnetv2" and the networks ResNet18 and ResNet50; the state dict has its names.
Maps: the stem, then each stage; each one after its ReLU.
"""

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn

from trainers.models._base import Network, Step, conv1x1, conv3x3, fill_convolutions, projection, register

STEM = 64
WIDTHS = (64, 128, 256, 512)
STRIDES = (1, 2, 2, 2)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(inputs, width, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = projection(inputs, width, stride)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        total: Tensor = self.relu(self.bn2(self.conv2(out)) + self.shortcut(x))
        return total


class Bottleneck(nn.Module):
    """A 3 x 3 convolution, which has the stride, between two of 1 x 1, beside a shortcut."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = conv1x1(inputs, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv1x1(width, outputs)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = projection(inputs, outputs, stride)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        total: Tensor = self.relu(self.bn3(self.conv3(out)) + self.shortcut(x))
        return total


class FourStageResNet(Network):
    """Stem of stride 1 and four stages, of which all but the first halve the image.

    Args:
        counts: blocks of each stage.
    """

    def __init__(
        self, block: type[BasicBlock | Bottleneck], counts: Sequence[int], num_classes: int, in_chans: int
    ) -> None:
        super().__init__(WIDTHS[-1] * block.expansion, num_classes, head_name="linear")
        self.conv1 = conv3x3(in_chans, STEM)
        self.bn1 = nn.BatchNorm2d(STEM)
        self.relu = nn.ReLU()
        inputs = (STEM, *(width * block.expansion for width in WIDTHS[:-1]))
        stages = [_stage(block, *stage) for stage in zip(inputs, WIDTHS, counts, STRIDES, strict=True)]
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        fill_convolutions(self)
        self.reset_classifier(num_classes)

    def stem(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.bn1(self.conv1(x)))
        return out

    def steps(self) -> Sequence[Step]:
        return self.stem, self.layer1, self.layer2, self.layer3, self.layer4


def _stage(block: type[BasicBlock | Bottleneck], inputs: int, width: int, count: int, stride: int) -> nn.Sequential:
    others = (block(width * block.expansion, width, 1) for _ in range(count - 1))
    return nn.Sequential(block(inputs, width, stride), *others)


register(
    "cifar_resnet18",
    "ResNet-18 for small images: two basic blocks a stage, 64 to 512 channels.",
    partial(FourStageResNet, BasicBlock, (2, 2, 2, 2)),
)
register(
    "cifar_resnet50",
    "ResNet-50 for small images: 3, 4, 6 and 3 bottlenecks, 256 to 2048 channels.",
    partial(FourStageResNet, Bottleneck, (3, 4, 6, 3)),
)
