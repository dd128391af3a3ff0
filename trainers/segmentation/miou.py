"""Mean intersection over union, the score of segmentation: over the pixels of all images, as Cityscapes has it.

Shapes: B = batch, C = classes, H, W = size of the labels, h, w = size of the logits.
"""

import torch
from torch import Tensor

from trainers.segmentation.pixels import IGNORE, resized


class Confusion:
    """How often each class was taken for each, counted on the device without waiting for it."""

    def __init__(self, classes: int, device: torch.device | str = "cpu", *, ignore: int = IGNORE) -> None:
        self.classes = classes
        self.ignore = ignore
        self._counts = torch.zeros(classes * classes + 1, dtype=torch.int64, device=device)
        """Of (label, prediction), row by row; those of pixels without a class come last."""

    @torch.no_grad()
    def add(self, logits_BChw: Tensor, labels_BHW: Tensor) -> None:
        """Count a batch. The logits are brought to the size of the labels first, image by image to save memory."""
        for logits_Chw, labels_HW in zip(logits_BChw, labels_BHW, strict=True):
            predicted = resized(logits_Chw[None], *labels_HW.shape).argmax(1).flatten()
            labels = labels_HW.flatten().long()
            cells = torch.where(labels == self.ignore, self.classes**2, labels * self.classes + predicted)
            self._counts.scatter_add_(0, cells, torch.ones_like(cells))  # bincount would wait for its largest number

    @property
    def matrix(self) -> Tensor:
        """[C, C] pixels by label and prediction, without those that have no class."""
        return self._counts[:-1].view(self.classes, self.classes)

    def iou(self) -> Tensor:
        """Return, for each class [C] in percent, the pixels that are both labelled and predicted so, of those that are
        either; NaN for a class that is neither anywhere."""
        matrix = self.matrix.double()
        both = matrix.diagonal()
        return 100 * both / (matrix.sum(0) + matrix.sum(1) - both)

    def miou(self) -> float:
        """Return the mean in percent over the classes that are labelled or predicted somewhere; NaN where none is."""
        return float(self.iou().nanmean())
