"""One value worked by hand for each loss."""

import math

import pytest
import torch

from tests.trainers.methods.logits import kl
from trainers.methods import build
from trainers.methods.dkd import dkd_loss
from trainers.methods.gdkd import gdkd_loss
from trainers.methods.gdkd3 import gdkd3_loss
from trainers.methods.kd import kd_loss
from trainers.methods.terms.standardize import standardize


def logits(*probabilities: float, temperature: float = 1.0) -> torch.Tensor:
    """Return logits that give these probabilities at this temperature."""
    return temperature * torch.tensor([probabilities], dtype=torch.float64).log()


def test_ce_of_equal_logits_is_the_logarithm_of_the_classes():
    answer = build("ce")(torch.zeros(2, 5), None, torch.tensor([0, 3]), epoch=1)
    assert answer["loss"].item() == pytest.approx(math.log(5))


def test_kd():
    loss = kd_loss(logits(1 / 2, 1 / 2), logits(3 / 4, 1 / 4, temperature=2), temperature=2.0)
    assert loss.item() == pytest.approx(2**2 * (0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)))


def test_dkd():
    student, teacher = logits(1, 1, 1), logits(1 / 6, 1 / 2, 1 / 3, temperature=2)
    loss = dkd_loss(student, teacher, torch.tensor([1]), alpha=3, beta=5, temperature=2)
    assert loss.item() == pytest.approx(2**2 * (3 * kl([1, 1], [1, 2]) + 5 * kl([2, 1], [1, 1])))


@pytest.mark.parametrize("direction", ["forward", "reverse", "both"])
def test_gdkd_turns_the_kl_inside_the_groups_only(direction):
    student, teacher = logits(1, 1, 1, 1), logits(0.1, 0.4, 0.2, 0.3, temperature=2)
    loss = gdkd_loss(student, teacher, k=2, w0=2, w1=3, w2=5, temperature=2, kl=direction)
    forward = 3 * kl([4, 3], [1, 1]) + 5 * kl([2, 1], [1, 1])
    reverse = 3 * kl([1, 1], [4, 3]) + 5 * kl([1, 1], [2, 1])
    inside = {"forward": forward, "reverse": reverse, "both": (forward + reverse) / 2}[direction]
    assert loss.item() == pytest.approx(2**2 * (2 * kl([0.7, 0.3], [1, 1]) + inside))


def test_gdkd3():
    student, teacher = logits(1, 1, 1, 1, 1), logits(0.25, 0.1, 0.3, 0.2, 0.15)
    loss = gdkd3_loss(student, teacher, k=3, w0=2, w1=3, w2=5, temperature=1)
    between = kl([0.3, 0.45, 0.25], [1, 2, 2])
    assert loss.item() == pytest.approx(2 * between + 3 * kl([5, 4], [1, 1]) + 5 * kl([3, 2], [1, 1]))


def test_mean_over_the_batch():
    student, teacher = logits(1 / 2, 1 / 2).repeat(2, 1), torch.cat([logits(3 / 4, 1 / 4), logits(1 / 2, 1 / 2)])
    assert kd_loss(student, teacher, temperature=1.0).item() == pytest.approx(kl([3, 1], [1, 1]) / 2)


def test_standardize_has_mean_0_and_unbiased_deviation_1():
    expected = torch.tensor([[-1.0, 0.0, 1.0]]) / (1 + 1e-7)
    torch.testing.assert_close(standardize(torch.tensor([[10.0, 20.0, 30.0]])), expected)


def test_equal_logits_standardize_to_0_with_a_finite_gradient():
    same = torch.full((1, 4), 7.0, requires_grad=True)
    standard = standardize(same)
    (standard * torch.arange(4.0)).sum().backward()
    assert torch.equal(standard, torch.zeros(1, 4))
    assert torch.isfinite(same.grad).all()
