"""The hand-written gradient is the derivative, and nothing but the loss has one."""

import pytest
import torch
from torch.autograd import gradcheck

from tests.trainers.methods.logits import KLS, by_ranking, random_logits
from trainers.methods.kd import kd_loss
from trainers.methods.terms.ranking import by_teacher


@pytest.mark.parametrize("kl", KLS)
@pytest.mark.parametrize("cuts", [(1,), (3,), (5,), (1, 2), (1, 4), (2, 3, 5), (1, 2, 3, 4, 5)])
def test_the_partition_passes_gradcheck(cuts, kl):
    student, teacher, _ = random_logits(3, 6)
    weights = [0.5 + i for i in range(len(cuts) + 1)]

    def loss(logits):
        return by_ranking(
            logits,
            teacher,
            ranking=by_teacher(teacher),
            cuts=cuts,
            w0=1.3,
            weights=weights,
            temperature=1.7,
            kl=kl,
        ).loss

    assert gradcheck(loss, student.requires_grad_())


def test_kd_passes_gradcheck():
    student, teacher, _ = random_logits(3, 6)
    assert gradcheck(lambda logits: kd_loss(logits, teacher, temperature=1.7), student.requires_grad_())


def test_an_outer_factor_reaches_the_gradient_and_the_parts_have_none():
    student, teacher, _ = random_logits(3, 6)
    student.requires_grad_()
    arguments = {"cuts": (2,), "w0": 1.0, "weights": (1.0, 1.0), "temperature": 2.0}
    answer = by_ranking(student, teacher, ranking=by_teacher(teacher), **arguments)
    assert not answer.between.requires_grad
    assert not answer.within.requires_grad
    (once,) = torch.autograd.grad(answer.loss, student, retain_graph=True)
    (thrice,) = torch.autograd.grad(3 * answer.loss, student)
    torch.testing.assert_close(thrice, 3 * once)


def test_no_gradient_reaches_the_teacher():
    student, teacher, _ = random_logits(3, 6)
    student.requires_grad_()
    teacher.requires_grad_()
    partition = by_ranking(
        student, teacher, ranking=by_teacher(teacher), cuts=(2,), w0=1.0, weights=(1.0, 1.0), temperature=2.0
    )
    (partition.loss + kd_loss(student, teacher, temperature=2.0)).backward()
    assert student.grad is not None
    assert teacher.grad is None


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"cuts": ()}, "cuts must be rising ranks from 1 to less than the number of classes (6), got []"),
        ({"cuts": (0,)}, "got [0]"),
        ({"cuts": (6,)}, "got [6]"),
        ({"cuts": (3, 3)}, "got [3, 3]"),
        ({"cuts": (4, 2)}, "got [4, 2]"),
        ({"weights": (1.0,)}, "a weight for each of the 2 groups, got 1"),
        ({"kl": "backward"}, "kl must be one of forward, reverse, both, got 'backward'"),
        ({"teacher": torch.zeros(3, 5)}, "one shape [B, C], got [3, 6] and [3, 5]"),
    ],
)
def test_what_does_not_fit_is_refused_with_rule_and_value(changes, rule):
    student, teacher, _ = random_logits(3, 6)
    sound = {"teacher": teacher, "cuts": (2,), "w0": 1.0, "weights": (1.0, 1.0), "temperature": 2.0}
    with pytest.raises(ValueError) as refusal:
        by_ranking(student, ranking=by_teacher(teacher), **{**sound, **changes})
    assert rule in str(refusal.value)


def test_kd_refuses_logits_of_two_shapes():
    with pytest.raises(ValueError, match=r"got \[2, 3\] and \[2, 4\]"):
        kd_loss(torch.zeros(2, 3), torch.zeros(2, 4), temperature=1.0)
