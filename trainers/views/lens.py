"""How a network sees pixels: which size, and normalised by which mean and standard deviation."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

GREYS = 255.0
"""Grey value of full brightness."""


@dataclass(frozen=True, slots=True, eq=False)
class Lens:
    """Pixels to inputs.

    Attributes:
        mean, std: [C, 1, 1] in grey values; an input is (pixel - mean) / std in float32.
        size: height and width that pixels are brought to; None leaves them as they are.
    """

    mean: Tensor
    std: Tensor
    size: tuple[int, int] | None = None

    def __call__(self, pixels: Tensor) -> Tensor:
        """Return inputs [B, C, H, W] in float32, channels last, for uint8 pixels."""
        inputs = pixels.float()
        if self.size is not None and tuple(pixels.shape[-2:]) != self.size:
            inputs = functional.interpolate(inputs, self.size, mode="bilinear", antialias=True, align_corners=False)
        return ((inputs - self.mean) / self.std).contiguous(memory_format=torch.channels_last)


def lens(mean: tuple[float, ...], std: tuple[float, ...], device: torch.device, size: tuple[int, int] | None) -> Lens:
    """Return a lens for mean and standard deviation of values in 0 … 1."""
    mean_C, std_C = (torch.tensor(values) * GREYS for values in (mean, std))
    return Lens(mean_C[:, None, None].to(device), std_C[:, None, None].to(device), size)
