"""Random streams: apart from one another, and the global generator is left as it was."""

import torch

from trainers.trials.randomness import from_stream, generator
from trainers.trials.streams import stream_seed


def test_streams_depend_on_every_name():
    seeds = {stream_seed("order", "student", 0, 1), stream_seed("order", "student", 0, 2), stream_seed("views", 0)}
    assert len(seeds) == 3
    assert stream_seed("a", "bc") != stream_seed("ab", "c")


def test_a_stream_starts_over():
    first, second = (torch.rand(3, generator=generator("x", 1)) for _ in range(2))
    assert torch.equal(first, second)


def test_the_global_generator_is_put_back():
    torch.manual_seed(7)
    expected = torch.rand(2)
    torch.manual_seed(7)
    drawn = [from_stream(lambda: torch.rand(2), "weights", seed) for seed in (0, 0, 1)]
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
