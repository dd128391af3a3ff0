"""Two tiny networks for images from 16 x 16: enough to show a teacher, a weaker student and the gap between them.

They follow timm's interface (`forward_features`, `forward_head`, `forward_intermediates`, `get_classifier`,
`reset_classifier`) and are registered with timm as `cifar_tinyresnet` and `cifar_tinycnn`.
"""

from itertools import pairwise
from typing import Any

from timm.models import register_model
from torch import Tensor, nn


def conv_bn(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """3 x 3 convolution without bias, then batch normalisation."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs))


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, which is a 1 x 1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = conv_bn(inputs, outputs, stride)
        self.second = conv_bn(outputs, outputs, 1)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.second(self.relu(self.first(x)))
        total: Tensor = self.relu(out + self.shortcut(x))
        return total


class StagedNet(nn.Module):
    """A sequence of stages, a pooled grid of cells, one linear layer.

    Args:
        stages: run one after the other; each one's output [B, C, H, W] is a feature map.
        width: channels of the last stage.
        grid: the last map is averaged to `grid` x `grid` cells, which are flattened for the linear layer.
        num_classes: 0 leaves the pooled features as they are.
    """

    def __init__(self, stages: list[nn.Module], width: int, grid: int, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.num_features = self.head_hidden_size = width * grid * grid
        self.stages = nn.ModuleList(stages)
        self.grid = grid
        self.pool = nn.AdaptiveAvgPool2d(grid)
        self.fc: nn.Module = _linear(self.num_features, num_classes)

    def get_classifier(self) -> nn.Module:
        return self.fc

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        self.num_classes = num_classes
        self.fc = _linear(self.num_features, num_classes)

    def forward_intermediates(self, x: Tensor, indices: Any = None, **_: Any) -> tuple[Tensor, list[Tensor]]:
        """Return the last map and the maps of the stages named by `indices` (all when None), in order."""
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        wanted = range(len(maps)) if indices is None else indices
        return x, [maps[i] for i in wanted]

    def forward_features(self, x: Tensor) -> Tensor:
        for stage in self.stages:
            x = stage(x)
        return x

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        if x.shape[-2:] != (self.grid, self.grid):  # averaging a cell over itself costs 6 % of a step for nothing
            x = self.pool(x)
        pooled = x.flatten(1)
        return pooled if pre_logits else self.fc(pooled)

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))


def _linear(inputs: int, outputs: int) -> nn.Module:
    return nn.Linear(inputs, outputs) if outputs > 0 else nn.Identity()


@register_model
def cifar_tinyresnet(pretrained: bool = False, num_classes: int = 100, in_chans: int = 3, **_: Any) -> StagedNet:
    """Stem of stride 2 and three residual blocks of 24, 48 and 96 channels; 182,572 parameters on digits100."""
    _refuse_pretrained(pretrained, "cifar_tinyresnet")
    stem = nn.Sequential(conv_bn(in_chans, 24, 2), nn.ReLU())
    blocks = [ResidualBlock(24, 24, 1), ResidualBlock(24, 48, 2), ResidualBlock(48, 96, 2)]
    return StagedNet([stem, *blocks], width=96, grid=1, num_classes=num_classes)


@register_model
def cifar_tinycnn(pretrained: bool = False, num_classes: int = 100, in_chans: int = 3, **_: Any) -> StagedNet:
    """Three convolutions of stride 2, 16, 32 and 64 channels; 49,108 parameters on digits100."""
    _refuse_pretrained(pretrained, "cifar_tinycnn")
    widths = [in_chans, 16, 32, 64]
    stages: list[nn.Module] = [
        nn.Sequential(conv_bn(inputs, outputs, 2), nn.ReLU()) for inputs, outputs in pairwise(widths)
    ]
    return StagedNet(stages, width=64, grid=2, num_classes=num_classes)


def _refuse_pretrained(pretrained: bool, name: str) -> None:
    if pretrained:
        raise ValueError(f"{name} has no pretrained weights")
