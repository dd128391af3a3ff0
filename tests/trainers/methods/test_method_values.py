"""What a method says of the values it is given, and the one form it brings them to."""

import math

import pytest

from trainers.methods import build, get
from trainers.methods.gdkd import GDKD
from trainers.methods.kd import KD

NAMES = "(it has: cut, k, mass, w0, w1, w2, temperature, kl, ce_weight, weight, warmup_epochs, standardize)"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("temprature", 4.0, "'gdkd' has no hyperparameter 'temprature'; did you mean 'temperature'? " + NAMES),
        ("temperature", "hot", "must be a number, got 'hot'"),
        ("temperature", "4.0", "must be a number, got '4.0'"),
        ("temperature", None, "must be a number, got nothing"),
        ("temperature", True, "must be a number, got true"),
        ("temperature", 0, "must be at least 0.001, got 0"),
        ("temperature", -1.5, "must be at least 0.001, got -1.5"),
        ("temperature", math.nan, "must be a finite number, got .nan"),
        ("temperature", math.inf, "must be a finite number, got .inf"),
        pytest.param("temperature", 10**400, f"must be a finite number, got 1{'0' * 59}…", id="huge"),
        ("weight", -math.inf, "must be a finite number, got -.inf"),
        ("w0", -0.5, "must be at least 0, got -0.5"),
        ("k", True, "must be a whole number, got true"),
        ("k", 5.0, "must be a whole number, got 5.0"),
        ("k", math.nan, "must be a whole number, got .nan"),
        ("k", 0, "must be at least 1, got 0"),
        ("k", 10, "must be less than the number of classes (10), got 10"),
        ("k", 11, "must be less than the number of classes (10), got 11"),
        ("kl", "revers", "must be one of forward, reverse, both, got 'revers'; did you mean 'reverse'?"),
        ("kl", "x", "must be one of forward, reverse, both, got 'x'"),
        ("kl", 1, "must be one of forward, reverse, both, got 1"),
        ("standardize", 1, "must be on or off, got 1"),
        ("standardize", "yes", "must be on or off, got 'yes'"),
    ],
)
def test_a_wrong_value_is_told_with_rule_and_value(name, value, message):
    (problem,) = get("gdkd").problems({name: value}, 10)
    assert (problem.name, problem.message) == (name, message)


def test_a_k_that_nobody_asks_for_stays_at_its_default_on_few_classes():
    assert get("gdkd").canonical({"cut": "mass"}, 3)["k"] == 5
    assert get("gdkd").canonical({}, 3) == get("gdkd").canonical({"k": 2}, 3)
    with pytest.raises(ValueError, match=r"gdkd3\.cut: needs at least 3 classes, got 2"):
        get("gdkd3").canonical({"cut": "gap"}, 2)


def test_all_problems_are_told_at_once():
    values = {"k": 0, "w1": -1.0, "kl": "backward", "colour": 1, "temperature": 2.0}
    assert [problem.name for problem in get("gdkd").problems(values, 10)] == ["k", "w1", "kl", "colour"]
    with pytest.raises(ValueError) as refusal:
        get("gdkd").canonical(values, 10)
    assert all(f"gdkd.{name}: " in str(refusal.value) for name in ("k", "w1", "kl", "colour"))


@pytest.mark.parametrize("values", [{"k": 9}, {"k": 1, "w1": 0}, {"temperature": 1}, {"standardize": True}, {}])
def test_sound_values_have_no_problems(values):
    assert get("gdkd").problems(values, 10) == []


def test_without_a_number_of_classes_the_rules_that_need_it_are_left_out():
    assert get("gdkd").problems({"k": 1000}, None) == []


def test_gdkd3_starts_at_k_2():
    (problem,) = get("gdkd3").problems({"k": 1}, 10)
    assert problem.message == "must be at least 2, got 1"


def test_a_method_without_hyperparameters_says_so():
    (problem,) = get("ce").problems({"weight": 1.0}, 10)
    assert problem.message == "'ce' has no hyperparameter 'weight' (it has: none)"


def test_canonical_is_whole_and_of_the_fields_types():
    whole = get("gdkd").canonical({"temperature": 8, "k": 3}, 10)
    assert list(whole) == [field.name for field in get("gdkd").fields()]
    assert {field.name: type(whole[field.name]) for field in get("gdkd").fields()} == {
        field.name: field.type for field in get("gdkd").fields()
    }
    assert (whole["temperature"], whole["k"], whole["w2"]) == (8.0, 3, 8.0)
    assert isinstance(whole["temperature"], float)


def test_values_that_mean_the_same_have_one_canonical_form():
    gdkd = get("gdkd")
    assert gdkd.canonical({"k": 1, "w1": 7.5}, 10) == gdkd.canonical({"k": 1}, 10)
    assert gdkd.canonical({"temperature": 4}, 10) == gdkd.canonical({}, 10)
    assert str(gdkd.canonical({"w0": -0.0}, 10)) == str(gdkd.canonical({"w0": 0}, 10))
    assert gdkd.canonical({"k": 2, "w1": 7.5}, 10) != gdkd.canonical({"k": 2}, 10)


def test_a_value_that_does_not_suit_the_classes_is_refused():
    with pytest.raises(ValueError, match=r"gdkd\.k: must be less than the number of classes \(5\), got 5"):
        get("gdkd").canonical({"k": 5}, 5)


def test_an_unknown_method_is_told_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"^unknown method 'gdkd4'; did you mean 'gdkd'\?"):
        get("gdkd4")
    with pytest.raises(ValueError, match=r"^unknown method 'zzz' \(all: "):
        get("zzz")


def test_build_tells_all_problems_at_once():
    with pytest.raises(ValueError, match=r"^gdkd\.k: must be at least 1, got 0; gdkd\.w0: must be at least 0, got -1$"):
        build("gdkd", k=0, w0=-1)
    with pytest.raises(ValueError, match="unknown method 'kdd'; did you mean 'kd'"):
        build("kdd")


def test_built_values_are_those_given_and_the_defaults():
    values = build("kd", temperature=2.0).values
    assert values == {"temperature": 2.0, "ce_weight": 0.1, "weight": 0.9, "warmup_epochs": 0.0, "standardize": False}


def test_the_models_hold_their_own_ranges():
    with pytest.raises(ValueError, match=r"k\n.* greater than or equal to 1"):
        GDKD(k=0)
    with pytest.raises(ValueError, match=r"temperature\n.* finite number"):
        KD(temperature=math.nan)
    with pytest.raises(ValueError, match=r"temprature\n.* not permitted"):
        KD(temprature=1.0)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match=r"weight\n.* valid number"):
        KD(weight=True)
