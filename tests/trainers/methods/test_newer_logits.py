"""What the logit methods of 2024 to 2026 have that others have not: limits, priors, constants, guards."""

import math

import pytest
import torch

from tests.trainers.methods.logits import built, random_logits, with_gradient
from trainers.methods import METHODS
from trainers.methods.abkd import abkd_loss
from trainers.methods.akl import akl_loss
from trainers.methods.dtkd import dtkd_loss
from trainers.methods.gkl import gkl_loss
from trainers.methods.ikl import ikl_loss
from trainers.methods.kd import kd_loss
from trainers.methods.mkl import mkl_loss
from trainers.methods.normkd import normkd_loss
from trainers.methods.ofa import ofa_loss
from trainers.methods.record.outputs import Setting

CLASSES = 10
IKL = {"alpha": 1.0, "beta": 4.0, "temperature": 3.0, "weight_temperature": 2.0}


# abkd


@pytest.mark.parametrize(
    ("limit", "near"),
    [
        ((1.0, 0.0), (1.0, 1e-6)),
        ((0.5, 0.0), (0.5, -1e-6)),
        ((0.0, 1.0), (1e-6, 1.0)),
        ((0.0, -0.5), (-1e-6, -0.5)),
        ((0.7, -0.7), (0.7, -0.7 + 1e-6)),
        ((0.0, 0.0), (1e-5, 1e-5)),
    ],
)
def test_abkd_goes_over_into_its_limits(limit, near):
    student, teacher, _ = random_logits(6, CLASSES, size=1.0)
    at, beside = (
        with_gradient(abkd_loss, student, teacher, alpha=alpha, beta=beta, temperature=2.0)
        for alpha, beta in (limit, near)
    )
    torch.testing.assert_close(at, beside, rtol=1e-3, atol=1e-6)


def test_abkd_is_kd_at_1_and_0_and_the_other_way_round_at_0_and_1():
    student, teacher, _ = random_logits(6, CLASSES)
    forward = abkd_loss(student, teacher, alpha=1.0, beta=0.0, temperature=2.0)
    torch.testing.assert_close(4 * forward, kd_loss(student, teacher, temperature=2.0))
    reverse = abkd_loss(student, teacher, alpha=0.0, beta=1.0, temperature=2.0)
    torch.testing.assert_close(4 * reverse, kd_loss(teacher, student, temperature=2.0))


@pytest.mark.parametrize(
    "exponents", [(0.8, 0.3), (1.2, -0.3), (-0.5, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1.0, -1.0), (-1.0, -1.0)]
)
def test_abkd_is_0_at_equality_and_never_negative(exponents):
    alpha, beta = exponents
    student, teacher, _ = random_logits(64, CLASSES, size=2.0)
    settings = {"alpha": alpha, "beta": beta, "temperature": 2.0}
    assert abs(abkd_loss(teacher + 3.0, teacher, **settings)) < 1e-9
    assert all(abkd_loss(s[None], t[None], **settings) > 0 for s, t in zip(student, teacher, strict=True))


