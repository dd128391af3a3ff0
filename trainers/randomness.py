"""Random numbers as functions of names: every use has a stream of its own, and nothing global stays seeded."""

from collections.abc import Callable
from typing import TypeVar

import torch

from trainers.streams import stream_seed

T = TypeVar("T")


def generator(*names: object) -> torch.Generator:
    """Return a CPU generator of the stream with these names, at its start."""
    return torch.Generator().manual_seed(stream_seed(*names))


def from_stream(make: Callable[[], T], *names: object) -> T:
    """Call `make` with torch's global CPU generator at the start of the stream, and put the generator back after.

    For code that cannot be handed a generator, such as the initialisation inside timm's networks.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(*names))
        return make()
