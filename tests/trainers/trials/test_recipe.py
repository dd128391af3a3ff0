"""Recipes: schedules, compression, rungs, and what is refused."""

import math

import pytest

from trainers.trials.recipe import Recipe, compress, learning_rate_at, recipe_problems, rungs

CIFAR = Recipe(
    epochs=240,
    batch_size=64,
    learning_rate=0.05,
    schedule="step",
    milestones=(150, 180, 210),
    method_warmup_epochs=20,
)
SMOOTH = Recipe(epochs=10, batch_size=128, learning_rate=0.1, schedule="cosine")


def test_step_schedule_drops_after_its_milestones():
    rates = [learning_rate_at(CIFAR, epoch - 1) for epoch in (150, 151, 181, 211)]
    assert rates == pytest.approx([0.05, 0.005, 0.0005, 0.00005])


def test_cosine_schedule_worked_by_hand():
    assert learning_rate_at(SMOOTH, 0) == pytest.approx(0.1)
    assert learning_rate_at(SMOOTH, 5) == pytest.approx(0.05)
    assert learning_rate_at(SMOOTH, 10) == pytest.approx(0, abs=1e-12)


def test_learning_rate_rises_over_its_warm_up():
    recipe = CIFAR.replaced(lr_warmup_epochs=4)
    assert learning_rate_at(recipe, 1) == pytest.approx(0.0125)
    assert learning_rate_at(recipe, 4) == pytest.approx(0.05)


def test_compressed_recipe_keeps_the_shares():
    short = compress(CIFAR, 24)
    assert (short.epochs, short.milestones, short.method_warmup_epochs) == (24, (15, 18, 21), 2)


def test_compression_drops_milestones_that_fall_on_the_ends():
    assert compress(CIFAR, 2).milestones == (1,)


def test_rungs_come_after_each_drop_and_never_last():
    assert rungs(CIFAR) == (151, 181, 211)
    assert rungs(SMOOTH) == (5, 8)
    assert rungs(SMOOTH.replaced(epochs=1)) == ()


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("epochs", 0, "at least 1"),
        ("epochs", True, "at least 1"),
        ("batch_size", 1.5, "at least 1"),
        ("learning_rate", math.nan, "above 0"),
        ("learning_rate", "fast", "above 0"),
        ("momentum", 1.0, "[0, 1)"),
        ("weight_decay", -1, "at least 0"),
        ("schedule", "stairs", "cosine"),
        ("milestones", (240,), "rising"),
        ("milestones", (180, 150), "rising"),
        ("nesterov", 1, "true or false"),
    ],
)
def test_a_wrong_value_is_named_with_its_rule(field, value, rule):
    problems = dict(recipe_problems({**dict(CIFAR), field: value}))
    assert rule in problems[field]
    with pytest.raises(ValueError, match=field):
        CIFAR.replaced(**{field: value})
