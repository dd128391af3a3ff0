"""The networks: timm's name space, with the small networks of the KD literature registered in it as `cifar_<name>`.

Importing this module registers them. In a sweep file a plain name means the `cifar_` network on images up to 64 x 64;
`timm:<name>` means timm's own.
"""

import difflib
from collections.abc import Mapping
from typing import Any

import timm
from torch import nn

from trainers.models import digits

__all__ = ["SMALL_IMAGE_PIXELS", "create", "names", "parameters", "timm_name"]

SMALL_IMAGE_PIXELS = 64
ALL = (digits.cifar_tinyresnet, digits.cifar_tinycnn)
PREFIX = "cifar_"


def names() -> tuple[str, ...]:
    """Return the plain names of the project's own networks."""
    return tuple(factory.__name__.removeprefix(PREFIX) for factory in ALL)


def timm_name(plain: str, size: int) -> str:
    """Return timm's name for the network that a sweep file calls `plain`, on images of `size` pixels.

    Raises:
        ValueError: there is no such network; names the nearest one.
    """
    explicit = plain.removeprefix("timm:")
    if explicit != plain:
        return _checked(explicit, plain, known=timm.list_models(), prefix="timm:")
    if size <= SMALL_IMAGE_PIXELS:
        return PREFIX + _checked(plain, plain, known=[*names()], prefix="")
    return _checked(plain, plain, known=timm.list_models(), prefix="timm:")


def _checked(name: str, given: str, known: list[str], prefix: str) -> str:
    if name in known:
        return name
    near = [prefix + match for match in difflib.get_close_matches(name, known, n=1)]
    if not near and not prefix and timm.is_model(name):
        near = [f"timm:{name}"]
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise ValueError(f"unknown model '{given}'{hint} (all: run_sweep.py models)")


def create(name: str, *, classes: int, channels: int, arguments: Mapping[str, Any] | None = None) -> nn.Module:
    """Return a new network by timm's name. Its initial weights are random: see `trainers.randomness`."""
    model: nn.Module = timm.create_model(name, num_classes=classes, in_chans=channels, **(arguments or {}))
    return model


def parameters(model: nn.Module) -> int:
    """Return how many numbers are learned."""
    return sum(parameter.numel() for parameter in model.parameters())
