"""Two tiny networks for images from 16 x 16: enough to show a teacher, a weaker student and the gap between them."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from trainers.models._base import Network, Step, conv3x3, projection, register


def conv_bn(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """3 x 3 convolution without bias, then batch normalisation."""
    return nn.Sequential(conv3x3(inputs, outputs, stride), nn.BatchNorm2d(outputs))


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, which is a 1 x 1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = conv_bn(inputs, outputs, stride)
        self.second = conv_bn(outputs, outputs, 1)
        self.shortcut = projection(inputs, outputs, stride)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.second(self.relu(self.first(x)))
        total: Tensor = self.relu(out + self.shortcut(x))
        return total


class StagedNet(Network):
    """A sequence of stages, a pooled grid of cells, one linear layer.

    Args:
        stages: run one after the other; each one's output [B, C, H, W] is a feature map.
        width: channels of the last stage.
        grid: the last map is averaged to `grid` x `grid` cells, which are flattened for the linear layer.
        num_classes: 0 leaves the pooled features as they are.
    """

    def __init__(self, stages: list[nn.Module], width: int, grid: int, num_classes: int) -> None:
        super().__init__(width * grid * grid, num_classes)
        self.stages = nn.ModuleList(stages)
        self.grid = grid
        self.pool = nn.AdaptiveAvgPool2d(grid)
        self.reset_classifier(num_classes)

    def steps(self) -> Sequence[Step]:
        return [*self.stages]

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        if x.shape[-2:] != (self.grid, self.grid):  # averaging a cell over itself costs 6 % of a step for nothing
            x = self.pool(x)
        pooled = x.flatten(1)
        return pooled if pre_logits else self.get_classifier()(pooled)


def _tinyresnet(num_classes: int, in_chans: int) -> StagedNet:
    stem = nn.Sequential(conv_bn(in_chans, 24, 2), nn.ReLU())
    blocks = [ResidualBlock(24, 24, 1), ResidualBlock(24, 48, 2), ResidualBlock(48, 96, 2)]
    return StagedNet([stem, *blocks], width=96, grid=1, num_classes=num_classes)


def _tinycnn(num_classes: int, in_chans: int) -> StagedNet:
    stages: list[nn.Module] = [
        nn.Sequential(conv_bn(inputs, outputs, 2), nn.ReLU()) for inputs, outputs in pairwise((in_chans, 16, 32, 64))
    ]
    return StagedNet(stages, width=64, grid=2, num_classes=num_classes)


register(
    "cifar_tinyresnet",
    "Stem of stride 2 and three residual blocks of 24, 48 and 96 channels; 182,572 parameters on digits100.",
    _tinyresnet,
)
register(
    "cifar_tinycnn",
    "Three convolutions of stride 2, 16, 32 and 64 channels; 49,108 parameters on digits100.",
    _tinycnn,
)
