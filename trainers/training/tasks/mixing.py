"""Mixup: each image of a batch mixed with another one of it, their classes likewise.

Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", 2018, arXiv:1710.09412. As timm does it,
a batch is mixed with itself reversed by one share, drawn here from a stream of the trial's own.
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from trainers.trials.streams import stream_seed


@dataclass(frozen=True, slots=True)
class Mix:
    """How a batch is mixed."""

    share: float
    """Of each image; the one at the same place from the end has the rest."""

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return inputs [B, …] mixed with themselves reversed."""
        return self.share * inputs + (1 - self.share) * inputs.flip(0)


def mixes(alpha: float, steps: int, *names: object) -> list[Mix] | None:
    """Return how each batch of an epoch is mixed, from the stream with these names; None without mixup."""
    if not alpha:
        return None
    random = np.random.Generator(np.random.Philox(key=stream_seed("mixup", *names)))
    return [Mix(float(share)) for share in random.beta(alpha, alpha, steps)]
