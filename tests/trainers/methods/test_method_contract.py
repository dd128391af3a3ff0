"""The contract that every registered method keeps."""

import itertools
from collections.abc import Iterator

import pytest
import timm
import torch
from torch import Tensor

import trainers.models  # noqa: F401 (registers the networks)
from tests.trainers.methods.examples import answers, built, leaves
from tests.trainers.methods.logits import random_logits
from trainers.methods import ALL, METHODS, Hyperparameter, Method, Needs, Output, build, get, methods, names
from trainers.methods.terms.ranking import by_teacher
from trainers.methods.terms.standardize import standardize

every_method = pytest.mark.parametrize("method", ALL, ids=lambda method: method.name)
every_teacher_method = pytest.mark.parametrize(
    "method", [method for method in ALL if method.teacher], ids=lambda method: method.name
)
LOGIT = [method for method in ALL if method.needs is Needs.LOGITS]
every_logit_method = pytest.mark.parametrize("method", LOGIT, ids=lambda method: method.name)
CLASSES = 10
WITH_LABELS = ("dkd", "nkd", "rld", "wkd", "mkl", "ofa", "sld")
"""Methods whose pure loss takes the targets."""
FAMILY = ("kd", "dkd", "gdkd", "gdkd3", "partition")
SOMETIMES_EQUAL = ("cut", "mass", "w1", "w2", "kl")
"""Another cut can be the same one, and with a cut of each sample's own all groups may be of one class."""
LISTS = {
    "partition": [{"cuts": (1,)}, {"cuts": (2,)}, {"cuts": (1, 2)}, {"cuts": (1,), "weights": (2.0, 3.0)}],
    "mlkd": [{}, {"temperatures": (2.0,)}],
}
"""Lists to try."""
SIZE_MATTERS = ("mlkd",)
"""Methods that standardize a part of what they do."""


def answer(method: Method, classes: int = CLASSES, epoch: int = 100, **values):
    """Return what the built method answers on random answers of two networks."""
    student, teacher, target = answers(classes)
    return built(method, classes, **values)(student, teacher if method.teacher else None, target, epoch)


def seen(method: Method, logits: Tensor) -> Tensor | Output:
    """Return the logits as the method takes them; the strong view, where it compares one, is answered with others."""
    return Output(logits=logits, strong=logits.flip(0)) if method.sees_strong({}) else logits


def test_names_are_unique_and_each_leads_to_its_method():
    assert len(METHODS) == len(ALL)
    assert methods() == METHODS
    assert names() == tuple(method.name for method in ALL)
    assert all(get(method.name) is method for method in ALL)


@every_method
def test_an_entry_can_be_read_by_a_person(method):
    assert method.summary
    assert method.source.startswith(("arXiv:", "CVPR ", "doi:")) or method.kind == "baseline"
    assert method.version >= 1


@every_method
def test_hyperparameters_are_a_frozen_model_all_with_defaults(method):
    assert {field.name for field in method.fields()} == set(method.hyperparameters.model_fields)
    instance = method.hyperparameters()
    for field in method.fields():
        assert getattr(instance, field.name) == field.default
        with pytest.raises(ValueError, match="frozen"):
            setattr(instance, field.name, field.default)


@every_method
def test_every_field_has_a_text_and_a_default_of_its_type(method):
    for field in method.fields():
        assert field.doc.endswith("."), field.name
        assert type(field.default) is field.type, field.name
        assert field.choices is None or field.default in field.choices


@every_method
def test_defaults_and_the_ends_of_the_default_search_keep_the_ranges(method):
    assert method.problems({field.name: field.default for field in method.fields()}, 100) == []
    for field in method.fields():
        search = field.range.search if field.range is not None else None
        for end in (getattr(search, "low", None), getattr(search, "high", None)):
            assert end is None or method.value_problems(field.name, end, 100) == [], field.name


@every_teacher_method
def test_what_the_training_loop_reads_is_there(method):
    shared = {"ce_weight", "weight", "warmup_epochs"} | ({"standardize"} if method.needs is Needs.LOGITS else set())
    assert shared <= {field.name for field in method.fields()}


@every_teacher_method
def test_there_is_a_default_search(method):
    assert any(field.range is not None and field.range.search is not None for field in method.fields())


