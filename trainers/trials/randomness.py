"""Random numbers as functions of names: every use has a stream of its own, and nothing global stays seeded."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from trainers.trials.streams import stream_seed

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


@contextlib.contextmanager
def dropout_stream(device: torch.device, *names: object) -> Iterator[None]:
    """Put torch's global generators, the CPU's and the device's, at the start of the stream for a while.

    For layers that draw in every step and cannot be handed a generator: dropout, stochastic depth.
    """
    devices = [torch.cuda.current_device() if device.index is None else device.index] if device.type == "cuda" else []
    seed = stream_seed("dropout", *names)
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        for index in devices:
            torch.cuda.default_generators[index].manual_seed(seed)
        yield
