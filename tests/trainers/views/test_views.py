"""Views: numbered shifts, equal to padding and cropping by hand."""

import torch

from trainers.views.lens import Lens
from trainers.views.views import shift_views, statistics

IMAGES = torch.arange(2 * 1 * 4 * 4, dtype=torch.uint8).reshape(2, 1, 4, 4)
TARGETS = torch.tensor([7, 8])


def test_every_view_is_the_crop_that_its_number_says():
    views = shift_views(IMAGES, TARGETS, pad=2, fill=99)
    padded = torch.nn.functional.pad(IMAGES, (2, 2, 2, 2), value=99)
    assert views.count == 25
    for number in range(25):
        top, left = divmod(number, 5)
        batch = views.pixels(torch.tensor([1, 0]), torch.tensor([number, number]))
        expected = padded[[1, 0], :, top : top + 4, left : left + 4]
        assert torch.equal(batch, expected)


def test_the_centre_is_the_image_itself():
    views = shift_views(IMAGES, TARGETS, pad=2, fill=0)
    assert torch.equal(views.pixels(torch.tensor([0]), torch.tensor([views.centre])), IMAGES[:1])


def test_batches_come_in_the_order_asked_for_with_their_classes():
    views = shift_views(IMAGES, TARGETS, pad=0, fill=0)
    first, last = views.batches(torch.tensor([1, 0, 1]), torch.zeros(3, dtype=torch.long), 2)
    assert first.targets.tolist() == [8, 7]
    assert torch.equal(first.pixels, IMAGES[[1, 0]])
    assert last.images.tolist() == [1]


def test_normalised_by_the_training_images():
    mean, std = statistics(IMAGES)
    batch = Lens(mean, std)(IMAGES)
    assert batch.mean().abs() < 1e-6
    assert (batch.std() - 1).abs() < 1e-6
