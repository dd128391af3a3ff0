"""What of a batch each rank has.

As many images from its front as from its end: a batch that is mixed with itself reversed is then each part mixed with
itself reversed. A batch of fewer than two images a rank is not worth splitting: every rank has the whole of it.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One rank's rows of a batch."""

    places: Tensor
    """[rows] where they lie in the batch, rising; on the CPU."""
    batch: int
    """Rows of the batch."""
    counts: float
    """For so many of them this part stands: for its own, or for an equal part of all where every rank has all."""
    split: bool = True
    """The ranks have different rows, so that what is said of a batch is said of all parts together."""

    @property
    def share(self) -> float:
        """Of the batch, that this part stands for."""
        return self.counts / self.batch


@functools.lru_cache(maxsize=64)  # an epoch has two sizes of batch
def part_of(batch: int, rank: int, ranks: int) -> Part:
    """Return the part of a rank, from 0, of a batch of images."""
    if ranks == 1 or batch < 2 * ranks:
        return Part(torch.arange(batch), batch, batch / ranks, split=False)
    pairs = (batch + 1) // 2  # the middle image of an odd number is the last pair
    first, end = rank * pairs // ranks, (rank + 1) * pairs // ranks
    rows = {*range(first, end), *range(batch - end, batch - first)}
    return Part(torch.tensor(sorted(rows)), batch, len(rows))


def places_of(parts: Sequence[Part]) -> Tensor:
    """Return where the rows of the parts of one batch after the other lie in the epoch."""
    starts, start = [], 0
    for part in parts:
        starts.append(part.places + start)
        start += part.batch
    return torch.cat(starts)
