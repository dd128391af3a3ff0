"""Mean IoU: scikit-learn's numbers over all images together, and cases worked by hand."""

import math
import warnings

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, jaccard_score
from torch.nn import functional

from trainers.segmentation import Confusion


def certain(predicted: list[list[int]], classes: int) -> torch.Tensor:
    """Return logits [1, C, H, W] of these predictions."""
    return functional.one_hot(torch.tensor([predicted]), classes).permute(0, 3, 1, 2).float()


def test_over_several_batches_it_is_scikit_learns():
    generator = torch.Generator().manual_seed(0)
    counted = Confusion(6)
    truth, predictions = [], []
    for high, wide in ((16, 24), (9, 31), (16, 24)):
        logits = torch.randn(2, 6, 4, 6, generator=generator)
        labels = torch.randint(5, (2, high, wide), generator=generator)  # class 5 is only ever predicted
        labels[torch.rand(labels.shape, generator=generator) < 0.3] = 255
        counted.add(logits, labels.to(torch.uint8))
        large = functional.interpolate(logits, (high, wide), mode="bilinear", align_corners=True).argmax(1)
        truth.append(labels[labels != 255])
        predictions.append(large[labels != 255])
    sample = (np.concatenate(truth), np.concatenate(predictions))
    assert np.array_equal(counted.matrix.numpy(), confusion_matrix(*sample, labels=range(6)))
    assert counted.iou().numpy() == pytest.approx(100 * jaccard_score(*sample, labels=range(6), average=None))
    assert counted.miou() == pytest.approx(100 * jaccard_score(*sample, labels=range(6), average="macro"))


def test_worked_by_hand():
    counted = Confusion(4)
    counted.add(certain([[0, 0, 1], [1, 1, 0]], 4), torch.tensor([[[0, 0, 0], [1, 255, 255]]]))
    assert counted.iou().tolist() == pytest.approx([100 * 2 / 3, 50, math.nan, math.nan], nan_ok=True)
    assert counted.miou() == pytest.approx((200 / 3 + 50) / 2)


def test_it_is_of_all_images_and_not_the_mean_of_batches():
    counted = Confusion(2)
    counted.add(certain([[0, 0, 0, 0]], 2), torch.tensor([[[0, 0, 0, 0]]]))  # 100 alone
    counted.add(certain([[0, 1]], 2), torch.tensor([[[1, 0]]]))  # 0 alone
    assert counted.miou() == pytest.approx(100 * (4 / 6 + 0) / 2)


def test_a_class_that_is_labelled_or_predicted_counts_and_one_that_is_neither_does_not():
    counted = Confusion(3)
    counted.add(certain([[0, 2]], 3), torch.tensor([[[0, 0]]]))
    assert counted.iou().tolist() == pytest.approx([50, math.nan, 0], nan_ok=True)
    assert counted.miou() == pytest.approx(25)


def test_nothing_counted_has_no_score():
    counted = Confusion(3)
    counted.add(certain([[0, 2]], 3), torch.tensor([[[255, 255]]]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(counted.miou())


def test_what_is_counted_needs_no_look_at_the_numbers():
    with torch.device("meta"):  # has no numbers to look at
        counted = Confusion(3, "meta")
        counted.add(torch.empty(2, 3, 4, 8), torch.empty(2, 32, 64, dtype=torch.uint8))
    assert counted.iou().shape == (3,)
