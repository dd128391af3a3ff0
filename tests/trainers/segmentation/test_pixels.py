"""Pixels as rows: which count, and that each method's loss on them is that of a loop over the pixels."""

import pytest
import torch
from torch.nn import functional

from tests.trainers.segmentation.rows import pixel_rows
from trainers.segmentation import counted_pixels, resized


def test_ignored_pixels_are_left_out_and_rows_are_in_order():
    logits = torch.arange(2 * 3 * 2 * 2.0).view(2, 3, 2, 2)
    labels = torch.tensor([[[0, 255], [2, 1]], [[255, 255], [0, 255]]], dtype=torch.uint8)
    rows, targets = pixel_rows(logits, labels)
    assert targets.tolist() == [0, 2, 1, 0]
    assert targets.dtype == torch.int64
    assert torch.equal(
        rows, torch.stack([logits[0, :, 0, 0], logits[0, :, 1, 0], logits[0, :, 1, 1], logits[1, :, 1, 0]])
    )
    assert torch.equal(rows, pixel_rows(logits.contiguous(memory_format=torch.channels_last), labels)[0])
    assert len(pixel_rows(logits, torch.full_like(labels, 255))[0]) == 0
    assert pixel_rows(logits, labels.long() - 2, ignore=-1)[1].tolist() == [-2, 253, 0, 253, 253, -2, 253]


@pytest.mark.parametrize(("height", "width"), [(5, 9), (8, 8), (33, 65), (40, 70)])
def test_labels_come_to_the_size_of_the_logits_as_pytorchs_nearest_has_them(height, width):
    labels = torch.randint(19, (2, 33, 65))
    found = counted_pixels(labels, height, width).targets.view(2, height, width)
    nearest = functional.interpolate(labels[:, None].double(), (height, width), mode="nearest")
    assert torch.equal(found, nearest[:, 0].long())


def test_gradients_reach_the_pixels_that_count_alone():
    logits = torch.randn(2, 3, 2, 2, requires_grad=True)
    labels = torch.tensor([[[0, 255], [2, 1]], [[255, 255], [0, 255]]])
    pixel_rows(logits, labels)[0].sum().backward()
    assert torch.equal(logits.grad, (labels != 255).float()[:, None].expand_as(logits))


def test_logits_of_another_size_are_refused():
    with pytest.raises(ValueError, match="must be of 1 image of 2 x 3, got 1 image of 3 x 2"):
        counted_pixels(torch.zeros(1, 8, 8), 2, 3).rows(torch.zeros(1, 5, 3, 2))


def test_resizing_keeps_the_outer_pixels():
    logits = torch.tensor([[[[0.0, 1.0, 4.0]]]], dtype=torch.bfloat16)
    assert resized(logits, 1, 5).tolist() == [[[[0.0, 0.5, 1.0, 2.5, 4.0]]]]
    assert resized(logits, 1, 3).dtype == torch.float32
    assert resized(logits.double(), 1, 5).dtype == torch.float64
