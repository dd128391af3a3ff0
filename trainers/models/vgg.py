"""VGG networks with batch normalisation for 32 x 32 images: five blocks of 3 x 3 convolutions and one linear layer.

Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015,
arXiv:1409.1556, table 1 (A, B, D, E; vgg8 has one convolution a block). The state dict has the names of the KD
literature, whose vgg13 has batch normalisation too.
Maps: each block, after its ReLU and before it is pooled.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from torch import nn

from trainers.models._base import Network, Step, fill_convolutions, register, small_linear

WIDTHS = (64, 128, 256, 512, 512)
POOLED_BEFORE_THE_LAST = 64
"""Height in pixels of the images that are pooled before the last block too; smaller ones are left at its size."""


class VGG(Network):
    """Five blocks; the image is halved after each of the first three, and of 64 x 64 images after the fourth.

    Args:
        counts: convolutions of each block.
    """

    def __init__(self, counts: Sequence[int], num_classes: int, in_chans: int) -> None:
        super().__init__(WIDTHS[-1], num_classes, head_name="classifier")
        channels = pairwise((in_chans, *WIDTHS))
        blocks = [_block(inputs, outputs, count) for (inputs, outputs), count in zip(channels, counts, strict=True)]
        self.block0, self.block1, self.block2, self.block3, self.block4 = blocks
        self.relus = nn.ModuleList(nn.ReLU() for _ in blocks)
        self.pool = nn.MaxPool2d(2)
        fill_convolutions(self)
        self.reset_classifier(num_classes)

    def new_classifier(self) -> nn.Module:
        return small_linear(self.num_features, self.num_classes)

    def steps(self) -> Sequence[Step]:
        """Return five functions; what the fourth leaves for the fifth depends on the height of its input."""
        relus = self.relus
        return (
            lambda x: relus[0](self.block0(x)),
            lambda x: relus[1](self.block1(self.pool(x))),
            lambda x: relus[2](self.block2(self.pool(x))),
            lambda x: relus[3](self.block3(self.pool(x))),
            lambda x: relus[4](self.block4(self.pool(x) if x.shape[2] == POOLED_BEFORE_THE_LAST // 8 else x)),
        )


def _block(inputs: int, outputs: int, count: int) -> nn.Sequential:
    """Return `count` convolutions with normalisation, with a ReLU between them and none after the last."""
    layers: list[nn.Module] = []
    for channels in (inputs, *[outputs] * (count - 1)):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


for depth, counts in (
    (8, (1, 1, 1, 1, 1)),
    (11, (1, 1, 2, 2, 2)),
    (13, (2, 2, 2, 2, 2)),
    (16, (2, 2, 3, 3, 3)),
    (19, (2, 2, 4, 4, 4)),
):
    register(
        f"cifar_vgg{depth}",
        f"VGG-{depth} with batch normalisation: {', '.join(map(str, counts))} convolutions, 64 to 512 channels.",
        partial(VGG, counts),
    )
