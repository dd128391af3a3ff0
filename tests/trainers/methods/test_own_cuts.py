"""Cuts of each sample's own: where they fall, and that the loss is the mean of each sample's own partition."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import settings as run_settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from tests.trainers.methods.logits import (
    KLS,
    by_ranking,
    pairs,
    random_logits,
    ranked,
    repeatable,
    textbook,
    with_gradient,
)
from trainers.methods.gdkd import gdkd_loss
from trainers.methods.gdkd3 import gdkd3_loss
from trainers.methods.terms.groups import compare_own_groups
from trainers.methods.terms.ranking import by_teacher, cut_by_gap, cut_by_mass, own_cuts

CLASSES = 10
TYPES = (torch.float32, torch.bfloat16, torch.float16)
TIGHT = {"rtol": 1e-9, "atol": 1e-9}
WEIGHTS = {"w0": 3.0, "w1": 1.5, "w2": 2.5}
ALMOST_1 = math.nextafter(1.0, 0.0)
LOSSES = {"gdkd": gdkd_loss, "gdkd3": gdkd3_loss}
every_loss = pytest.mark.parametrize("name", LOSSES)
every_cut = pytest.mark.parametrize("cut", ["mass", "gap"])
fewer = run_settings(repeatable, max_examples=20)  # the textbook takes a millisecond a sample
every_type = pytest.mark.parametrize("dtype", TYPES, ids=str)


def by_samples(student, teacher, cuts, w0, weights, temperature, kl="forward"):
    """Return the mean of the textbook's losses, each sample being cut at its own ranks."""
    return torch.stack(
        [
            textbook(
                student[i : i + 1], teacher[i : i + 1], ranked(teacher[i : i + 1]), own, w0, weights, temperature, kl
            )
            for i, own in enumerate(cuts)
        ]
    ).mean()


def ranks_of(name, teacher, cut, mass):
    """Return the ranks at which a loss cuts each sample."""
    raised = teacher if teacher.dtype == torch.float64 else teacher.float()
    found = own_cuts(raised, by_teacher(raised), cut, mass).tolist()
    return [(k,) if name == "gdkd" else (1, max(k, 2)) for k in found]


def expected(name, student, teacher, cut, mass, temperature, kl="forward"):
    """Return the textbook's loss and gradient in float64."""
    weights = (WEIGHTS["w1"], WEIGHTS["w2"]) if name == "gdkd" else (0.0, WEIGHTS["w1"], WEIGHTS["w2"])
    cuts = ranks_of(name, teacher, cut, mass)
    return with_gradient(by_samples, student.double(), teacher, cuts, WEIGHTS["w0"], weights, temperature, kl)


def logits(*rows):
    """Return logits that give these probabilities at temperature 1."""
    return torch.tensor(rows, dtype=torch.float64).log()


# where the cuts fall


@pytest.mark.parametrize(("mass", "cut"), [(0.1, 1), (0.49, 1), (0.51, 2), (0.79, 2), (0.81, 3), (0.94, 3)])
def test_mass_takes_the_fewest_classes_that_hold_it(mass, cut):
    teacher = logits([0.15, 0.5, 0.05, 0.3], [0.5, 0.3, 0.15, 0.05])
    assert cut_by_mass(teacher, by_teacher(teacher), mass).tolist() == [cut, cut]


def test_mass_cuts_a_sure_sample_sooner_than_a_doubtful_one():
    teacher = logits([0.97, 0.01, 0.01, 0.01], [0.25, 0.25, 0.25, 0.25], [0.6, 0.3, 0.05, 0.05])
    assert cut_by_mass(teacher, by_teacher(teacher), 0.7).tolist() == [1, 3, 2]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("mass", [0.96, 0.999999, ALMOST_1])
def test_a_mass_that_only_all_classes_hold_leaves_the_last_one_out(mass, dtype):
    teacher = torch.cat([torch.zeros(1, 4), logits([0.5, 0.3, 0.15, 0.05])]).to(dtype)
    assert cut_by_mass(teacher, by_teacher(teacher), mass).tolist() == [3, 3]


def test_gap_cuts_after_the_largest_fall():
    teacher = torch.tensor([[2.0, 5.0, 1.9, 4.5], [9.0, 2.0, 1.0, 0.0], [3.0, 2.9, 2.8, -4.0]])
    assert cut_by_gap(teacher, by_teacher(teacher)).tolist() == [2, 1, 3]


