"""The logit methods beside KD and the partition family: dist, mlkd, nkd, ttm, wttm, rld, ctkd, luminet, wkd."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.benchmarks import textbook_logits
from tests.trainers.methods.logits import kl, random_logits, with_gradient
from trainers.methods.ctkd import CTKD_METHOD, ctkd_loss
from trainers.methods.dist import DIST_METHOD, dist_loss
from trainers.methods.kd import kd_loss
from trainers.methods.luminet import LUMINET_METHOD, luminet_loss
from trainers.methods.mlkd import MLKD, MLKD_METHOD, mlkd_loss
from trainers.methods.nkd import NKD_METHOD, nkd_loss
from trainers.methods.record.built import BuiltMethod
from trainers.methods.record.outputs import Setting
from trainers.methods.rld import RLD_METHOD, rld_loss
from trainers.methods.terms.standardize import standardize
from trainers.methods.ttm import TTM_METHOD, ttm_loss
from trainers.methods.wkd import WKD_METHOD, class_costs, wkd_loss
from trainers.methods.wttm import WTTM_METHOD, wttm_loss

CLASSES = 10
TYPES = (torch.float32, torch.bfloat16, torch.float16)
RECORDS = (
    DIST_METHOD, MLKD_METHOD, NKD_METHOD, TTM_METHOD, WTTM_METHOD, RLD_METHOD, CTKD_METHOD, LUMINET_METHOD, WKD_METHOD,
)  # fmt: skip
SETTINGS = {
    "dist": {"temperature": 4.0, "beta": 2.0, "gamma": 1.0},
    "mlkd": {"temperatures": (2.0, 4.0), "mask": "none"},
    "mlkd released": {"temperatures": (1.0, 4.0), "mask": "released", "quantile": 0.3},
    "mlkd described": {"temperatures": (1.0, 4.0), "mask": "described", "quantile": 0.3},
    "nkd": {"gamma": 1.5, "temperature": 2.0},
    "ttm": {"power": 0.3},
    "wttm": {"power": 0.2},
    "rld": {"alpha": 1.0, "alpha_temperature": 1.5, "beta": 8.0, "temperature": 4.0},
    "ctkd": {"temperature": 3.0},
    "luminet": {"alpha": 5.0, "temperature": 2.0},
    "wkd": {"gamma": 20.0, "temperature": 4.0, "regularization": 0.05, "iterations": 10},
}
LOSSES = {
    "dist": dist_loss, "mlkd": mlkd_loss, "nkd": nkd_loss, "ttm": ttm_loss, "wttm": wttm_loss, "rld": rld_loss,
    "ctkd": ctkd_loss, "luminet": luminet_loss, "wkd": wkd_loss,
}  # fmt: skip
every_case = pytest.mark.parametrize("case", SETTINGS)
every_method = pytest.mark.parametrize("method", RECORDS, ids=lambda method: method.name)


def bind(case, target, classes, losses=LOSSES):
    """Return a loss of student and teacher with its settings bound."""
    name = case.split()[0]
    labels = (target,) if name in ("nkd", "rld", "wkd") else ()
    settings = dict(SETTINGS[case])
    if name == "wkd":
        rows = torch.randn(classes, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        settings["cost"] = class_costs(rows, 1.0)
    return lambda student, teacher: losses[name](student, teacher, *labels, **settings)


TEXTBOOK = {name: getattr(textbook_logits, name) for name in LOSSES}


def built(method, setting=None, **values):
    return BuiltMethod(method, method.coerced({**method.defaults(), **values}), setting or Setting())


# the formulas


@pytest.mark.parametrize("case", ["dist", "mlkd"])
def test_loss_and_gradient_equal_the_reference(case):
    with np.load(Path(__file__).parents[2] / "golden" / "logit_losses.npz") as file:
        student, teacher = (torch.from_numpy(file[name]) for name in ("student", "teacher"))
        settings, loss, grad = json.loads(str(file[f"{case}/args"])), file[f"{case}/loss"], file[f"{case}/grad"]
    value, gradient = with_gradient(LOSSES[case], student, teacher, **settings)
    np.testing.assert_allclose(value.numpy(), loss, rtol=1e-9)
    np.testing.assert_allclose(gradient.numpy(), grad, rtol=1e-9, atol=1e-15)


@every_case
def test_loss_and_gradient_equal_the_textbook(case):
    for seed in range(5):
        student, teacher, target = random_logits(6, 7, seed=seed, size=2.0)
        found = with_gradient(bind(case, target, 7), student, teacher)
        expected = with_gradient(bind(case, target, 7, TEXTBOOK), student, teacher)
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@every_case
def test_gradient_is_that_of_the_loss(case):
    student, teacher, target = random_logits(3, 4, seed=3, size=1.0)
    loss = bind(case, target, 4)
    assert torch.autograd.gradcheck(lambda logits: loss(logits, teacher), student.requires_grad_())


@every_case
def test_no_gradient_reaches_the_teacher(case):
    student, teacher, target = random_logits(3, CLASSES)
    loss = bind(case, target, CLASSES)(student.requires_grad_(), teacher.requires_grad_())
    loss.backward()
    assert student.grad.any() and teacher.grad is None


@every_case
def test_a_constant_added_to_the_logits_of_a_sample_changes_nothing(case):
    if case == "luminet":
        pytest.skip("a constant for each class does not")
    student, teacher, target = random_logits(4, CLASSES)
    loss = bind(case, target, CLASSES)
    shift = torch.tensor([[-3.0], [0.5], [20.0], [100.0]], dtype=torch.float64)
    torch.testing.assert_close(loss(student + shift, teacher - 2 * shift), loss(student, teacher))


def test_a_constant_added_to_the_logits_of_a_class_changes_nothing_for_luminet():
    student, teacher, target = random_logits(4, CLASSES)
    loss, shift = bind("luminet", target, CLASSES), torch.arange(CLASSES, dtype=torch.float64)
    torch.testing.assert_close(loss(student + shift, teacher - shift), loss(student, teacher))


@pytest.mark.parametrize("case", ["mlkd", "mlkd released", "mlkd described", "ttm", "wttm", "ctkd", "luminet", "rld"])
def test_a_divergence_is_0_where_nothing_is_to_be_learned_and_else_greater(case):
    for seed in range(5):
        student, teacher, _ = random_logits(6, CLASSES, seed=seed)
        loss = bind(case, teacher.argmax(1), CLASSES)  # rld: the teacher is right
        equal = teacher * SETTINGS[case].get("power", 1.0) + 1.0  # type: ignore[attr-defined]
        value, gradient = with_gradient(loss, equal, teacher)
        assert abs(value) < 1e-9 and gradient.abs().max() < 1e-9
        assert loss(student, teacher) > 1e-3


def test_dist_of_equal_logits_is_above_0_by_the_epsilon_only():
    _, teacher, _ = random_logits(6, CLASSES)
    loss = dist_loss(teacher, teacher, temperature=1.0, beta=1.0, gamma=1.0)
    assert 0 < loss < 1e-5
    assert dist_loss(-teacher, teacher, temperature=1.0, beta=1.0, gamma=1.0) > 1


def test_between_the_samples_of_a_batch_of_one_dist_has_no_relation():
    student, teacher, _ = random_logits(1, CLASSES)
    value, gradient = with_gradient(dist_loss, student, teacher, temperature=2.0, beta=0.0, gamma=3.0)
    assert value == pytest.approx(12.0)
    assert not gradient.any()


# values worked by hand


def test_nkd_by_hand():
    student = torch.tensor([[1 / 2, 1 / 3, 1 / 6]]).log()
    teacher = torch.tensor([[3 / 5, 1 / 5, 1 / 5]]).log()
    loss = nkd_loss(student, teacher, torch.tensor([0]), gamma=2.0, temperature=1.0)
    expected = -0.6 * math.log(0.5) - 2 * (0.5 * math.log(2 / 3) + 0.5 * math.log(1 / 3))
    assert loss.item() == pytest.approx(expected)


def test_ttm_and_wttm_by_hand():
    teacher, student = torch.tensor([[0.64, 0.36]]).log(), torch.zeros(1, 2)
    expected = kl([0.8, 0.6], [1, 1])  # square roots
    assert ttm_loss(student, teacher, power=0.5).item() == pytest.approx(expected)
    assert wttm_loss(student, teacher, power=0.5).item() == pytest.approx(1.4 * expected)


def test_rld_by_hand():
    student = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).log()
    teacher = torch.tensor([[0.2, 0.5, 0.2, 0.1]]).log() * 2
    teacher[0, 2] = teacher[0, 3]  # below the target 0 are 2 and 3; the target is not the highest
    p = torch.softmax(teacher[0], 0).tolist()
    arguments = {"alpha": 2.0, "alpha_temperature": 1.0, "beta": 3.0, "temperature": 2.0}
    loss = rld_loss(student, teacher, torch.tensor([0]), **arguments)
    below = kl([1, 1], [0.3**0.5, 0.4**0.5])
    expected = 2 * kl([p[1], 1 - p[1]], [0.1, 0.9]) + 3 * 4 * below
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_rld_of_a_sample_with_no_or_one_class_below_the_target_is_0_among_them():
    student, _, target = random_logits(2, 4)
    teacher = torch.tensor([[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]], dtype=torch.float64)
    arguments = {"alpha": 0.0, "alpha_temperature": 1.0, "beta": 8.0, "temperature": 1.0}
    for target in ([0, 3], [1, 2]):
        value, gradient = with_gradient(rld_loss, student, teacher, torch.tensor(target), **arguments)
        assert value == 0 and not gradient.any()
    assert rld_loss(student, teacher, torch.tensor([0, 1]), **arguments) > 0


def test_luminet_by_hand():
    student, teacher = torch.tensor([[3.0, 1.0], [1.0, 1.0]]), torch.tensor([[0.0, 2.0], [0.0, 6.0]])
    loss = luminet_loss(student, teacher, alpha=3.0, temperature=1.0)  # to (1, 0), (-1, 0) and (0, -1), (0, 1)
    divergence = kl([1, math.exp(-1)], [math.e, 1]) + kl([1, math.e], [math.exp(-1), 1])
    assert loss.item() == pytest.approx(9 * divergence / 2, rel=1e-4, abs=1e-4)


def test_ctkd_is_kd_at_its_temperature():
    student, teacher, _ = random_logits(4, CLASSES)
    value = ctkd_loss(student, teacher, temperature=torch.tensor(3.0))
    assert value.dtype == torch.float64
    torch.testing.assert_close(value, kd_loss(student, teacher, temperature=3.0))


# mlkd's masks


def test_released_masks_scale_the_terms_and_described_ones_choose():
    student, teacher, _ = random_logits(8, CLASSES)
    student[0] = teacher[0] = 50 * torch.eye(CLASSES, dtype=torch.float64)[0]  # the surest is also matched
    plain, released, described = (
        mlkd_loss(student, teacher, temperatures=[1.0], mask=mask) for mask in ("none", "released", "described")
    )
    torch.testing.assert_close(released, plain / 2)  # 4 of 8 samples and 5 of 10 classes count
    assert described > released  # what is matched already is left out
    everything = mlkd_loss(student, teacher, temperatures=[1.0], mask="described", quantile=1.0)
    torch.testing.assert_close(everything, plain)


def test_a_masked_sample_has_a_gradient_only_through_the_others():
    student, teacher, _ = random_logits(2, CLASSES)
    teacher[0] *= 10  # sure
    arguments = {"temperatures": (4.0,), "mask": "described", "quantile": 0.4}
    other = mlkd_loss(student, teacher, **arguments)
    student[0] = student[0].flip(0)
    assert mlkd_loss(student, teacher, **arguments) != other  # by the relations
    torch.testing.assert_close(
        TEXTBOOK["mlkd"](student, teacher, **arguments), mlkd_loss(student, teacher, **arguments)
    )


def test_mlkd_without_a_temperature_is_refused():
    (problem,) = MLKD_METHOD.problems({"temperatures": []}, None)
    assert (problem.name, problem.message) == (
        "temperatures",
        "must have at least one temperature, got an empty list",
    )
    with pytest.raises(ValueError, match=r"must have at least one temperature"):
        MLKD(temperatures=())
    assert MLKD_METHOD.problems({"temperatures": [4.0, -1.0]}, None)[0].message.startswith("each item must be at least")


def test_mlkd_standardizes_the_logits_of_its_kl_only():
    student, teacher, target = random_logits(8, CLASSES)
    result = built(MLKD_METHOD, mask="none", temperatures=[2.0], standardize=True)(student, teacher, target, 1)
    plain = built(MLKD_METHOD, mask="none", temperatures=[2.0])(student, teacher, target, 1)
    expected = kd_loss(standardize(student), standardize(teacher), temperature=2.0)
    torch.testing.assert_close(result["instance"], expected)
    assert torch.equal(result["classes"], plain["classes"]) and torch.equal(result["batch"], plain["batch"])
    total = 0.1 * result["ce"] + 0.9 * (result["instance"] + result["classes"] + result["batch"])
    torch.testing.assert_close(result["loss"], total)


# ctkd's temperature


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


# hard inputs


def wide():
    """Gaps of 10,000 in both, on different classes."""
    student, teacher, _ = random_logits(4, CLASSES)
    student[:, 0], student[:, 1], teacher[:, 2], teacher[:, 3] = 5000, -5000, 5000, -5000
    return student, teacher


def faint():
    """Teacher probabilities from 1 down to 1e-30."""
    student, _, _ = random_logits(4, CLASSES)
    return student, torch.linspace(0, -30 * math.log(10), CLASSES, dtype=torch.float64).repeat(4, 1)


def tied():
    """Teacher with many ties, one sample all equal."""
    student, teacher, _ = random_logits(4, CLASSES)
    teacher = (teacher / 4).round()
    teacher[0] = 2.5
    return student, teacher


HARD = (wide, faint, tied)


@every_case
@pytest.mark.parametrize("hard", HARD)
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_hard_inputs_are_finite_and_near_float64(case, hard, dtype):
    student, teacher = (logits.to(dtype) for logits in hard())
    loss = bind(case, torch.arange(4), CLASSES)
    value, gradient = with_gradient(loss, student, teacher)
    expected, slope = with_gradient(loss, student.double(), teacher.double())
    assert value.dtype == torch.float32 and gradient.dtype == dtype
    assert torch.isfinite(value) and torch.isfinite(gradient).all()
    torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-5)
    loose = max(1e-4, 2 * torch.finfo(dtype).eps)
    near_0 = loose * slope.abs().max().item() + torch.finfo(dtype).tiny
    torch.testing.assert_close(gradient.double(), slope, rtol=loose, atol=near_0)


@every_case
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("classes", [2, 3])
def test_few_samples_and_few_classes_are_finite(case, batch, classes):
    for size in (1.0, 1e4):
        student, teacher, target = random_logits(batch, classes, size=size)
        value, gradient = with_gradient(bind(case, target, classes), student.float(), teacher.float())
        assert torch.isfinite(value) and torch.isfinite(gradient).all()


@every_case
def test_half_precision_gives_the_loss_of_the_same_values_in_float32_under_autocast_too(case):
    student, teacher, target = random_logits(4, CLASSES)
    student, teacher = student.bfloat16(), teacher.bfloat16()
    loss = bind(case, target, CLASSES)
    expected = loss(student.float(), teacher.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = loss(student, teacher)
    assert expected.dtype == inside.dtype == torch.float32
    assert torch.equal(loss(student, teacher), expected) and torch.equal(inside, expected)


@every_case
def test_logits_of_two_shapes_are_refused(case):
    student, teacher, target = random_logits(4, CLASSES)
    with pytest.raises(ValueError, match=r"logits must be two tensors of one shape \[B, C\]"):
        bind(case, target, CLASSES)(student, teacher[:, 1:])


# the built methods


@every_method
def test_a_built_method_learns_from_defaults_and_logs_its_parts(method):
    student, teacher, target = random_logits(8, CLASSES)
    student.requires_grad_()
    result = built(method)(student, teacher, target, 100)
    result["loss"].backward()
    assert student.grad.any() and torch.isfinite(student.grad).all()
    assert [name for name, value in result.items() if value.requires_grad] == ["loss"]
    assert len(result) >= 3 and all(value.ndim == 0 for value in result.values())
    assert method.hyperparameters() == method.hyperparameters(**method.defaults())


@every_method
def test_standardized_logits_of_any_size_are_the_same_where_the_method_reads_no_others(method):
    student, teacher, target = random_logits(8, CLASSES)
    term = built(method, standardize=True, ce_weight=0)
    same = torch.allclose(
        term(3 * student - 1, 7 * teacher + 5, target, 9)["loss"], term(student, teacher, target, 9)["loss"]
    )
    assert same == (method.name != "mlkd")
    assert (
        abs(
            built(method)(student, teacher, target, 9)["loss"]
            - built(method, standardize=True)(student, teacher, target, 9)["loss"]
        )
        > 1e-3
    )


@every_method
def test_the_tuned_defaults_keep_the_rules(method):
    for tuned in method.by_pair:
        teacher, student = (tuned.pairs or (("any", "other"),))[0]
        defaults = method.defaults(tuned.datasets[0], teacher, student)
        assert method.problems(defaults, 100) == []
        assert all(defaults[name] == value for name, value in tuned.values.items())


@every_method
@pytest.mark.parametrize("classes", [2, 5])
def test_dead_hyperparameters_change_nothing(method, classes):
    student, teacher, target = random_logits(8, classes)
    zero = {name: 0.0 for name in ("alpha", "gamma", "beta", "temperature_range") if name in method.defaults()}
    for values in (method.defaults(), {**method.defaults(), **zero, "mask": "none"}):
        values = {name: value for name, value in values.items() if name in method.defaults()}
        before = built(method, **values)(student, teacher, target, 200)["loss"]
        for name in method.dead(values, classes):
            changed = {**values, name: values[name] * 0.75 if values[name] and isinstance(values[name], float) else 3}
            assert torch.equal(built(method, **changed)(student, teacher, target, 200)["loss"], before), name


def test_dist_is_right_where_a_class_is_nearly_constant_over_the_batch():
    generator = torch.Generator().manual_seed(0)
    teacher = torch.stack([14 + torch.randn(64, generator=generator), torch.zeros(64)], dim=1)
    student = torch.stack([14 + torch.randn(64, generator=generator), torch.zeros(64)], dim=1)
    single = dist_loss(student, teacher, temperature=1.0, beta=2.0, gamma=2.0)
    double = dist_loss(student.double(), teacher.double(), temperature=1.0, beta=2.0, gamma=2.0)
    torch.testing.assert_close(single.double(), double, rtol=1e-6, atol=0)