@every_teacher_method
def test_defaults_by_pair_keep_the_ranges_and_name_networks_that_exist(method):
    for tuned in method.by_pair:
        assert method.problems(tuned.values, 1000) == []
        for name in (name for pair in tuned.pairs or () for name in pair):
            assert timm.is_model(name), name


@every_method
def test_runs_forward_and_backward(method):
    student, teacher, target = answers(CLASSES)
    whole = built(method, CLASSES)
    result = whole(student, teacher, target, epoch=1)
    result["loss"].backward()
    assert result["loss"].ndim == 0
    assert torch.isfinite(result["loss"])
    reached = [leaf.grad for leaf in leaves(student) if leaf.grad is not None]
    assert reached
    assert all(torch.isfinite(gradient).all() for gradient in reached)
    assert all(leaf.grad is None for leaf in leaves(teacher))
    assert all(parameter.grad is not None for parameter in whole.parameters())


@every_method
def test_the_loss_has_a_gradient_and_the_other_parts_none(method):
    result = answer(method, epoch=1)
    assert [name for name, value in result.items() if value.requires_grad] == ["loss"]
    assert "ce" in result
    assert all(value.ndim == 0 and torch.isfinite(value) for value in result.values())


@pytest.mark.parametrize("method", [m for m in LOGIT if m.loss is not None], ids=lambda method: method.name)
def test_the_loss_is_the_weighted_sum_of_cross_entropy_and_the_pure_loss(method):
    student, teacher, target = random_logits(8, CLASSES)
    ours, theirs = seen(method, student), seen(method, teacher)
    result = build(method.name, ce_weight=0.25, weight=3.0, warmup_epochs=0)(ours, theirs, target, epoch=1)
    shared = {"ce_weight", "weight", "warmup_epochs", "standardize"}
    own = {field.name: field.default for field in method.fields() if field.name not in shared}
    labels = (target,) if method.name in WITH_LABELS else ()
    if method.name == "sld":
        own = {"temperatures": own["temperatures"]}  # in the first epoch
    if method.sees_strong({}):
        own |= {"student_strong": ours.strong, "teacher_strong": theirs.strong}
    pure = method.loss(student, teacher, *labels, **own)
    torch.testing.assert_close(result["loss"], 0.25 * result["ce"] + 3.0 * pure)


@every_teacher_method
def test_the_term_warms_up_by_epochs_from_1(method):
    def term(epoch, **values):
        torch.manual_seed(0)
        return answer(method, epoch=epoch, ce_weight=0, weight=2, **values)["loss"]

    for epoch, factor in ((1, 0.4), (2, 0.8), (3, 1.0), (100, 1.0)):
        torch.testing.assert_close(term(epoch, warmup_epochs=2.5), factor * term(epoch, warmup_epochs=0))


@every_logit_method
def test_standardize_changes_the_loss(method):
    plain, standardized = (answer(method, standardize=value)["loss"] for value in (False, True))
    assert abs(plain - standardized) > 1e-3


@every_logit_method
def test_standardized_logits_of_any_size_and_offset_are_the_same_to_a_method(method):
    if method.name in SIZE_MATTERS:
        pytest.skip("it standardizes in one of its terms only")
    student, teacher, target = random_logits(8, CLASSES)
    whole = built(method, CLASSES, standardize=True, ce_weight=0)
    result = whole(seen(method, student), seen(method, teacher), target, epoch=100)["loss"]
    other = whole(seen(method, 3 * student - 1), seen(method, 7 * teacher + 5), target, epoch=100)["loss"]
    torch.testing.assert_close(other, result)


@every_logit_method
def test_half_precision_is_computed_in_float32(method):
    student, teacher, target = random_logits(8, CLASSES)
    student, teacher = student.bfloat16(), teacher.bfloat16()
    whole = built(method, CLASSES).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = whole(seen(method, student), seen(method, teacher), target, epoch=3)
    outside = whole(seen(method, student.float()), seen(method, teacher.float()), target, epoch=3)
    assert {value.dtype for value in inside.values()} == {torch.float32}
    assert all(torch.equal(inside[part], outside[part]) for part in outside)


def test_standardize_keeps_the_ranking_of_the_teacher():
    teacher = (random_logits(64, CLASSES)[1] * 2).round() / 2  # with ties
    assert torch.equal(by_teacher(standardize(teacher)), by_teacher(teacher))