def test_of_equal_falls_the_first_is_the_cut():
    teacher = torch.tensor([[6.0, 4.0, 2.0, 0.0], [1.0, 1.0, 1.0, 1.0], [4.0, 4.0, 2.0, 0.0], [0.0, 2.0, 2.0, 4.0]])
    assert cut_by_gap(teacher, by_teacher(teacher)).tolist() == [1, 1, 2, 1]


@fewer
@given(pairs(), st.floats(0.01, 0.999))
def test_cuts_leave_no_group_empty(drawn, mass):
    _, teacher = drawn
    for cut in ("mass", "gap"):
        assert all(1 <= k < teacher.shape[1] for k in own_cuts(teacher, by_teacher(teacher), cut, mass).tolist())


@every_loss
@pytest.mark.parametrize("mass", [0.0, 1.0, -0.5, math.nan])
def test_a_mass_that_is_no_share_is_refused(name, mass):
    student, teacher, _ = random_logits(2, 5)
    with pytest.raises(ValueError, match=f"greater than 0 and less than 1, got {mass}"):
        LOSSES[name](student, teacher, **WEIGHTS, temperature=1.0, cut="mass", mass=mass)


@every_loss
def test_a_cut_that_is_none_is_refused(name):
    student, teacher, _ = random_logits(2, 5)
    with pytest.raises(ValueError, match="cut must be one of k, mass, gap, got 'middle'"):
        LOSSES[name](student, teacher, **WEIGHTS, temperature=1.0, cut="middle")


@every_cut
def test_three_groups_of_two_classes_are_refused(cut):
    with pytest.raises(ValueError, match=r"the number of classes \(2\)"):
        gdkd3_loss(torch.zeros(2, 2), torch.zeros(2, 2), **WEIGHTS, temperature=1.0, cut=cut)


# the loss


@every_loss
@every_cut
@fewer
@given(drawn=pairs(classes=3), kl=st.sampled_from(KLS), mass=st.sampled_from([0.3, 0.8, 0.95, ALMOST_1]))
def test_loss_and_gradient_are_the_mean_of_each_samples_textbook(name, cut, drawn, kl, mass):
    student, teacher = drawn
    settings = {**WEIGHTS, "temperature": 2.0, "kl": kl, "cut": cut, "mass": mass}
    found = with_gradient(LOSSES[name], student, teacher, **settings)
    torch.testing.assert_close(found, expected(name, student, teacher, cut, mass, 2.0, kl), **TIGHT)


@fewer
@given(pairs(classes=4), st.sampled_from(KLS), st.data())
def test_any_cuts_are_the_mean_of_each_samples_textbook(drawn, kl, data):
    student, teacher = drawn
    ranks = st.sets(st.integers(1, student.shape[1] - 1), min_size=3, max_size=3)
    cuts = [sorted(data.draw(ranks)) for _ in student]
    weights = (1.0, 2.0, 0.0, 4.0)

    def ours(logits):
        settings = {"w0": 3.0, "weights": weights, "temperature": 2.0, "kl": kl}
        ranking = by_teacher(teacher)
        return compare_own_groups(logits, teacher, ranking_BC=ranking, cuts_BG=torch.tensor(cuts), **settings).loss

    found = with_gradient(ours, student)
    torch.testing.assert_close(found, with_gradient(by_samples, student, teacher, cuts, 3.0, weights, 2.0, kl), **TIGHT)


@pytest.mark.parametrize("kl", KLS)
@pytest.mark.parametrize("cuts", [(1,), (4,), (CLASSES - 1,), (1, 2), (1, CLASSES - 1), (2, 5, 6)])
def test_the_same_cuts_for_all_are_the_fixed_cuts_part_by_part(cuts, kl):
    student, teacher, _ = random_logits(5, CLASSES)
    settings = {"w0": 1.0, "weights": [2.0 + i for i in range(len(cuts) + 1)], "temperature": 4.0, "kl": kl}
    ranking = by_teacher(teacher)
    own = compare_own_groups(student, teacher, ranking_BC=ranking, cuts_BG=torch.tensor([cuts] * 5), **settings)
    fixed = by_ranking(student, teacher, ranking=ranking, cuts=cuts, **settings)
    for part in ("loss", "between", "within"):
        torch.testing.assert_close(getattr(own, part), getattr(fixed, part), **TIGHT)


