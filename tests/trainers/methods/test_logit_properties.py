"""What holds for all logits: zero at equality, never negative, shifts, the sum of the parts, the losses among them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.trainers.methods.logits import (
    KLS,
    by_ranking,
    cut_pairs,
    pairs,
    random_logits,
    ranked,
    repeatable,
    textbook,
    with_gradient,
)
from trainers.methods.dkd import dkd_loss
from trainers.methods.gdkd import gdkd_loss
from trainers.methods.gdkd3 import gdkd3_loss
from trainers.methods.kd import kd_loss
from trainers.methods.terms.ranking import by_teacher, target_first, top_ranks

TIGHT = {"rtol": 1e-9, "atol": 1e-9}


def everything(student, teacher, kl="forward"):
    """Return every loss of these logits by name; they have at least three classes."""
    weights = {"w0": 1.0, "w1": 2.0, "w2": 8.0, "temperature": 2.0, "kl": kl}
    target = torch.arange(len(student)) % student.shape[1]
    return {
        "kd": kd_loss(student, teacher, temperature=2.0),
        "dkd": dkd_loss(student, teacher, target, alpha=1.0, beta=8.0, temperature=2.0),
        "gdkd": gdkd_loss(student, teacher, k=1, **weights),
        "gdkd3": gdkd3_loss(student, teacher, k=2, **weights),
    }


kls = st.sampled_from(KLS)
shifts = st.floats(-40, 40)


@repeatable
@given(pairs(classes=3), kls, shifts)
def test_zero_where_the_logits_differ_by_a_constant(logits, kl, shift):
    _, teacher = logits
    for name, loss in everything(teacher + shift, teacher, kl).items():
        assert abs(loss.item()) < 1e-9, name


@repeatable
@given(pairs(classes=3), kls)
def test_never_negative(logits, kl):
    for name, loss in everything(*logits, kl).items():  # type: ignore[call-arg]
        assert loss.item() > -1e-9, name


@repeatable
@given(pairs(classes=3), kls, shifts)
def test_a_constant_added_to_the_students_logits_changes_nothing(logits, kl, shift):
    student, teacher = logits
    shifted = everything(student + shift, teacher, kl)
    for name, loss in everything(student, teacher, kl).items():
        torch.testing.assert_close(shifted[name], loss, **TIGHT, msg=name)


@repeatable
@given(cut_pairs(batch=1), st.sampled_from([1.0, 2.5, 4.0]))
def test_kd_is_the_kl_between_the_groups_and_the_mass_of_each_times_the_kl_inside(drawn, temperature):
    student, teacher, cuts = drawn
    ranking = by_teacher(teacher)
    p = (teacher / temperature).softmax(1)[0, ranking[0]]
    masses = [part.sum().item() for part in p.tensor_split(cuts)]
    whole = by_ranking(student, teacher, ranking=ranking, cuts=cuts, w0=1.0, weights=masses, temperature=temperature)
    torch.testing.assert_close(whole.loss, kd_loss(student, teacher, temperature=temperature), **TIGHT)
    torch.testing.assert_close(
        whole.loss, whole.between + whole.within @ torch.tensor(masses, dtype=torch.float64), **TIGHT
    )


@repeatable
@given(cut_pairs(), kls)
def test_any_cuts_give_the_textbook_loss_and_gradient(drawn, kl):
    student, teacher, cuts = drawn
    weights = [1.5 + i for i in range(len(cuts) + 1)]

    def ours(logits):
        ranking = by_teacher(teacher)
        return by_ranking(
            logits, teacher, ranking=ranking, cuts=cuts, w0=3.0, weights=weights, temperature=2.0, kl=kl
        ).loss

    expected = with_gradient(textbook, student, teacher, ranked(teacher), cuts, 3.0, weights, 2.0, kl)
    torch.testing.assert_close(with_gradient(ours, student), expected, **TIGHT)


@repeatable
@given(pairs(), st.data())
def test_dkd_is_the_partition_that_ranks_the_target_first(logits, data):
    student, teacher = logits
    classes = student.shape[1]
    target = torch.tensor([data.draw(st.integers(0, classes - 1)) for _ in student])
    rankings = [[t, *(c for c in range(classes) if c != t)] for t in target.tolist()]
    assert target_first(target, classes).tolist() == rankings
    loss = dkd_loss(student, teacher, target, alpha=2.0, beta=3.0, temperature=4.0)
    same = by_ranking(
        student, teacher, ranking=torch.tensor(rankings), cuts=(1,), w0=2.0, weights=(7.0, 3.0), temperature=4.0
    )
    assert torch.equal(loss, same.loss)
    torch.testing.assert_close(loss, textbook(student, teacher, rankings, (1,), 2.0, (0.0, 3.0), 4.0), **TIGHT)


@repeatable
@given(pairs())
def test_gdkd_at_k_1_is_dkd_on_the_teachers_top_class(logits):
    student, teacher = logits
    top = torch.tensor([ranking[0] for ranking in ranked(teacher)])
    gdkd = gdkd_loss(student, teacher, k=1, w0=2.0, w1=5.0, w2=3.0, temperature=4.0)
    dkd = dkd_loss(student, teacher, top, alpha=2.0, beta=3.0, temperature=4.0)
    torch.testing.assert_close(gdkd, dkd, **TIGHT)


@repeatable
@given(pairs(), st.data())
def test_the_ranking_goes_by_logit_and_then_by_class_index(logits, data):
    _, teacher = logits
    ranks = data.draw(st.integers(1, teacher.shape[1] - 1))
    assert by_teacher(teacher).tolist() == ranked(teacher)
    assert top_ranks(teacher, ranks).tolist() == [ranking[:ranks] for ranking in ranked(teacher)]


@pytest.mark.parametrize("ranks", [1, 2, 5, 150, 299])
@pytest.mark.parametrize("tied", [False, True])
def test_many_classes_have_the_same_top(ranks, tied):
    teacher = random_logits(16, 300)[1] * 4
    teacher = teacher.round() / 4 if tied else teacher
    assert torch.equal(top_ranks(teacher, ranks), torch.tensor(ranked(teacher))[:, :ranks])


def test_all_equal_among_many_classes_are_ranked_by_index():
    assert torch.equal(top_ranks(torch.zeros(2, 300), 7), torch.arange(7).expand(2, -1))
