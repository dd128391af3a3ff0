"""The logit methods beside KD and the partition family."""

import math

import pytest
import torch

from tests.benchmarks import textbook_logits, textbook_newer
from tests.trainers.methods.logits import built, kl, random_logits, with_gradient
from trainers.methods import METHODS
from trainers.methods.abkd import abkd_loss
from trainers.methods.akl import akl_loss
from trainers.methods.ctkd import CTKD_METHOD, ctkd_loss
from trainers.methods.dist import DIST_METHOD, dist_loss
from trainers.methods.dtkd import dtkd_loss
from trainers.methods.gkl import gkl_loss
from trainers.methods.ikl import ikl_loss
from trainers.methods.kd import kd_loss
from trainers.methods.luminet import LUMINET_METHOD, luminet_loss
from trainers.methods.mkl import mkl_loss
from trainers.methods.mlkd import MLKD, MLKD_METHOD, mlkd_loss
from trainers.methods.nkd import NKD_METHOD, nkd_loss
from trainers.methods.normkd import normkd_loss
from trainers.methods.ofa import ofa_loss
from trainers.methods.rld import RLD_METHOD, rld_loss
from trainers.methods.terms.standardize import standardize
from trainers.methods.ttm import TTM_METHOD, ttm_loss
from trainers.methods.wkd import WKD_METHOD, class_costs, wkd_loss
from trainers.methods.wttm import WTTM_METHOD, wttm_loss

CLASSES = 10
TYPES = (torch.float32, torch.bfloat16, torch.float16)
RECORDS = (
    DIST_METHOD, MLKD_METHOD, NKD_METHOD, TTM_METHOD, WTTM_METHOD, RLD_METHOD, CTKD_METHOD, LUMINET_METHOD, WKD_METHOD,
    *(METHODS[name] for name in ("mkl", "ikl", "gkl", "normkd", "abkd", "akl", "dtkd", "ofa")),
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
    "mkl": {"factors": (2.0, 1.0, 0.0, -0.5), "temperature": 3.0},
    "ikl": {"alpha": 1.0, "beta": 4.0, "temperature": 3.0, "weight_temperature": 10.0},
    "gkl": {"alpha": 1.0, "beta": 4.0, "gamma": 0.4, "temperature": 3.0, "weight_temperature": 10.0},
    "normkd": {"temperature": 2.0},
    "abkd": {"alpha": 0.7, "beta": 0.4, "temperature": 3.0},
    "akl": {"head": 0.6},
    "dtkd": {"alpha": 3.0, "beta": 1.0, "temperature": 4.0},
    "ofa": {"epsilon": 1.5, "temperature": 2.0},
}
LOSSES = {
    "dist": dist_loss, "mlkd": mlkd_loss, "nkd": nkd_loss, "ttm": ttm_loss, "wttm": wttm_loss, "rld": rld_loss,
    "ctkd": ctkd_loss, "luminet": luminet_loss, "wkd": wkd_loss, "mkl": mkl_loss, "ikl": ikl_loss, "gkl": gkl_loss,
    "normkd": normkd_loss, "abkd": abkd_loss, "akl": akl_loss, "dtkd": dtkd_loss, "ofa": ofa_loss,
}  # fmt: skip
LABELLED = ("nkd", "rld", "wkd", "mkl", "ofa")
SIZED = ("luminet", "dtkd")
"""A constant added to a sample's logits changes something."""
every_case = pytest.mark.parametrize("case", SETTINGS)
every_method = pytest.mark.parametrize("method", RECORDS, ids=lambda method: method.name)


def bind(case, target, classes, losses=LOSSES):
    """Return a loss of student and teacher with its settings bound."""
    name = case.split()[0]
    labels = (target,) if name in LABELLED else ()
    settings = dict(SETTINGS[case])
    if name == "wkd":
        rows = torch.randn(classes, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        settings["cost"] = class_costs(rows, 1.0)
    return lambda student, teacher: losses[name](student, teacher, *labels, **settings)


TEXTBOOK = {name: getattr(textbook_logits, name, None) or getattr(textbook_newer, name) for name in LOSSES}


# the formulas


@every_case
def test_loss_and_gradient_equal_the_textbook(case):
    for seed in range(5):
        student, teacher, target = random_logits(6, 7, seed=seed, size=2.0)
        found = with_gradient(bind(case, target, 7), student, teacher)
        expected = with_gradient(bind(case, target, 7, TEXTBOOK), student, teacher)
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@every_case
def test_gradient_is_that_of_the_loss(case):
    if case == "akl":
        pytest.skip("how much each direction counts is a constant")
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
    if case in SIZED:
        pytest.skip("it does")
    student, teacher, target = random_logits(4, CLASSES)
    loss = bind(case, target, CLASSES)
    shift = torch.tensor([[-3.0], [0.5], [20.0], [100.0]], dtype=torch.float64)
    torch.testing.assert_close(loss(student + shift, teacher - 2 * shift), loss(student, teacher))


def test_a_constant_added_to_the_logits_of_a_class_changes_nothing_for_luminet():
    student, teacher, target = random_logits(4, CLASSES)
    loss, shift = bind("luminet", target, CLASSES), torch.arange(CLASSES, dtype=torch.float64)
    torch.testing.assert_close(loss(student + shift, teacher - shift), loss(student, teacher))


@pytest.mark.parametrize(
    "case",
    ["mlkd", "mlkd released", "mlkd described", "ttm", "wttm", "ctkd", "luminet", "rld", "normkd", "abkd", "akl"],
)
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
    teacher, student = torch.tensor([[0.64, 0.36]]).double().log(), torch.zeros(1, 2).double()
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
        for name in (one for one in method.dead(values, classes) if not isinstance(values[one], str)):
            changed = {**values, name: values[name] * 0.75 if values[name] and isinstance(values[name], float) else 3}
            assert torch.equal(built(method, **changed)(student, teacher, target, 200)["loss"], before), name


def test_dist_is_right_where_a_class_is_nearly_constant_over_the_batch():
    generator = torch.Generator().manual_seed(0)
    teacher = torch.stack([14 + torch.randn(64, generator=generator), torch.zeros(64)], dim=1)
    student = torch.stack([14 + torch.randn(64, generator=generator), torch.zeros(64)], dim=1)
    single = dist_loss(student, teacher, temperature=1.0, beta=2.0, gamma=2.0)
    double = dist_loss(student.double(), teacher.double(), temperature=1.0, beta=2.0, gamma=2.0)
    torch.testing.assert_close(single.double(), double, rtol=1e-6, atol=0)
