"""digits100: the same everywhere, pools apart, as large as it says."""

import numpy as np
import pytest

from trainers import data
from trainers.data.sets import digits100

DIGEST = "5e334a2d249a0e2902e0fa37007eb660c7bbb1d51e2ea8bf55e2a5e8166d84a4"


def test_content_is_the_same_on_every_machine():
    assert data.describe("digits100").digest == DIGEST


def test_shapes_and_counts():
    images = data.load("digits100")
    assert images.train_images.shape == (10000, 1, 16, 16)
    assert images.test_images.shape == (6000, 1, 16, 16)
    assert (images.info.fit, images.info.validation, images.info.test) == (7500, 2500, 6000)
    for targets, per_class in (
        (images.train_targets[:7500], 75),
        (images.train_targets[7500:], 25),
        (images.test_targets, 60),
    ):
        assert np.bincount(targets, minlength=100).tolist() == [per_class] * 100


def test_no_handwriting_is_in_two_pools():
    pools = digits100._pools(np.random.Generator(np.random.Philox(digits100.SEED)))
    seen: dict[bytes, str] = {}
    shared = 0
    for name, digits in pools.items():
        for handwriting in np.concatenate(digits):
            shared += seen.setdefault(handwriting.tobytes(), name) != name
    assert shared == 0
    assert sum(len(digit) for digits in pools.values() for digit in digits) == 1797


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'digits100'"):
        data.describe("digit100")
