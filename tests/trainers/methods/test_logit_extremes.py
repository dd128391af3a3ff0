"""Hard inputs: wide gaps, ties, groups of one class, tiny masses, half precision. Finite, and close to float64."""

import math

import pytest
import torch

from tests.trainers.methods.logits import KLS, by_ranking, random_logits, ranked, textbook, with_gradient
from trainers.methods import build
from trainers.methods.dkd import dkd_loss
from trainers.methods.gdkd import gdkd_loss
from trainers.methods.gdkd3 import gdkd3_loss
from trainers.methods.kd import kd_loss
from trainers.methods.terms.ranking import by_teacher, top_ranks

CLASSES = 10
TYPES = (torch.float32, torch.bfloat16, torch.float16)


def far_apart():
    """Gaps of 400 in both, on different classes."""
    student, teacher, _ = random_logits(4, CLASSES)
    student[:, 0], student[:, 1], teacher[:, 2], teacher[:, 3] = 200, -200, 200, -200
    return student, teacher


def faint():
    """Teacher probabilities from 1 down to 1e-30."""
    student, _, _ = random_logits(4, CLASSES)
    return student, torch.linspace(0, -30 * math.log(10), CLASSES, dtype=torch.float64).repeat(4, 1)


def tied():
    """Teacher with ties at each cut."""
    student, teacher, _ = random_logits(4, CLASSES)
    return student, (teacher / 4).round()


def all_equal():
    return random_logits(4, CLASSES)[0], torch.full((4, CLASSES), 2.5, dtype=torch.float64)


HARD = (far_apart, faint, tied, all_equal)


def close(found, expected, dtype):
    """Assert that loss and gradient are finite and near; a gradient comes in the type of the logits."""
    assert found[0].dtype == torch.float32
    assert found[1].dtype == dtype
    torch.testing.assert_close(found[0].double(), expected[0], rtol=2e-6, atol=2e-6)
    loose = max(2e-6, torch.finfo(dtype).eps)
    kind = torch.finfo(dtype)
    near_0 = loose * expected[1].abs().max().item() + kind.tiny * kind.eps  # less than that has no number in the type
    assert torch.isfinite(found[1]).all()
    torch.testing.assert_close(found[1].double(), expected[1], rtol=loose, atol=near_0)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("hard", HARD)
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_kd_is_finite_and_near_float64(hard, dtype, temperature):
    student, teacher = (logits.to(dtype) for logits in hard())
    found = with_gradient(kd_loss, student, teacher, temperature=temperature)
    close(found, with_gradient(kd_loss, student.double(), teacher.double(), temperature=temperature), dtype)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("hard", HARD)
@pytest.mark.parametrize("kl", KLS)
@pytest.mark.parametrize("cuts", [(1,), (5,), (9,), (1, 2), (1, 4), (1, 9), (1, 2, 3)])
def test_partition_is_finite_and_near_float64(hard, dtype, kl, cuts):
    student, teacher = (logits.to(dtype) for logits in hard())
    weights = [1.0 + i for i in range(len(cuts) + 1)]
    for temperature in (1.0, 4.0):

        def loss(logits, t=temperature):
            settings = {"w0": 1.0, "weights": weights, "temperature": t, "kl": kl}
            return by_ranking(logits, teacher, ranking=by_teacher(teacher), cuts=cuts, **settings).loss

        settings = (ranked(teacher), cuts, 1.0, weights, temperature, kl)
        close(with_gradient(loss, student), with_gradient(textbook, student.double(), teacher, *settings), dtype)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("hard", HARD)
def test_the_named_losses_are_finite_and_near_float64(hard, dtype):
    student, teacher = (logits.to(dtype) for logits in hard())
    target = torch.arange(4)
    weights = {"w0": 1.0, "w1": 2.0, "w2": 8.0, "temperature": 1.0}
    losses = [lambda s, t: dkd_loss(s, t, target, alpha=1.0, beta=8.0, temperature=1.0)]
    losses += [lambda s, t, k=k: gdkd_loss(s, t, k=k, **weights) for k in (1, 5, CLASSES - 1)]
    losses += [lambda s, t, k=k: gdkd3_loss(s, t, k=k, **weights) for k in (2, 4, CLASSES - 1)]
    for loss in losses:
        close(with_gradient(loss, student, teacher), with_gradient(loss, student.double(), teacher.double()), dtype)


