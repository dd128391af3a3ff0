"""Methods on logits that have a module: ctkd's learned temperature, wkd's costs of moving between classes."""

import math

import pytest
import torch

from tests.trainers.methods.logits import built, random_logits, with_gradient
from trainers.methods.ctkd import CTKD_METHOD
from trainers.methods.kd import kd_loss
from trainers.methods.record.outputs import Setting
from trainers.methods.wkd import WKD_METHOD, class_costs, wkd_loss

CLASSES = 10


def ctkd_step(epoch, **values):
    """Return the loss before and after one step of the temperature, and the temperature's gradient."""
    student, teacher, target = random_logits(8, CLASSES, size=2.0)
    method = built(CTKD_METHOD, ce_weight=0.0, **values)
    (number,) = method.parameters()
    optimizer = torch.optim.SGD([number], lr=0.5)
    before = method(student, teacher, target, epoch)
    before["loss"].backward()
    optimizer.step()
    return before, method(student, teacher, target, epoch), number.grad


@pytest.mark.parametrize("initial", [-3.0, 1.0])
def test_a_step_of_the_optimizer_makes_the_students_task_harder(initial):
    before, after, gradient = ctkd_step(epoch=10, initial=initial)
    assert gradient != 0
    assert after["temperature"] != before["temperature"]
    assert after["loss"] > before["loss"]


def test_the_reversal_grows_along_a_cosine_over_a_fraction_of_the_training():
    whole = ctkd_step(epoch=10)[2]
    assert torch.equal(ctkd_step(epoch=200)[2], whole)
    torch.testing.assert_close(ctkd_step(epoch=5)[2], 0.5 * whole)
    assert ctkd_step(epoch=1)[2].abs() < 0.03 * whole.abs()
    assert torch.equal(ctkd_step(epoch=1, reversal_fraction=0.0)[2], whole)


def test_the_temperature_starts_at_1_and_20_sigmoids_of_1_and_is_the_one_extra_parameter():
    student, teacher, target = random_logits(8, CLASSES)
    method = built(CTKD_METHOD)
    result = method(student, teacher, target, 1)
    assert method.extra_parameters == 1
    assert result["temperature"].item() == pytest.approx(1 + 20 / (1 + math.exp(-1)))
    torch.testing.assert_close(result["ctkd"], kd_loss(student, teacher, temperature=result["temperature"].item()))


def test_the_student_learns_the_same_whatever_the_reversal():
    _, teacher, target = random_logits(8, CLASSES)
    gradients = []
    for fraction in (0.0, 1.0):
        student = random_logits(8, CLASSES)[0].requires_grad_()
        built(CTKD_METHOD, reversal_fraction=fraction)(student, teacher, target, 1)["loss"].backward()
        gradients.append(student.grad)
    assert torch.equal(*gradients)


# wkd's costs


def transport(goal, cost, **arguments):
    """Return the transport cost of a student that is sure of class 1 beside the target 0."""
    settings = {"temperature": 1.0, "regularization": 0.02, "iterations": 200, **arguments}
    student = torch.tensor([[0.0, 9.0, 0.0, 0.0]], dtype=torch.float64)
    teacher = torch.zeros(1, 4, dtype=torch.float64)
    teacher[0, goal] = 9.0
    target = torch.tensor([0])
    return wkd_loss(student, teacher, target, gamma=1.0, cost=cost, **settings) - wkd_loss(
        student, teacher, target, gamma=0.0, cost=cost, **settings
    )


def test_moving_probability_to_a_near_class_is_cheaper_than_to_a_far_one():
    rows = torch.tensor([[0.0, -1.0], [1.0, 0.0], [1.0, 0.3], [-1.0, 0.0]], dtype=torch.float64)
    cost = class_costs(rows, 1.0)
    same, near, far = (transport(goal, cost).item() for goal in (1, 2, 3))
    assert same < near < far
    assert same < 1e-3
    assert far == pytest.approx(1 - math.exp(-2), abs=1e-2)  # opposite rows: the whole mass over a distance of 2


