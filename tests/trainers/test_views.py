"""Views: numbered shifts, equal to padding and cropping by hand."""

import torch

from trainers.views import shift_views, statistics

IMAGES = torch.arange(2 * 1 * 4 * 4, dtype=torch.uint8).reshape(2, 1, 4, 4)
ONE, NONE = torch.ones(1, 1, 1), torch.zeros(1, 1, 1)


def test_every_view_is_the_crop_that_its_number_says():
    views = shift_views(IMAGES, pad=2, fill=99, mean=NONE, std=ONE)
    padded = torch.nn.functional.pad(IMAGES, (2, 2, 2, 2), value=99).float()
    assert views.count == 25
    for number in range(25):
        top, left = divmod(number, 5)
        batch = views.batch(torch.tensor([1, 0]), torch.tensor([number, number]))
        expected = padded[[1, 0], :, top : top + 4, left : left + 4]
        assert torch.equal(batch, expected)


def test_the_centre_is_the_image_itself():
    views = shift_views(IMAGES, pad=2, fill=0, mean=NONE, std=ONE)
    assert torch.equal(views.batch(torch.tensor([0]), torch.tensor([views.centre])), IMAGES[:1].float())


def test_normalised_by_the_training_images():
    mean, std = statistics(IMAGES)
    views = shift_views(IMAGES, pad=0, fill=0, mean=mean, std=std)
    batch = views.batch(torch.arange(2), torch.zeros(2, dtype=torch.long))
    assert batch.mean().abs() < 1e-6
    assert (batch.std() - 1).abs() < 1e-6
