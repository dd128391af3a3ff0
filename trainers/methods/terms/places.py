"""What a last linear layer says of the places of the map that it reads.

Shapes: B = batch, C = classes, D = channels, H = height, W = width, g = rows and columns of the grid of averages that
the layer reads; 1 where it reads the average of the whole map.
"""

from __future__ import annotations

import math

from trainers.late import Tensor, torch
from trainers.methods.terms.layers import pooled


def grid_of(channels: int, height: int, width: int, inputs: int) -> int | None:
    """Return g of a linear layer with so many inputs on a map; None where there is none."""
    g = math.isqrt(inputs // channels)
    fits = g > 0 and inputs == channels * g * g and height % g == 0 and width % g == 0
    return g if fits else None


def logits_of_places(map_BDHW: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return logits [B, C, H, W] whose average over the map is what the layer says of the image.

    Args:
        weight: [C, D · g · g].
        bias: [C]
    """
    height, width = map_BDHW.shape[2:]
    g = grid_of(map_BDHW.shape[1], height, width, weight.shape[1])
    assert g is not None, "a map that was found to fit"
    kernel = weight.to(map_BDHW.dtype).unflatten(1, (map_BDHW.shape[1], g, g))
    if g == 1:
        logits = torch.einsum("cd,bdn->bcn", kernel.flatten(1), map_BDHW.flatten(2)).unflatten(2, (height, width))
    else:
        spread = kernel.repeat_interleave(height // g, 2).repeat_interleave(width // g, 3)
        logits = torch.einsum("cdhw,bdhw->bchw", spread, map_BDHW) * g**2
    answer: Tensor = logits if bias is None else logits + bias.to(logits.dtype)[:, None, None]
    return answer


def cells(one_BXHW: Tensor, grid: int) -> Tensor:
    """Return the averages [B, X, grid²] of the cells of a map."""
    return pooled(one_BXHW, (grid, grid)).flatten(2)
