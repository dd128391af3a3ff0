"""Wide residual networks of 6n + 4 layers for 32 x 32 images: normalisation and ReLU come before each convolution.

Zagoruyko, Komodakis, "Wide residual networks", BMVC 2016, arXiv:1605.07146, table 1; the stem is not widened. The
state dict has the names of the KD literature.
Maps: the stem's convolution, then each stage's sum. No ReLU ends them: the next block begins with it.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from trainers.models._base import Network, Step, conv1x1, conv3x3, fill_convolutions, register

STEM = 16
WIDTHS = (16, 32, 64)
"""Channels of the three stages, before they are widened."""


class Block(nn.Module):
    """Two 3 x 3 convolutions, each after normalisation and ReLU, beside a shortcut.

    Where the channels change, the shortcut is a 1 x 1 convolution of the activated input, else the input itself.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = conv3x3(inputs, outputs, stride)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = conv3x3(outputs, outputs)
        self.convShortcut = None if inputs == outputs else conv1x1(inputs, outputs, stride)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        activated = self.relu(self.bn1(x))
        shortcut = x if self.convShortcut is None else self.convShortcut(activated)
        out: Tensor = self.conv2(self.relu(self.bn2(self.conv1(activated))))
        return out + shortcut


class Stage(nn.Module):
    """`count` blocks, the first of which has the stride."""

    def __init__(self, inputs: int, outputs: int, count: int, stride: int) -> None:
        super().__init__()
        others = (Block(outputs, outputs, 1) for _ in range(count - 1))
        self.layer = nn.Sequential(Block(inputs, outputs, stride), *others)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x)
        return out


class WideResNet(Network):
    """Stem, three stages of `count` blocks, of which the second and the third halve the image, a last ReLU."""

    def __init__(self, count: int, widening: int, num_classes: int, in_chans: int) -> None:
        widths = [STEM, *(widening * width for width in WIDTHS)]
        super().__init__(widths[-1], num_classes)
        self.conv1 = conv3x3(in_chans, STEM)
        stages = [
            Stage(inputs, outputs, count, stride)
            for (inputs, outputs), stride in zip(pairwise(widths), (1, 2, 2), strict=True)
        ]
        self.block1, self.block2, self.block3 = stages
        self.bn1 = nn.BatchNorm2d(widths[-1])
        self.relu = nn.ReLU()
        fill_convolutions(self)
        self.reset_classifier(num_classes)

    def new_classifier(self) -> nn.Module:
        classifier = super().new_classifier()
        if isinstance(classifier, nn.Linear):
            nn.init.zeros_(classifier.bias)
        return classifier

    def steps(self) -> Sequence[Step]:
        return self.conv1, self.block1, self.block2, self.block3

    def finish(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.bn1(x))
        return out


for depth, widening in ((16, 1), (16, 2), (40, 1), (40, 2)):
    count = (depth - 4) // 6
    register(
        f"cifar_wrn_{depth}_{widening}",
        f"WRN-{depth}-{widening}: {count} blocks a stage, {16 * widening} to {64 * widening} channels.",
        partial(WideResNet, count, widening),
    )