@every_teacher_method
def test_a_missing_teacher_is_named(method):
    student, _, target = answers(CLASSES)
    with pytest.raises(ValueError, match=f"'{method.name}' needs a teacher's logits"):
        built(method, CLASSES)(student, None, target, epoch=1)


def settings_of(method: Method, classes: int) -> Iterator[dict[str, object]]:
    """Yield the defaults, with each k that the classes allow, each word, and without warm-up."""
    defaults = method.defaults()
    fields = {field.name: field for field in method.fields()}
    ks = [k for k in range(1, classes) if not method.value_problems("k", k, classes)] if "k" in fields else [None]
    words = [[(field.name, choice) for choice in field.choices] for field in fields.values() if field.choices]
    lists = LISTS.get(method.name, [{}])
    for k, listed, *chosen in itertools.product(ks, lists, *words):
        given = {"k": k, "warmup_epochs": 0.0, **dict(chosen), **listed}
        values = defaults | {name: value for name, value in given.items() if name in defaults and value is not None}
        if not method.problems(values, classes):
            yield values


def another(field: Hyperparameter, value: object, classes: int) -> object | None:
    """Return a different value that the field allows; None if there is none."""
    if field.item is not None:
        return (*(item + 1.5 for item in value),) if field.item is float and value else None  # type: ignore[attr-defined]
    if field.type is bool:
        return not value
    if field.choices is not None:
        return next(choice for choice in field.choices if choice != value)
    near = (value + 1, value - 1) if field.type is int else (value + 1.5, value * 1.01, value * 0.7)
    allowed = (other for other in near if not field.wrong(other, classes))
    return next(allowed, None)


@every_method
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_dead_hyperparameters_change_nothing(method, classes):
    for values in settings_of(method, classes):
        before = answer(method, classes, epoch=1, **values)["loss"]
        for field in method.fields():
            other = another(field, values[field.name], classes)
            if other is None:
                continue
            if field.name in method.dead(values, classes):
                after = answer(method, classes, epoch=1, **{**values, field.name: other})["loss"]
                assert torch.equal(after, before), (field.name, values)


@pytest.mark.parametrize("method", [m for m in ALL if m.name in FAMILY], ids=lambda method: method.name)
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_what_is_not_dead_changes_the_loss(method, classes):
    for values in settings_of(method, classes):
        before = answer(method, classes, epoch=1, **values)["loss"]
        for field in method.fields():
            other = another(field, values[field.name], classes)
            if other is None or field.name in SOMETIMES_EQUAL or field.name in method.dead(values, classes):
                continue
            after = answer(method, classes, epoch=1, **{**values, field.name: other})["loss"]
            assert not torch.equal(after, before), (field.name, values)


@every_method
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_what_is_canonical_can_be_built_and_gives_the_same_loss(method, classes):
    for values in settings_of(method, classes):
        whole = method.canonical(values, classes)
        before, after = (answer(method, classes, epoch=1, **one)["loss"] for one in (values, whole))
        assert torch.equal(before, after), values


@every_method
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_canonical_sets_the_dead_ones_to_their_defaults(method, classes):
    defaults = {field.name: field.default for field in method.fields()}
    for values in settings_of(method, classes):
        dead = method.dead(values, classes)
        for name in dead:
            field = next(field for field in method.fields() if field.name == name)
            other = another(field, values[name], classes)
            changed = values if other is None else {**values, name: other}
            whole = method.canonical(changed, classes)
            assert whole == method.canonical(values, classes)
            assert whole[name] == defaults[name]


@pytest.mark.parametrize(
    ("name", "classes", "k", "dead"),
    [
        ("gdkd", 10, 1, {"w1"}),
        ("gdkd", 10, 9, {"w2"}),
        ("gdkd", 10, 5, set()),
        ("gdkd", 2, 1, {"w1", "w2", "kl"}),
        ("gdkd3", 10, 2, {"w1"}),
        ("gdkd3", 10, 9, {"w2"}),
        ("gdkd3", 3, 2, {"w1", "w2", "kl"}),
    ],
)
def test_groups_of_one_class_have_dead_weights(name, classes, k, dead):
    method = get(name)
    assert set(method.dead({**method.defaults(), "k": k}, classes)) == {"mass", *dead}


