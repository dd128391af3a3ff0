"""What of a batch each rank has."""

import pytest
import torch

from trainers.ranks.parts import part_of, places_of
from trainers.training.tasks.mixing import Mix

SIZES = [(batch, ranks) for ranks in (2, 3, 4, 7) for batch in (2 * ranks, 2 * ranks + 1, 31, 64, 65)]


@pytest.mark.parametrize(("batch", "ranks"), SIZES)
def test_every_row_is_one_ranks_and_no_rank_has_fewer_than_two(batch, ranks):
    parts = [part_of(batch, rank, ranks) for rank in range(ranks)]
    assert sorted(row for part in parts for row in part.places.tolist()) == [*range(batch)]
    assert min(len(part.places) for part in parts) >= 2
    assert max(len(part.places) for part in parts) - min(len(part.places) for part in parts) <= 3
    assert all(part.split and part.counts == len(part.places) for part in parts)
    assert sum(part.share for part in parts) == pytest.approx(1)


@pytest.mark.parametrize(("batch", "ranks"), SIZES)
def test_a_part_mixed_with_itself_is_a_part_of_the_mixed_batch(batch, ranks):
    images, mix = torch.rand(batch, 3), Mix(0.3)
    for rank in range(ranks):
        rows = part_of(batch, rank, ranks).places
        assert torch.equal(mix(images)[rows], mix(images[rows]))


@pytest.mark.parametrize(("batch", "ranks"), [(1, 2), (3, 2), (7, 4)])
def test_of_a_small_batch_every_rank_has_all(batch, ranks):
    parts = [part_of(batch, rank, ranks) for rank in range(ranks)]
    assert all(part.places.tolist() == [*range(batch)] and not part.split for part in parts)
    assert sum(part.counts for part in parts) == pytest.approx(batch)


def test_one_rank_has_everything():
    part = part_of(5, 0, 1)
    assert (part.places.tolist(), part.counts, part.share) == ([0, 1, 2, 3, 4], 5, 1)


def test_places_of_an_epoch_follow_its_batches():
    assert places_of([part_of(6, 1, 2), part_of(5, 1, 2)]).tolist() == [1, 2, 3, 4, 7, 8, 9]
