"""What makes logits of pixels out of a backbone's maps: atrous and pyramid pooling, and the classifier behind them.

Chen, Papandreou, Schroff, Adam, "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017,
arXiv:1706.05587, section 3.3; Zhao, Shi, Qi, Wang, Jia, "Pyramid Scene Parsing Network", CVPR 2017, arXiv:1612.01105,
section 3.2. Widths and dropout are those of the KD literature's code on Cityscapes (CIRKD's, arXiv:2204.06986, which
DIST's and GDKD's build on). Weights start as PyTorch fills them, as they do there.

Shapes: B = batch, D = channels of a map, h, w = its size, C = classes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

RATES = (12, 24, 36)
"""Of the atrous convolutions on maps of an eighth of the image."""
BINS = (1, 2, 3, 6)
"""Rows and columns that the pyramid pools a map to."""


class AtrousPooling(nn.Module):
    """ASPP: a pixel, its surroundings at three distances, and the whole image, brought to one width."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList([_unit(inputs, width), *(_unit(inputs, width, rate) for rate in RATES)])
        self.image = _unit(inputs, width)
        self.project = nn.Sequential(_unit((2 + len(RATES)) * width, width), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, width, h, w] for a map [B, D, h, w]."""
        _check_batch(self, x)
        branches = [branch(x) for branch in self.branches]
        whole = self.image(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])
        projected: Tensor = self.project(torch.cat([*branches, whole], dim=1))
        return projected


class PyramidPooling(nn.Module):
    """A map beside its averages over the cells of four grids, each a quarter as wide."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList([_unit(inputs, inputs // 4) for _ in BINS])

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, 2 D, h, w] for a map [B, D, h, w]."""
        _check_batch(self, x)
        levels = [level(functional.adaptive_avg_pool2d(x, bins)) for level, bins in zip(self.levels, BINS, strict=True)]
        size = x.shape[2:]
        spread = [functional.interpolate(one, size, mode="bilinear", align_corners=True) for one in levels]
        return torch.cat([x, *spread], dim=1)


def deeplabv3_head(inputs: int, width: int, classes: int) -> nn.Module:
    """Return what makes logits [B, C, h, w] of a backbone's last map."""
    return nn.Sequential(AtrousPooling(inputs, width), pixel_classifier(width, width, classes))


def pspnet_head(inputs: int, width: int, classes: int) -> nn.Module:
    """Return what makes logits [B, C, h, w] of a backbone's last map."""
    return nn.Sequential(PyramidPooling(inputs), pixel_classifier(2 * inputs, width, classes))


def pixel_classifier(inputs: int, width: int, classes: int) -> nn.Module:
    """Return a fully convolutional head; on an earlier map, at a quarter of its width, it is the auxiliary one."""
    return nn.Sequential(
        nn.Conv2d(inputs, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Conv2d(width, classes, 1),
    )


def _unit(inputs: int, outputs: int, rate: int | None = None) -> nn.Module:
    """Return a convolution with its normalisation: 3 x 3 at a rate, 1 x 1 without one."""
    convolution = (
        nn.Conv2d(inputs, outputs, 1, bias=False)
        if rate is None
        else nn.Conv2d(inputs, outputs, 3, padding=rate, dilation=rate, bias=False)
    )
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def _check_batch(module: nn.Module, x: Tensor) -> None:
    """Raise ValueError where the average of the image would be normalised over a single value."""
    if module.training and len(x) == 1:
        raise ValueError(
            "a segmentation network is trained on batches of at least 2 images, got 1: "
            "the branch that pools the whole image normalises over the images"
        )
