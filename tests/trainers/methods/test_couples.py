"""Whether a method's record is true about what its term compares from row to row: ranks rely on it."""

import pytest
import torch
from torch import Tensor, nn

from tests.trainers.methods.examples import answers, built, leaves
from trainers.methods import Couples, Method, Output, methods

CLASSES = 10
TOLERANCE = 1e-9


def gradients(method: Method, *parts: slice) -> list[Tensor]:
    """Return the gradients of the mean of a method's losses of these parts of a batch, each for itself."""
    student, teacher, target = answers(CLASSES)
    losses, parameters = [], []
    for part in parts:
        whole = built(method, CLASSES)
        for module in whole.modules():
            module.train(not isinstance(module, nn.BatchNorm2d))
        ours, theirs = (_rows(one, part) for one in (student, teacher))
        losses.append(whole(ours, theirs if method.teacher else None, target[part], 100)["loss"])
        parameters.append([*whole.parameters()])
    torch.stack(losses).mean().backward()
    own = [torch.stack([one.grad for one in same]).sum(0) for same in zip(*parameters, strict=True)]
    return [leaf.grad for leaf in leaves(student) if leaf.grad is not None] + own


def _rows(output: Output, part: slice) -> Output:
    images = None if output.images is None else output.images[part]
    sliced = output.with_each(lambda one: one[part])
    return Output(logits=sliced.logits, maps=sliced.maps, preacts=sliced.preacts, vector=sliced.vector, images=images)


@pytest.mark.parametrize("method", methods().values(), ids=lambda method: method.name)
def test_a_batch_is_the_mean_of_its_halves_where_the_record_says_so(method):
    whole, halves = gradients(method, slice(0, 8)), gradients(method, slice(0, 4), slice(4, 8))
    apart = max(float((one - other).abs().max() / one.abs().max()) for one, other in zip(whole, halves, strict=True))
    assert (apart < TOLERANCE) == (method.couples is Couples.NOTHING), apart