@pytest.mark.parametrize("exponents", [(-2.0, -2.0), (-1.0, -1.0), (-2.0, 0.0), (0.0, -2.0), (-2.0, 0.5), (0.5, -2.0)])
def test_abkd_keeps_its_sign_where_powers_are_beyond_a_float(exponents):
    student, teacher, _ = (one.float() for one in random_logits(64, CLASSES, size=40.0))
    settings = {"alpha": exponents[0], "beta": exponents[1], "temperature": 1.0}
    for one, other in zip(student[:, None], teacher[:, None], strict=True):
        value, gradient = with_gradient(abkd_loss, one, other, **settings)
        assert 0 < value < torch.inf
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("exponents", [(1.2, -0.3), (-0.5, 1.0), (1.0, -1.0), (-1.0, -1.0), (0.8, 0.3)])
@pytest.mark.parametrize("gap", [20.0, 200.0, 30_000.0])
def test_abkd_with_powers_beyond_a_float_is_finite(exponents, dtype, gap):
    student, teacher, _ = (one.to(dtype) if one.is_floating_point() else one for one in random_logits(8, CLASSES))
    student[:, 0], student[:, 1], teacher[:, 2], teacher[:, 3] = gap, -gap, gap, -gap
    value, gradient = with_gradient(abkd_loss, student, teacher, alpha=exponents[0], beta=exponents[1], temperature=1.0)
    assert torch.isfinite(value)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"alpha": 0.001}, "alpha = 0.001"),
        ({"beta": -0.005}, "beta = -0.005"),
        ({"alpha": 0.5, "beta": -0.499}, "alpha + beta = 0.001"),
    ],
)
def test_an_exponent_of_abkd_so_near_to_0_that_rounding_is_left_is_refused(values, said):
    (problem,) = METHODS["abkd"].problems(values, None)
    assert problem.message == f"must be 0, its limit, or at least 0.01 from it, got {said}"
    assert METHODS["abkd"].problems(dict.fromkeys(values, 0.0), None) == []
    assert METHODS["abkd"].problems({"alpha": 0.3, "beta": -0.3}, None) == []


# ikl and gkl


def test_gkl_at_gamma_1_is_ikl():
    student, teacher, _ = random_logits(6, CLASSES)
    torch.testing.assert_close(
        gkl_loss(student, teacher, gamma=1.0, **IKL), ikl_loss(student, teacher, **IKL), rtol=1e-12, atol=1e-12
    )


def test_a_large_offset_between_the_logits_costs_ikl_no_digits():
    student, teacher, _ = random_logits(6, CLASSES)
    exact = ikl_loss(student, teacher, **IKL)
    shifted = ikl_loss(student.float() + 1000, teacher.float() - 1000, **IKL)
    assert shifted.item() == pytest.approx(exact.item(), rel=1e-4)


@pytest.mark.parametrize("name", ["ikl", "gkl"])
def test_the_prior_is_the_mean_of_each_class_in_the_epoch_before(name):
    student, teacher, _ = random_logits(8, 4)
    target = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])  # none of class 3
    values = {"weights": "prior", "weight_temperature": 2.0, "temperature": 3.0, "ce_weight": 0.0, "warmup_epochs": 0}
    method = built(METHODS[name], Setting(classes=4), **values).double()
    pure = {"ikl": ikl_loss, "gkl": gkl_loss}[name]
    arguments = {"alpha": 1.0, "beta": 8.0, "temperature": 3.0, "weights": "prior", "weight_temperature": 2.0}
    arguments |= {"gamma": 0.3} if name == "gkl" else {}
    uniform = torch.full((4, 4), 0.25, dtype=torch.float64)
    for half in (slice(0, 4), slice(4, 8)):  # of the first epoch
        found = method(student[half], teacher[half], target[half], 1)["loss"]
        torch.testing.assert_close(found, pure(student[half], teacher[half], target[half], uniform, **arguments))
    soft = (teacher / 2.0).softmax(1)
    prior = torch.stack([soft[target == c].mean(0) if c < 3 else uniform[3] for c in range(4)])
    kept = {key: tensor.clone() for key, tensor in method.state_dict().items()}
    found = method(student, teacher.flip(0), target, 2)["loss"]
    torch.testing.assert_close(found, pure(student, teacher.flip(0), target, prior, **arguments))
    resumed = built(METHODS[name], Setting(classes=4), **values).double()
    resumed.load_state_dict(kept)
    assert torch.equal(resumed(student, teacher.flip(0), target, 2)["loss"], found)


def test_a_prior_is_needed_where_the_weights_are_its():
    student, teacher, target = random_logits(4, CLASSES)
    with pytest.raises(ValueError, match="need the targets and the prior"):
        ikl_loss(student, teacher, target, weights="prior", **IKL)


# the others


