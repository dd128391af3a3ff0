"""How a network of timm is made to take images of a size: Transformers are built for one size of image.

A Transformer of timm gets `img_size`, and on images that its patches are too coarse for, finer patches: 4 pixels up to
32, 8 at 64, as is usual on small images. What is found is part of every trial's key.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import timm
import torch

from trainers import models
from trainers.model_names import OF_TORCHVISION, OWN, is_segmentation
from trainers.models import own
from trainers.own import OwnCodeError
from trainers.trials.trial import Value

FINEST_PATCH = 4
PATCHES = 8
"""Patches beside one another that an image should have at least, patches of 4 pixels being fine enough."""


@functools.lru_cache(maxsize=256)
def arguments(
    name: str,
    *,
    classes: int,
    channels: int,
    size: int,
    width: int | None = None,
    given: tuple[tuple[str, Value], ...] = (),
) -> Mapping[str, Value]:
    """Return the arguments with which a network takes images of `size` pixels; none for most.

    Args:
        name: timm's.
        given: that a sweep file has for a network of somebody's own.
        width: of the images, where `size` is their height alone.

    Raises:
        ValueError: the network cannot take such images, whatever arguments it is given.
    """
    problem: Exception | None = None
    shape = (size, size if width is None else width)
    for more in _candidates(name, size):
        found = {**more, **dict(given)}
        try:
            _run(name, found, classes, channels, shape)
        except OwnCodeError:
            raise
        except Exception as error:  # noqa: BLE001 (a network's code raises what it likes at a size that it does not take)
            problem = error
        else:
            return found
    raise ValueError(f"'{name}' cannot take images of {shape[0]} x {shape[1]} pixels: {problem}")


@functools.lru_cache(maxsize=256)
def problem_of_one(
    name: str, found: tuple[tuple[str, Value], ...], *, classes: int, channels: int, size: int, width: int
) -> str | None:
    """Return why a network cannot be trained with one image at a time; None where it can.

    Args:
        found: arguments with which it takes the images.
    """
    with models.sketched_on(name), torch.no_grad():
        network = models.create(name, classes=classes, channels=channels, arguments=dict(found)).train()
        try:
            network(torch.empty(1, channels, size, width))
        except ValueError as error:  # of BatchNorm, in torch's words
            return f"it normalises over the images of a batch ({error})"
    return None


def _candidates(name: str, size: int) -> Iterator[Mapping[str, Value]]:
    if name.startswith(OWN):
        yield from own.sizes_of_input(name, size)
        return
    built_for = timm.get_pretrained_cfg(name)
    native = built_for.input_size[-1] if built_for is not None else size
    fixed = bool(built_for is not None and built_for.fixed_input_size)
    patch = max(FINEST_PATCH, size // PATCHES)
    if fixed and size != native:
        if _patch(name) > patch:
            yield {"img_size": size, "patch_size": patch}
        yield {"img_size": size}
    yield {}
    if name.startswith(OF_TORCHVISION):
        yield {"image_size": size}


def _patch(name: str) -> int:
    """Return the height of the patches that the network is built with; 0 where it cuts none."""
    with torch.device("meta"):
        size = getattr(getattr(timm.create_model(name), "patch_embed", None), "patch_size", 0)
    return int(size[0] if isinstance(size, tuple | list) else size)


def _run(name: str, found: Mapping[str, Value], classes: int, channels: int, shape: tuple[int, int]) -> None:
    """Run the network on images without content, which costs nothing but the code's own steps."""
    with models.sketched_on(name), torch.no_grad(), torch.random.fork_rng(devices=()):
        network = models.create(name, classes=classes, channels=channels, arguments=found).eval()
        if name.startswith(OWN):
            own.try_out(name, network, torch.randn(2, channels, *shape), classes)
            return
        answer: Any = network(torch.empty(2, channels, *shape))
    dimensions = 4 if is_segmentation(name) else 2  # logits of every pixel, or of the image
    if answer.ndim != dimensions or tuple(answer.shape[:2]) != (2, classes):
        raise ValueError(f"answers {[*answer.shape]} for two images of {classes} classes")
