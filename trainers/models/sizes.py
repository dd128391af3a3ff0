"""How large networks are: what they learn and what an image costs them, found without computing anything."""

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import timm
import torch
from torch.utils.flop_counter import FlopCounterMode

from trainers import models
from trainers.methods import Network, NetworkShape, Output, Setting
from trainers.model_names import PREFIX, SEGMENTATION, TIMM, names
from trainers.models.segmentation import CITYSCAPES_CLASSES

CIFAR_PIXELS, IMAGENET_PIXELS = 32, 224
CITYSCAPES_HEIGHT, CITYSCAPES_WIDTH = 512, 1024
"""Of the crops that the KD literature trains on."""
IMAGENET = (
    *("resnet18", "resnet34", "resnet50", "resnet101", "mobilenetv1", "mobilenetv2_100", "efficientnet_b0"),
    *("convnext_tiny", "deit_tiny_patch16_224", "deit_small_patch16_224"),
    *("vit_small_patch16_224", "vit_base_patch16_224"),
    *(f"swin_{size}_patch4_window7_224" for size in ("tiny", "small", "base")),
)
"""Networks of timm's that the KD literature uses on ImageNet: listed where none is asked for."""


@dataclass(frozen=True, slots=True)
class NetworkSize:
    """A network on images of one size."""

    name: str
    """As a sweep file has it."""
    height: int
    """Of the image in pixels."""
    width: int
    classes: int
    parameters: int
    """How many numbers are learned."""
    multiply_adds: int
    """Of convolutions, linear layers and attention, for one image."""


def sizes(pattern: str | None = None) -> Iterator[NetworkSize]:
    """Yield the project's own networks on 32 x 32, those that label pixels on 512 x 1024, and on 224 x 224 those of
    timm's that the KD literature uses.

    Args:
        pattern: with `*` and `?`; all networks whose name matches instead, timm's among them.
    """
    for name in names():
        if pattern is None or fnmatch.fnmatch(name, pattern):
            yield size_of(name, PREFIX + name, CIFAR_PIXELS, 100)
    for name in SEGMENTATION:
        if pattern is None or fnmatch.fnmatch(name, pattern.removeprefix(TIMM)):
            yield size_of(name, name, CITYSCAPES_HEIGHT, CITYSCAPES_CLASSES, width=CITYSCAPES_WIDTH)
    for name in timm.list_models() if pattern else [one for one in IMAGENET if timm.is_model(one)]:
        own = name.startswith(PREFIX) or name in SEGMENTATION
        if not own and (pattern is None or fnmatch.fnmatch(name, pattern.removeprefix(TIMM))):
            built_for = timm.get_pretrained_cfg(name)
            pixels = IMAGENET_PIXELS if built_for is None else built_for.input_size[-1]
            yield size_of(TIMM + name, name, pixels, 1000)


def with_parts(student: NetworkSize, make: Network, ours: NetworkShape, theirs: NetworkShape) -> NetworkSize:
    """Return the size of the network that a method makes of a student.

    Args:
        ours, theirs: what student and teacher answer with.
    """
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        answer = Output(logits=torch.empty(1, student.classes), maps=tuple(torch.empty(1, *one) for one in ours.maps))
        bias = torch.empty(student.classes)
        heads = [(torch.empty(student.classes, one.vector), bias) for one in (ours, theirs)]
        setting = Setting(student=ours, teacher=theirs, heads=(lambda: heads[0], lambda: heads[1]))
        network = make(torch.nn.Identity(), lambda _images: answer, setting).eval()
        network(torch.empty(1))
    return replace(
        student,
        parameters=student.parameters + sum(parameter.numel() for parameter in network.parameters()),
        multiply_adds=student.multiply_adds + counter.get_total_flops() // 2,
    )


def size_of(
    shown: str,
    name: str,
    pixels: int,
    classes: int,
    *,
    width: int | None = None,
    channels: int = 3,
    arguments: Mapping[str, Any] | None = None,
) -> NetworkSize:
    """Return the size of timm's network `name`.

    Args:
        pixels: height of the image, and its width too where that is not given.
        arguments: with which it takes such images, as `trainers.models.fitting` finds them.
    """
    shape = (pixels, pixels if width is None else width)
    with models.sketched_on(name), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network = models.create(name, classes=classes, channels=channels, arguments=arguments).eval()
        network.requires_grad_(False)  # counting follows gradients, and stumbles over a learned query
        network(torch.empty(1, channels, *shape))
    learned = sum(parameter.numel() for parameter in network.parameters())
    return NetworkSize(shown, *shape, classes, learned, counter.get_total_flops() // 2)