def test_mkl_without_a_margin_or_a_factor_is_kd():
    student, teacher, target = random_logits(6, CLASSES)
    expected = kd_loss(student, teacher, temperature=2.0)
    torch.testing.assert_close(mkl_loss(student, teacher, target, factors=(0.0,), temperature=2.0), expected)
    teacher[:, 3] = teacher[:, 7] = teacher.max(1).values + 1
    expected = kd_loss(student, teacher, temperature=2.0)
    torch.testing.assert_close(mkl_loss(student, teacher, target, factors=(2.0, -1.0), temperature=2.0), expected)


def test_mkl_without_a_factor_is_refused():
    (problem,) = METHODS["mkl"].problems({"factors": []}, None)
    assert problem.message == "must have at least one factor, got an empty list"


def test_normkd_knows_logits_up_to_size_and_offset_but_for_the_teachers_spread():
    student, teacher, _ = random_logits(6, CLASSES)
    once = normkd_loss(student, teacher, temperature=2.0)
    torch.testing.assert_close(normkd_loss(5 * student - 3, teacher + 7, temperature=2.0), once)
    torch.testing.assert_close(normkd_loss(student, 3 * teacher, temperature=2.0), 9 * once)


def test_normkd_of_logits_that_are_all_equal_has_no_gradient():
    student, teacher, _ = random_logits(6, CLASSES)
    student[0], teacher[1] = 2.5, -1.0
    value, gradient = with_gradient(normkd_loss, student, teacher, temperature=2.0)
    assert torch.isfinite(value)
    assert not gradient[:2].any() and gradient[2:].any()


def test_normkd_of_two_classes_is_refused():
    (problem,) = METHODS["normkd"].problems({}, 2)
    assert problem.message.endswith("always the same two numbers; needs at least 3 classes, got 2")
    student, teacher, _ = random_logits(6, 2)
    assert with_gradient(normkd_loss, student, teacher, temperature=2.0)[1].abs().max() < 1e-12
    assert METHODS["normkd"].problems({}, 3) == []


def test_akl_is_the_mean_of_both_directions_by_where_the_gap_lies():
    teacher, student = torch.tensor([[0.5, 0.3, 0.2]]).double().log(), torch.tensor([[0.2, 0.3, 0.5]]).double().log()
    forward = 0.5 * math.log(2.5) + 0.2 * math.log(0.4)
    assert akl_loss(student, teacher, head=0.5).item() == pytest.approx(forward)  # the same both ways
    teacher = torch.tensor([[0.7, 0.2, 0.1]]).double().log()
    p, q = teacher[0].exp(), student[0].exp()
    forward, reverse = (p * (p / q).log()).sum(), (q * (q / p).log()).sum()
    torch.testing.assert_close(akl_loss(student, teacher, head=0.5), 0.5 * forward + 0.5 * reverse)
    torch.testing.assert_close(akl_loss(student, teacher, head=0.95), 0.6 * forward + 0.4 * reverse)


@pytest.mark.parametrize("offset", [-50.0, 0.0])
def test_dtkd_of_logits_below_0_is_positive_and_finite(offset):
    student, teacher, _ = random_logits(6, CLASSES)
    value, gradient = with_gradient(dtkd_loss, student - 50, teacher + offset, alpha=3.0, beta=1.0, temperature=4.0)
    assert value > 0
    assert torch.isfinite(gradient).all()


def test_ofa_at_epsilon_1_is_the_cross_entropy_with_the_teacher_and_the_label():
    student, teacher, target = random_logits(6, CLASSES)
    log_q = student.log_softmax(1)
    expected = -(teacher.softmax(1) * log_q).sum(1).mean()  # (p + 1) − 1 at the target
    torch.testing.assert_close(ofa_loss(student, teacher, target, epsilon=1.0, temperature=1.0), expected)
    sure = torch.full_like(teacher, -1e4).scatter(1, target[:, None], 1e4)
    value = ofa_loss(student, sure, target, epsilon=2.0, temperature=1.0)
    torch.testing.assert_close(value, 3 * torch.nn.functional.cross_entropy(student, target))
