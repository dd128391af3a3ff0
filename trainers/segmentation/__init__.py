"""What segmentation adds to a trial: pixels as rows for the methods, the loss against the labels, mean IoU.

The networks are in `trainers.models.segmentation`.
"""

from trainers.segmentation.losses import AUX_WEIGHT, Answer, distill_pixels, task_loss
from trainers.segmentation.miou import Confusion
from trainers.segmentation.pixels import IGNORE, Pixels, counted_pixels, resized

__all__ = [
    "AUX_WEIGHT",
    "IGNORE",
    "Answer",
    "Confusion",
    "Pixels",
    "counted_pixels",
    "distill_pixels",
    "resized",
    "task_loss",
]
