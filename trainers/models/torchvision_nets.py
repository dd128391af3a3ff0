"""The classification networks of torchvision, registered with timm as `torchvision_<name>`.

Some papers use these and not timm's (GDKD's Transformer teachers among them). Their parameters have torchvision's
names, so its published weights fit.
"""

from typing import Any

import torchvision  # type: ignore[import-untyped]
from torch import nn
from torchvision.models import get_model, get_model_weights, list_models  # type: ignore[import-untyped]

from trainers.model_names import OF_TORCHVISION as PREFIX
from trainers.models._base import TIMMS_OWN, register_entry

TWO_ANSWERS = ("googlenet", "inception_v3")
"""They answer with several logits in training; timm has others of these names."""


def published(name: str) -> Any:
    """Return torchvision's weights of the network that timm knows as `name`; those of a tag behind a dot, else the
    default.

    Raises:
        ValueError: there are none of that tag.
    """
    plain, _, tag = name.removeprefix(PREFIX).partition(".")
    every = get_model_weights(plain)
    if tag and tag not in every.__members__:
        raise ValueError(f"torchvision has no weights {tag!r} of {plain!r} (all: {', '.join(every.__members__)})")
    return every[tag] if tag else every.DEFAULT


def _register(name: str) -> None:
    def entry(pretrained: bool = False, num_classes: int = 1000, in_chans: int = 3, **arguments: Any) -> nn.Module:
        tag = arguments.get("pretrained_cfg")
        weights = published(f"{name}.{tag}" if tag else name) if pretrained else None
        given = {key: value for key, value in arguments.items() if key not in TIMMS_OWN}
        network: nn.Module = get_model(name, weights=weights, num_classes=num_classes, **given)
        if in_chans != 3:
            _take_channels(network, in_chans)
        return network

    register_entry(PREFIX + name, f"torchvision's {name}.", entry)


def _take_channels(network: nn.Module, channels: int) -> None:
    """Put a new first convolution for images of so many channels in the place of the old one."""
    path, first = next((path, module) for path, module in network.named_modules() if isinstance(module, nn.Conv2d))
    new = nn.Conv2d(
        channels,
        first.out_channels,
        first.kernel_size,  # type: ignore[arg-type]  # two numbers
        first.stride,  # type: ignore[arg-type]
        first.padding,  # type: ignore[arg-type]
        bias=first.bias is not None,
    )
    parent, _, last = path.rpartition(".")
    holder = network.get_submodule(parent)
    if last.isdecimal() and isinstance(holder, nn.Sequential):
        holder[int(last)] = new
    else:
        setattr(holder, last, new)


for torchvision_name in list_models(module=torchvision.models):
    if torchvision_name not in TWO_ANSWERS:
        _register(torchvision_name)