def test_the_costs_of_classes():
    rows = torch.tensor([[2.0, 0.0], [5.0, 0.0], [0.0, 1.0], [-3.0, 0.0]], dtype=torch.float64)
    cost = class_costs(rows, 0.5)
    expected = [0.0, 0.0, 1 - math.exp(-0.5), 1 - math.exp(-1.0)]
    torch.testing.assert_close(cost[0], torch.tensor(expected, dtype=torch.float64))
    assert torch.equal(cost, cost.T) and not cost.diagonal().any()


def test_the_transport_cost_falls_with_gradient_steps_and_the_plan_is_exact_with_many_iterations():
    student, teacher, target = random_logits(4, CLASSES, size=2.0)
    cost = class_costs(torch.eye(CLASSES, dtype=torch.float64), 1.0)
    settings = {"gamma": 1e3, "temperature": 1.0, "cost": cost, "regularization": 0.02, "iterations": 50}
    values = []
    for _ in range(20):
        value, gradient = with_gradient(wkd_loss, student, teacher, target, **settings)
        values.append(value.item())
        student = student - 0.02 * gradient
    assert values[-1] < values[0] / 2
    # with equal distances the cost is that of half the absolute differences
    student, teacher, target = random_logits(4, CLASSES)
    found = wkd_loss(student, teacher, target, **settings) - wkd_loss(
        student, teacher, target, **(settings | {"gamma": 0.0})
    )
    total = 0.0
    for q, p, y in zip(student, teacher, target.tolist(), strict=True):
        rest = [c for c in range(CLASSES) if c != y]
        total += (1 - math.exp(-1)) * (q[rest].softmax(0) - p[rest].softmax(0)).abs().sum().item() / 2
    assert found.item() == pytest.approx(1e3 * total / 4, rel=0.02)


def test_wkd_uses_the_rows_of_the_teachers_classifier_and_else_equal_distances():
    student, teacher, target = random_logits(4, CLASSES)
    rows = torch.randn(CLASSES, 5, generator=torch.Generator().manual_seed(0))
    values = {"ce_weight": 0.0, "gamma": 20.0}
    arguments = {"gamma": 20.0, "temperature": 8.0, "regularization": 0.05, "iterations": 10}
    for setting, of in ((Setting(class_weights=rows), rows), (Setting(), torch.eye(CLASSES))):
        result = built(WKD_METHOD, setting=setting, **values)(student, teacher, target, 1)
        expected = wkd_loss(student, teacher, target, cost=class_costs(of.double(), 1.0), **arguments)
        torch.testing.assert_close(result["loss"], expected, rtol=1e-6, atol=1e-6)
    with pytest.raises(ValueError, match=r"a cost for 10 classes must be \[10, 10\], got \[3, 3\]"):
        wkd_loss(student, teacher, target, cost=torch.zeros(3, 3), **arguments)


def test_the_factor_of_the_transport_falls_to_0_at_the_end_of_the_training():
    student, teacher, target = random_logits(4, CLASSES)
    method = built(WKD_METHOD, ce_weight=0.0, setting=Setting(epochs=24))
    losses = [method(student, teacher, target, epoch)["loss"] for epoch in (1, 15, 20, 24)]
    label = method(student, teacher, target, 1)["label"]
    half = 0.5 * (1 + math.cos(math.pi * 5 / 9))
    torch.testing.assert_close(losses[1], losses[0])
    torch.testing.assert_close(losses[2], label + half * (losses[0] - label))
    torch.testing.assert_close(losses[3], label)
    kept = built(WKD_METHOD, ce_weight=0.0, decay_from=1.0, setting=Setting(epochs=24))
    torch.testing.assert_close(kept(student, teacher, target, 24)["loss"], losses[0])
