"""Residual networks of 6n + 2 layers for 32 x 32 images: three stages of n blocks, and their fourfold width.

He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, arXiv:1512.03385, section 4.2; the
shortcut is a 1 x 1 convolution where the shape changes, and the x4 networks are those of Tian, Krishnan, Isola,
"Contrastive representation distillation", ICLR 2020, arXiv:1910.10699, whose names the state dict has.
Maps: the stem, then each stage; each one after its ReLU.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from timm.models import register_model
from torch import Tensor, nn

from trainers.models._base import Network, Step, check_arguments, conv3x3, fill_convolutions, projection

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


def _resnet(
    depth: int, widths: Sequence[int], pretrained: bool, num_classes: int = 100, in_chans: int = 3, **others: Any
) -> ResNet:
    check_arguments("cifar_resnet", pretrained, others)
    return ResNet((depth - 2) // 6, widths, num_classes, in_chans)


@register_model
def cifar_resnet8(pretrained: bool = False, **sizes: Any) -> ResNet:
    """ResNet-8 for small images: 1 block a stage, 16, 32 and 64 channels."""
    return _resnet(8, WIDTHS, pretrained, **sizes)


@register_model
def cifar_resnet14(pretrained: bool = False, **sizes: Any) -> ResNet:
    """ResNet-14 for small images: 2 blocks a stage, 16, 32 and 64 channels."""
    return _resnet(14, WIDTHS, pretrained, **sizes)


@register_model
def cifar_resnet20(pretrained: bool = False, **sizes: Any) -> ResNet:
    """ResNet-20 for small images: 3 blocks a stage, 16, 32 and 64 channels."""
    return _resnet(20, WIDTHS, pretrained, **sizes)


@register_model
def cifar_resnet32(pretrained: bool = False, **sizes: Any) -> ResNet:
    """ResNet-32 for small images: 5 blocks a stage, 16, 32 and 64 channels."""
    return _resnet(32, WIDTHS, pretrained, **sizes)


@register_model
def cifar_resnet44(pretrained: bool = False, **sizes: Any) -> ResNet:
    """ResNet-44 for small images: 7 blocks a stage, 16, 32 and 64 channels."""
    return _resnet(44, WIDTHS, pretrained, **sizes)


@register_model
def cifar_resnet56(pretrained: bool = False, **sizes: Any) -> ResNet:
    """ResNet-56 for small images: 9 blocks a stage, 16, 32 and 64 channels."""
    return _resnet(56, WIDTHS, pretrained, **sizes)


@register_model
def cifar_resnet110(pretrained: bool = False, **sizes: Any) -> ResNet:
    """ResNet-110 for small images: 18 blocks a stage, 16, 32 and 64 channels."""
    return _resnet(110, WIDTHS, pretrained, **sizes)


@register_model
def cifar_resnet8x4(pretrained: bool = False, **sizes: Any) -> ResNet:
    """ResNet-8 of fourfold width: 1 block a stage, 64, 128 and 256 channels."""
    return _resnet(8, WIDTHS_X4, pretrained, **sizes)


@register_model
def cifar_resnet32x4(pretrained: bool = False, **sizes: Any) -> ResNet:
    """ResNet-32 of fourfold width: 5 blocks a stage, 64, 128 and 256 channels."""
    return _resnet(32, WIDTHS_X4, pretrained, **sizes)
