"""What goes from rank to rank."""

import pytest
import torch
from timm.layers import BatchNormAct2d
from torch import Tensor, nn

from tests.trainers.ranks.together import in_ranks
from trainers.ranks.parts import part_of
from trainers.ranks.ranks import Ranks

BATCH = 9


def used_by_some(ranks: Ranks) -> list[Tensor | None]:
    """Return gradients of a parameter that every rank has used, of one that the second alone has, and of none's."""
    parameters = [nn.Parameter(torch.ones(2)) for _ in range(3)]
    loss = parameters[0].sum() * (ranks.rank + 1)
    loss = loss + 5 * parameters[1].sum() if ranks.rank == 1 else loss
    loss.backward()
    ranks.add_gradients(parameters)
    return [parameter.grad for parameter in parameters]


def test_gradients_add_up_and_what_nobody_uses_has_none():
    for every, some, none in in_ranks(2, used_by_some):
        assert every.tolist() == [3, 3]
        assert some.tolist() == [5, 5]
        assert none is None


def inputs(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return 30 + torch.randn(shape, generator=generator, dtype=torch.float64)


def layers() -> list[tuple[nn.Module, Tensor]]:
    return [
        (nn.BatchNorm2d(3), inputs(BATCH, 3, 2, 2)),
        (nn.BatchNorm1d(4, affine=False), inputs(BATCH, 4)),
        (BatchNormAct2d(3, momentum=None), inputs(BATCH, 3, 1, 1)),
        (nn.BatchNorm2d(3, track_running_stats=False), inputs(BATCH, 3, 2, 2)),
    ]


def normalised(ranks: Ranks) -> list[list[Tensor]]:
    """Return, for each layer, what comes out, its gradient in what goes in, and the layer's state."""
    found = []
    for layer, whole in layers():
        layer.double()
        part = part_of(BATCH, ranks.rank, ranks.size)
        seen = whole[part.places].requires_grad_()
        with ranks.step(part, synced=True):
            answer = layer(seen)
        (answer * torch.arange(BATCH).double()[part.places].view(-1, *[1] * (whole.ndim - 1))).square().sum().backward()
        ranks.add_gradients([*layer.parameters()]) if [*layer.parameters()] else None
        state = [*layer.state_dict().values(), *(one.grad for one in layer.parameters())]
        found.append([part.places, answer.detach(), seen.grad, *state])
    return found


def test_batch_norm_of_any_class_is_that_of_the_whole_batch():
    alone = normalised(Ranks())
    for ranks in in_ranks(2, normalised):
        for (_, answer, gradient, *state), (rows, part, of_part, *same) in zip(alone, ranks, strict=True):
            torch.testing.assert_close(part, answer[rows], rtol=1e-12, atol=1e-12)
            torch.testing.assert_close(of_part, gradient[rows], rtol=1e-10, atol=1e-10)
            torch.testing.assert_close(same, state, rtol=1e-12, atol=1e-10)


def test_numbers_far_from_zero_keep_their_variance():
    """What sums of squares would lose in float32."""

    class Two(Ranks):
        def _tabled(self, row: Tensor) -> Tensor:
            return torch.stack([row, row])

    ranks, far = Two(0, 2), inputs(BATCH, 1, 2, 2).float() + 1e4
    with ranks.step(part_of(BATCH, 0, 2), synced=True):
        assert nn.BatchNorm2d(1)(far).var().item() == pytest.approx(1, abs=0.1)


def told(ranks: Ranks) -> tuple[list[int], int, list[int]]:
    counts = torch.tensor([ranks.rank, 1])
    ranks.add(counts)
    return ranks.everyones(ranks.rank), ranks.firsts(ranks.rank), counts.tolist()


def test_what_is_said_between_steps():
    assert in_ranks(3, told) == [([0, 1, 2], 0, [3, 3])] * 3


def broken(ranks: Ranks) -> None:
    if ranks.rank == 1:
        raise ZeroDivisionError("of rank 1")
    ranks.add(torch.zeros(1))


def test_a_rank_that_raises_lets_nobody_wait():
    with pytest.raises((RuntimeError, ZeroDivisionError), match=r"Connection|of rank 1"):
        in_ranks(2, broken)