def test_a_group_of_mass_1e_170_is_compared_as_exactly_as_any_other():
    student, teacher, _ = random_logits(8, CLASSES, size=1.0)
    student[:, 0], teacher[:, 0] = 400, 400
    student, teacher = student.float(), teacher.float()
    settings = {"cuts": (1,), "w0": 0.0, "weights": (0.0, 1.0), "temperature": 1.0}
    found = by_ranking(student, teacher, ranking=by_teacher(teacher), **settings).loss
    expected = kd_loss(student[:, 1:].double(), teacher[:, 1:].double(), temperature=1.0)
    assert found.item() == pytest.approx(expected.item(), rel=2e-6)


def test_of_classes_tied_at_the_cut_those_of_lowest_index_are_in_the_group():
    teacher = torch.tensor([[1.0, 3.0, 1.0, 1.0, 1.0]])
    assert top_ranks(teacher, 3)[0].tolist() == [1, 0, 2]
    student = torch.tensor([[0.5, 1.0, 2.0, 0.1, -1.0]])
    loss = gdkd_loss(student, teacher, k=3, w0=1.0, w1=2.0, w2=8.0, temperature=1.0)
    expected = textbook(student, teacher, [[1, 0, 2, 3, 4]], (3,), 1.0, (2.0, 8.0), 1.0)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)


def test_a_group_of_one_class_has_nothing_inside():
    student, teacher = (logits.float() for logits in far_apart())
    settings = {"w0": 1.0, "temperature": 4.0}
    cuts = tuple(range(1, CLASSES))
    answer = by_ranking(student, teacher, ranking=by_teacher(teacher), cuts=cuts, weights=[9.0] * CLASSES, **settings)
    assert torch.equal(answer.within, torch.zeros(CLASSES))
    torch.testing.assert_close(answer.loss, kd_loss(student, teacher, temperature=4.0))


@pytest.mark.parametrize("classes", [CLASSES, 300])  # sorted whole, and not
def test_a_k_that_leaves_a_group_empty_is_refused(classes):
    student, teacher, _ = random_logits(2, classes)
    empty = [(gdkd_loss, k) for k in (0, classes, classes + 1)] + [(gdkd3_loss, k) for k in (0, 1, classes)]
    for loss, k in empty:
        with pytest.raises(ValueError, match=rf"must be .* the number of classes \({classes}\), got .*{k}"):
            loss(student, teacher, k=k, w0=1.0, w1=1.0, w2=1.0, temperature=1.0)


@pytest.mark.parametrize("name", ["ce", "kd", "dkd", "gdkd", "gdkd3"])
@pytest.mark.parametrize("standardize", [False, True])
def test_under_autocast_the_loss_is_that_of_float32(name, standardize):
    student, teacher, target = random_logits(4, CLASSES)
    student, teacher = student.bfloat16(), teacher.bfloat16()
    method = build(name, **({} if name == "ce" else {"standardize": standardize}))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = method(student, teacher, target, epoch=3)
    outside = method(student.float(), teacher.float(), target, epoch=3)
    assert {value.dtype for value in inside.values()} == {torch.float32}
    assert all(torch.equal(inside[part], outside[part]) for part in outside)


def test_the_pure_losses_are_float32_under_autocast_too():
    student, teacher, target = random_logits(4, CLASSES)
    student, teacher = student.bfloat16(), teacher.bfloat16()
    weights = {"w0": 1.0, "w1": 2.0, "w2": 8.0, "temperature": 4.0}
    losses = (
        lambda: kd_loss(student, teacher, temperature=4.0),
        lambda: dkd_loss(student, teacher, target, alpha=1.0, beta=8.0, temperature=4.0),
        lambda: gdkd_loss(student, teacher, k=5, **weights),
        lambda: gdkd3_loss(student, teacher, k=4, **weights),
    )
    for loss in losses:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            inside = loss()
        assert inside.dtype == torch.float32
        assert torch.equal(inside, loss())
