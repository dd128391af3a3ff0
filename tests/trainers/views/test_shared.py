"""Views that are shared: made once, the same for all, and nobody may write to them."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from trainers.views.shared import SharedViews, Sharing
from trainers.views.views import Batch, Size, shift_views


class Counted:
    """Views that count what is made."""

    def __init__(self) -> None:
        images = torch.arange(6 * 16, dtype=torch.uint8).reshape(6, 1, 4, 4)
        self._views = shift_views(images, torch.arange(6), pad=1, fill=0)
        self.count, self.centre = self._views.count, self._views.centre
        self.made = 0
        self.sizes: list[Sequence[Size]] = []

    def batches(
        self, images_N: Tensor, views_N: Tensor, rows: int | list[int], sizes: Sequence[Size] = ()
    ) -> Iterator[Batch]:
        self.sizes.append(sizes)
        for batch in self._views.batches(images_N, views_N, rows):
            self.made += 1
            yield batch


IMAGES, VIEWS = torch.tensor([3, 1, 4, 0, 5]), torch.tensor([0, 8, 2, 4, 1])


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_each_batch_is_made_once_and_is_the_same_for_all(counted: Counted):
    shared = SharedViews(counted)
    passes = [shared.batches(IMAGES, VIEWS, 2) for _ in range(3)]
    alone = list(Counted().batches(IMAGES, VIEWS, 2))
    for expected, *seen in zip(alone, *passes, strict=True):
        assert all(batch is seen[0] for batch in seen)
        assert torch.equal(seen[0].pixels, expected.pixels)
    assert counted.made == 3


def test_another_pass_begins_anew_even_where_one_was_left(counted: Counted):
    shared = SharedViews(counted)
    left = shared.batches(IMAGES, VIEWS, 2)
    next(left)
    second = list(shared.batches(IMAGES.flip(0), VIEWS, 2))
    assert [batch.images.tolist() for batch in second] == [[5, 0], [4, 1], [3]]


def test_the_same_pass_can_be_asked_for_again(counted: Counted):
    shared = SharedViews(counted)
    for _ in range(3):
        passes = [shared.batches(IMAGES, VIEWS, 2) for _ in range(2)]
        assert [[batch.images.tolist() for batch in both] for both in zip(*passes, strict=True)] == [
            [[3, 1]] * 2, [[4, 0]] * 2, [[5]] * 2
        ]  # fmt: skip
    assert counted.made == 9


def test_what_cannot_be_read_is_told_to_all(monkeypatch: pytest.MonkeyPatch):
    class Broken(Counted):
        def batches(self, *given: Any) -> Iterator[Batch]:
            yield from [*super().batches(*given)][:1]
            raise OSError("a broken picture")

    shared = SharedViews(Broken())
    passes = [shared.batches(IMAGES, VIEWS, 2) for _ in range(3)]
    assert [next(one).images.tolist() for one in passes] == [[3, 1]] * 3
    for one in passes:
        with pytest.raises(OSError, match="a broken picture"):
            next(one)


def test_sizes_of_all_are_asked_for(counted: Counted):
    share = Sharing()
    shared = share(counted, [(8, 8)])
    assert share(counted, [(6, 6)]) is shared
    list(shared.batches(IMAGES, VIEWS, 2, [(6, 6)]))
    assert counted.sizes == [[(6, 6), (8, 8)]]


def test_whoever_runs_ahead_or_writes_is_found(counted: Counted):
    shared = SharedViews(counted)
    first, second = shared.batches(IMAGES, VIEWS, 2), shared.batches(IMAGES, VIEWS, 2)
    next(first)
    next(second).pixels.add_(1)
    with pytest.raises(AssertionError, match="written to"):
        next(first)
    shared = SharedViews(Counted())
    ahead, behind = shared.batches(IMAGES, VIEWS, 2), shared.batches(IMAGES, VIEWS, 2)
    next(ahead), next(behind), next(ahead), next(ahead)
    with pytest.raises(AssertionError, match="same batch"):
        next(behind)


def test_what_is_found_out_about_a_batch_is_found_out_once(counted: Counted):
    batch = next(counted.batches(IMAGES, VIEWS, 2))
    found = [batch.once(name, lambda name=name: [name]) for name in ("a", "b", "a")]
    assert found == [["a"], ["b"], ["a"]] and found[0] is found[2]
