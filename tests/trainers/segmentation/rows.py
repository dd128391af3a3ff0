"""Pixels as rows, for tests that compare one pair of logits."""

from torch import Tensor

from trainers.segmentation import IGNORE, counted_pixels


def pixel_rows(logits: Tensor, labels: Tensor, ignore: int = IGNORE) -> tuple[Tensor, Tensor]:
    """Return logits and classes of the pixels that have a class."""
    pixels = counted_pixels(labels, logits.shape[2], logits.shape[3], ignore)
    return pixels.rows(logits), pixels.targets
