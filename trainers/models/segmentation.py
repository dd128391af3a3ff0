"""Networks that label every pixel: heads of DeepLabV3 and PSPNet on backbones of timm's, dilated to stride 8.

They are registered with timm as `<head>_<backbone>`: the KD literature's pairs on Cityscapes (CIRKD, arXiv:2204.06986;
DIST, arXiv:2205.10536; GDKD, arXiv:2512.04625). Dilations, heads and widths are theirs. The stem is timm's, one
convolution of 7 x 7, where their ResNets have three of 3 x 3, for which timm has no weights of a ResNet-18.

A segmentation network answers with logits [B, C, h, w] of the backbone's size, ⌈H / 8⌉ x ⌈W / 8⌉, in training and in
evaluation; `forward_with_aux` answers with those of the auxiliary head too. What becomes of them is in
`trainers.segmentation`.

Shapes: B = batch, C = classes, H, W = the image, h, w = the logits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import timm
from torch import Tensor, nn

from trainers.models._base import refuse_others, register_entry
from trainers.models.segmentation_heads import deeplabv3_head, pixel_classifier, pspnet_head

STRIDE = 8
CITYSCAPES_CLASSES = 19
COUNTER = "num_batches_tracked"
"""Of BatchNorm; files of weights may lack it."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """One of timm's networks, without what follows its last map."""

    weights: str
    """timm's name, with the tag of the ImageNet weights: torchvision's where there are several."""
    width: int
    """Of the heads on it."""
    auxiliary: bool
    """It has an auxiliary head on the stage before the last."""


BACKBONES = {
    "resnet18": Backbone("resnet18.tv_in1k", 128, auxiliary=True),
    "resnet50": Backbone("resnet50.tv_in1k", 256, auxiliary=True),
    "resnet101": Backbone("resnet101.tv_in1k", 256, auxiliary=True),
    "mobilenetv2": Backbone("mobilenetv2_100.ra_in1k", 128, auxiliary=False),
}
HEADS = {"deeplabv3": deeplabv3_head, "pspnet": pspnet_head}


class SegmentationNetwork(nn.Module):
    """A backbone, a head on its last map, and in most an auxiliary head on the map before.

    Args:
        head: makes what turns maps of so many channels, by so many in between, into logits of so many classes.
        pretrained: start the backbone from timm's weights.
    """

    def __init__(
        self,
        head: Callable[[int, int, int], nn.Module],
        backbone: Backbone,
        num_classes: int,
        in_chans: int,
        *,
        pretrained: bool,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = timm.create_model(
            backbone.weights,
            pretrained=pretrained,
            in_chans=in_chans,
            features_only=True,
            output_stride=STRIDE,
            out_indices=(3, 4) if backbone.auxiliary else (4,),
        )
        *before, last = self.backbone.feature_info.channels()
        self.head = head(last, backbone.width, num_classes)
        self.aux = pixel_classifier(before[0], before[0] // 4, num_classes) if before else None

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [B, C, h, w] of images [B, channels, H, W]."""
        logits: Tensor = self.head(self.backbone(x)[-1])
        return logits

    def forward_with_aux(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return logits and the auxiliary head's, both [B, C, h, w]; None where there is no such head."""
        maps = self.backbone(x)
        return self.head(maps[-1]), None if self.aux is None else self.aux(maps[0])


def _register(name: str, head: Callable[[int, int, int], nn.Module], backbone: Backbone) -> None:
    def entry(
        pretrained: bool = False, num_classes: int = CITYSCAPES_CLASSES, in_chans: int = 3, **others: Any
    ) -> SegmentationNetwork:
        refuse_others(name, others)
        return SegmentationNetwork(head, backbone, num_classes, in_chans, pretrained=pretrained)

    register_entry(name, f"{name}; `pretrained` means the backbone's weights, from ImageNet.", entry)


for head_name, head in HEADS.items():
    for backbone_name, backbone in BACKBONES.items():
        _register(f"{head_name}_{backbone_name}", head, backbone)
