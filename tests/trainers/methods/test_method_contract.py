"""The contract that every registered method keeps."""

import dataclasses
from collections.abc import Iterator

import pytest
import torch

from tests.trainers.methods.logits import random_logits
from trainers.methods import ALL, METHODS, Hyperparameter, Method, build, get, methods, names, standardize
from trainers.methods.partition import by_teacher

every_method = pytest.mark.parametrize("method", ALL, ids=lambda method: method.name)
every_teacher_method = pytest.mark.parametrize(
    "method", [method for method in ALL if method.teacher], ids=lambda method: method.name
)
CLASSES = 10


def answer(method: Method, classes: int = CLASSES, epoch: int = 100, **values):
    """Return what the built method answers on random logits."""
    student, teacher, target = random_logits(8, classes)
    return build(method.name, **values)(student, teacher if method.teacher else None, target, epoch)


def test_names_are_unique_and_each_leads_to_its_method():
    assert len(METHODS) == len(ALL)
    assert methods() == METHODS
    assert names() == tuple(method.name for method in ALL)
    assert all(get(method.name) is method for method in ALL)


@every_method
def test_an_entry_can_be_read_by_a_person(method):
    assert method.summary
    assert method.source.startswith("arXiv:") or method.kind == "baseline"
    assert method.version >= 1


@every_method
def test_hyperparameters_are_a_frozen_dataclass_all_with_defaults(method):
    assert len(method.fields()) == len(dataclasses.fields(method.hyperparameters))
    instance = method.hyperparameters()
    for field in method.fields():
        assert getattr(instance, field.name) == field.default
        with pytest.raises((dataclasses.FrozenInstanceError, AttributeError)):
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
    assert {"ce_weight", "weight", "warmup_epochs", "standardize"} <= {field.name for field in method.fields()}


@every_method
def test_runs_forward_and_backward(method):
    student, teacher, target = random_logits(8, CLASSES)
    student.requires_grad_()
    teacher.requires_grad_()
    result = build(method.name)(student, teacher, target, epoch=1)
    result["loss"].backward()
    assert result["loss"].ndim == 0
    assert torch.isfinite(result["loss"])
    assert torch.isfinite(student.grad).all()
    assert student.grad.any()
    assert teacher.grad is None


@every_method
def test_the_loss_has_a_gradient_and_the_other_parts_none(method):
    student, teacher, target = random_logits(8, CLASSES)
    result = build(method.name)(student.requires_grad_(), teacher, target, epoch=1)
    assert [name for name, value in result.items() if value.requires_grad] == ["loss"]
    assert "ce" in result
    assert all(value.ndim == 0 and torch.isfinite(value) for value in result.values())


@every_teacher_method
def test_the_loss_is_the_weighted_sum_of_cross_entropy_and_the_pure_loss(method):
    student, teacher, target = random_logits(8, CLASSES)
    result = build(method.name, ce_weight=0.25, weight=3.0, warmup_epochs=0)(student, teacher, target, epoch=1)
    shared = {"ce_weight", "weight", "warmup_epochs", "standardize"}
    own = {field.name: field.default for field in method.fields() if field.name not in shared}
    labels = (target,) if method.name == "dkd" else ()
    pure = method.loss(student, teacher, *labels, **own)
    torch.testing.assert_close(result["loss"], 0.25 * result["ce"] + 3.0 * pure)


@every_teacher_method
def test_the_term_warms_up_by_epochs_from_1(method):
    def term(epoch, **values):
        return answer(method, epoch=epoch, ce_weight=0, weight=2, **values)["loss"]

    full = term(1, warmup_epochs=0)
    for epoch, factor in ((1, 0.4), (2, 0.8), (3, 1.0), (100, 1.0)):
        torch.testing.assert_close(term(epoch, warmup_epochs=2.5), factor * full)


@every_teacher_method
def test_standardize_changes_the_loss(method):
    plain, standardized = (answer(method, standardize=value)["loss"] for value in (False, True))
    assert abs(plain - standardized) > 1e-3


@every_teacher_method
def test_standardized_logits_of_any_size_and_offset_are_the_same_to_a_method(method):
    student, teacher, target = random_logits(8, CLASSES)
    built = build(method.name, standardize=True, ce_weight=0)
    result = built(student, teacher, target, epoch=100)["loss"]
    torch.testing.assert_close(built(3 * student - 1, 7 * teacher + 5, target, epoch=100)["loss"], result)


def test_standardize_keeps_the_ranking_of_the_teacher():
    teacher = (random_logits(64, CLASSES)[1] * 2).round() / 2  # with ties
    assert torch.equal(by_teacher(standardize(teacher)), by_teacher(teacher))


@every_teacher_method
def test_a_missing_teacher_is_named(method):
    student, _, target = random_logits(8, CLASSES)
    with pytest.raises(ValueError, match=f"'{method.name}' needs a teacher's logits"):
        build(method.name)(student, None, target, epoch=1)


def settings_of(method: Method, classes: int) -> Iterator[dict[str, object]]:
    """Yield the defaults, with each k that the classes allow, each direction, and without warm-up."""
    defaults = {field.name: field.default for field in method.fields()}
    fields = {field.name: field for field in method.fields()}
    ks = [k for k in range(1, classes) if not method.value_problems("k", k, classes)] if "k" in fields else [None]
    for k in ks:
        for kl in fields["kl"].choices if "kl" in fields else [None]:
            given = {"k": k, "kl": kl, "warmup_epochs": 0.0}
            yield defaults | {name: value for name, value in given.items() if name in defaults and value is not None}


def another(field: Hyperparameter, value: object, classes: int) -> object | None:
    """Return a different value that the field allows; None if there is none."""
    if field.type is bool:
        return not value
    if field.choices is not None:
        return next(choice for choice in field.choices if choice != value)
    near = (value + 1, value - 1) if field.type is int else (value + 1.5,)
    allowed = (other for other in near if field.range is None or not field.range.broken(other, classes))
    return next(allowed, None)


@every_method
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_dead_hyperparameters_change_nothing_and_the_others_do(method, classes):
    for values in settings_of(method, classes):
        before = answer(method, classes, epoch=1, **values)["loss"]
        for field in method.fields():
            other = another(field, values[field.name], classes)
            if other is None:
                continue
            after = answer(method, classes, epoch=1, **{**values, field.name: other})["loss"]
            assert torch.equal(after, before) == (field.name in method.dead(values, classes)), (field.name, values)


@every_method
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_canonical_sets_the_dead_ones_to_their_defaults(method, classes):
    defaults = {field.name: field.default for field in method.fields()}
    for values in settings_of(method, classes):
        dead = method.dead(values, classes)
        for name in dead:
            field = next(field for field in method.fields() if field.name == name)
            changed = {**values, name: another(field, values[name], classes)}
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
    assert set(get(name).dead({"k": k}, classes)) == dead


def test_with_two_classes_nothing_is_compared_among_the_rest_of_dkd():
    assert get("dkd").dead({}, 2) == ("beta",)
    assert get("dkd").dead({}, 3) == ()