@pytest.mark.parametrize("name", ["gdkd", "gdkd3", "partition"])
def test_the_direction_is_dead_where_nothing_inside_a_group_counts(name):
    method = get(name)
    assert "kl" not in method.dead({**method.defaults(), "w2": 0.0}, 10)
    assert "kl" in method.dead({**method.defaults(), "w1": 0.0, "w2": 0.0}, 10)


@pytest.mark.parametrize(
    ("cuts", "weights", "dead"),
    [
        ((5,), (), set()),
        ((1,), (), {"w1"}),
        ((1, 2, 9), (), {"w2"}),
        ((1, 4), (), set()),
        ((1, 4), (1.0, 2.0, 3.0), {"w1", "w2"}),
        (tuple(range(1, 10)), (), {"w1", "w2", "weights", "kl"}),
    ],
)
def test_weights_of_a_partition_that_nobody_asks_for_are_dead(cuts, weights, dead):
    method = get("partition")
    assert set(method.dead({**method.defaults(), "cuts": cuts, "weights": weights}, 10)) == dead


def test_the_weight_of_a_group_of_one_class_stands_as_0_in_the_key():
    values = [{"cuts": (1, 4), "weights": (weight, 2.0, 3.0)} for weight in (0.0, 7.0)]
    first, second = (get("partition").canonical(one, 10) for one in values)
    assert first == second
    assert first["weights"] == (0.0, 2.0, 3.0)


@pytest.mark.parametrize(("cut", "dead"), [("k", {"mass"}), ("mass", {"k"}), ("gap", {"k", "mass"})])
def test_what_a_cut_does_not_ask_for_is_dead(cut, dead):
    for name in ("gdkd", "gdkd3"):
        method = get(name)
        assert set(method.dead({**method.defaults(), "cut": cut, "k": 4}, 10)) == dead


def test_with_two_classes_nothing_is_compared_among_the_rest_of_dkd():
    assert get("dkd").dead({}, 2) == ("beta",)
    assert get("dkd").dead({}, 3) == ()


@every_logit_method
@pytest.mark.parametrize("standardize", [False, True])
def test_a_student_whose_logits_start_equal_gets_a_gradient_of_the_usual_size(method, standardize):
    _, teacher, target = random_logits(16, CLASSES)
    student = torch.zeros(16, CLASSES, requires_grad=True)
    whole, theirs = built(method, CLASSES, standardize=standardize).float(), seen(method, teacher.float())
    result = whole(seen(method, student), theirs, target, epoch=100)
    result["loss"].backward()
    assert torch.isfinite(student.grad).all()
    assert student.grad.norm() < 1e4  # luminet multiplies by alpha², 961


@every_teacher_method
def test_fewer_images_than_a_method_compares_teach_nothing_and_as_many_do(method: Method) -> None:
    def pull(batch: int) -> float:
        ours, theirs, target = answers(CLASSES, batch=batch)
        values = {"ce_weight": 0.0, "warmup_epochs": 0.0} | ({"beta": 0.0} if method.name == "dist" else {})
        loss = built(method, CLASSES, **values)(ours, theirs, target, 1)["loss"]
        grads = torch.autograd.grad(loss, leaves(ours), allow_unused=True)
        assert all(bool(torch.isfinite(grad).all()) for grad in grads if grad is not None)
        return sum(float(grad.abs().sum()) for grad in grads if grad is not None)

    assert pull(method.least_batch) > 1e-6
    assert all(pull(fewer) < 1e-6 for fewer in range(1, method.least_batch))


@every_teacher_method
@pytest.mark.parametrize("classes", [CLASSES, 3])
def test_a_loss_is_nothing_where_its_factors_are_0_and_nowhere_else(method, classes):
    zeros = {
        field.name: 0.0
        for field in method.fields()
        if field.type is float and field.range is not None and field.range.ge == 0 and field.name != "weight"
    }
    values = method.whole(zeros, classes)
    silent = method.silent(values, classes)
    assert set(silent) <= {"ce_weight", *method.factors}
    assert (answer(method, classes, **values)["loss"].item() == 0) == bool(silent)
    for name in set(silent) - {"ce_weight"}:
        assert method.silent({**values, name: 1.0}, classes) == ()
    assert method.silent({**values, "ce_weight": 0.5}, classes) == ()
    assert method.silent({**values, "weight": 0.0}, classes) == ("ce_weight", "weight")