@every_loss
@every_cut
@pytest.mark.parametrize("k", [1, 2, 4, CLASSES - 1])
def test_samples_that_agree_on_the_cut_have_the_loss_of_that_k(name, cut, k):
    student, _, _ = random_logits(4, CLASSES)
    small = torch.linspace(0, 0.1, CLASSES, dtype=torch.float64)
    teacher = torch.stack([small.roll(i) + 9.0 * (torch.arange(CLASSES).roll(i) >= CLASSES - k) for i in range(4)])
    settings = {**WEIGHTS, "temperature": 2.0}
    found = with_gradient(LOSSES[name], student, teacher, cut=cut, mass=0.99, **settings)
    fixed = with_gradient(LOSSES[name], student, teacher, k=max(k, 2) if name == "gdkd3" else k, **settings)
    torch.testing.assert_close(found, fixed, **TIGHT)


@every_loss
def test_of_classes_tied_at_the_cut_those_of_lowest_index_are_in_the_group(name):
    teacher = torch.tensor([[1.0, 4.0, 1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0, 2.0]], dtype=torch.float64)
    assert ranks_of("gdkd", teacher, "mass", 0.9) == [(3,), (4,)]  # shares 0.83 and four of 0.04; five of 0.2
    student, _, _ = random_logits(2, 5)
    found = LOSSES[name](student, teacher, cut="mass", mass=0.9, **WEIGHTS, temperature=1.0)
    cuts, weights = (((3,), (4,)), (1.5, 2.5)) if name == "gdkd" else (((1, 3), (1, 4)), (0.0, 1.5, 2.5))
    parts = [
        textbook(student[i : i + 1], teacher[i : i + 1], [order], own, 3.0, weights, 1.0)
        for i, (order, own) in enumerate(zip(([1, 0, 2, 3, 4], [0, 1, 2, 3, 4]), cuts, strict=True))
    ]
    assert found.item() == pytest.approx(sum(part.item() for part in parts) / 2, rel=1e-9)


@every_loss
@every_cut
@pytest.mark.parametrize("kl", KLS)
def test_gradient_is_that_of_the_loss(name, cut, kl):
    student, teacher, _ = random_logits(3, 6)
    settings = {**WEIGHTS, "temperature": 1.7, "kl": kl, "cut": cut, "mass": 0.9}
    assert gradcheck(lambda given: LOSSES[name](given, teacher, **settings), student.requires_grad_())


@every_cut
def test_no_gradient_reaches_the_teacher_and_a_second_differentiation_is_refused(cut):
    student, teacher, _ = random_logits(3, 6)
    loss = gdkd_loss(student.requires_grad_(), teacher.requires_grad_(), cut=cut, **WEIGHTS, temperature=2.0)
    with pytest.raises(RuntimeError, match="once only"):
        torch.autograd.grad(loss, student, create_graph=True)
    loss.backward()
    assert student.grad.any() and teacher.grad is None


# hard inputs


def far_apart():
    """Gaps of 400 in both, on different classes."""
    student, teacher, _ = random_logits(4, CLASSES)
    student[:, 0], student[:, 1], teacher[:, 2], teacher[:, 3] = 200, -200, 200, -200
    return student, teacher


def faint():
    """Teacher probabilities from 1 down to 1e-30."""
    return random_logits(4, CLASSES)[0], torch.linspace(0, -30 * math.log(10), CLASSES, dtype=torch.float64).repeat(
        4, 1
    )


def mixed():
    """One sample of each kind: gaps of 400, faint, tied, all equal; each with a cut of its own."""
    student, teacher = far_apart()
    teacher[1], teacher[2], teacher[3] = faint()[1][0], (teacher[2] / 4).round(), 2.5
    return student, teacher


@every_type
@every_loss
@every_cut
@pytest.mark.parametrize("kl", KLS)
@pytest.mark.parametrize("hard", [far_apart, faint, mixed])
def test_hard_inputs_give_finite_numbers_near_float64(name, cut, kl, hard, dtype):
    student, teacher = (values.to(dtype) for values in hard())
    for temperature, mass in ((1.0, 0.6), (4.0, ALMOST_1)):
        settings = {**WEIGHTS, "temperature": temperature, "kl": kl, "cut": cut, "mass": mass}
        value, gradient = with_gradient(LOSSES[name], student, teacher, **settings)
        true_value, true_gradient = expected(name, student, teacher, cut, mass, temperature, kl)
        assert value.dtype == torch.float32 and gradient.dtype == dtype
        torch.testing.assert_close(value.double(), true_value, rtol=2e-6, atol=2e-6)
        kind = torch.finfo(dtype)
        loose = max(2e-6, kind.eps)  # of the largest entry; what is less has no number in the type
        near_0 = loose * true_gradient.abs().max().item() + kind.tiny * kind.eps
        torch.testing.assert_close(gradient.double(), true_gradient, rtol=loose, atol=near_0)
