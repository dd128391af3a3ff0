"""Methods that compare a weak and a strong view of each image: students see both, and so does the teacher."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainers.tiny import RECIPE, new_store, run, student_trial
from trainers import methods
from trainers.data.view_sets import strong
from trainers.files.store import Store
from trainers.training.distill import Training
from trainers.training.turns import Turns
from trainers.trials.draws import draw
from trainers.trials.trial import Trial, trial_key
from trainers.views.shared import Sharing

TWO_VIEWS: dict[str, dict[str, Any]] = {
    "mlkd": {"views": "released"},
    "crld": {},
    "sld": {"own_after": 1},
}
CPU = torch.device("cpu")
STEPS, BATCH = 2, 48


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    torch.set_num_threads(1)
    return new_store(tmp_path_factory.mktemp("home"))


def trial_of(name: str, values: dict[str, Any] | None = None, **recipe: Any) -> Trial:
    """Return a trial of two epochs of two steps."""
    given = TWO_VIEWS.get(name, {}) if values is None else values
    changes = RECIPE.replaced(**{"epoch_steps": STEPS, "batch_size": BATCH, "epochs": 2, **recipe})
    return dataclasses.replace(student_trial(name, **given), recipe=changes)


def numbers(epochs: list[Any]) -> list[dict[str, float]]:
    kept = ("train_loss", "ce", "val_top1", "lr")
    return [{name: value for name, value in epoch.values.items() if name in kept} for epoch in epochs]


def weights(epochs: list[Any]) -> dict[str, torch.Tensor]:
    return {name: one.clone() for name, one in epochs[-1].training.student.state_dict().items()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("name", TWO_VIEWS)
def test_killed_and_resumed_gives_the_same_bits(store: Store, tmp_path: Path, name: str) -> None:
    whole = run(trial_of(name), store)
    checkpoint = tmp_path / "checkpoint"
    training = Training(trial_of(name), store, device=CPU)
    training.train_epoch().save(checkpoint)
    rest = run(trial_of(name), store, checkpoint=checkpoint)
    assert numbers(rest) == numbers(whole)[1:]
    assert equal(weights(rest), weights(whole))


@pytest.mark.parametrize("name", TWO_VIEWS)
def test_with_stored_logits_the_teacher_answers_no_view_twice(store: Store, name: str) -> None:
    on, off, again = (run(trial_of(name), store, bank=bank) for bank in (True, False, True))
    for first, second in zip(numbers(on), numbers(off), strict=True):
        assert first == pytest.approx(second, rel=1e-3, abs=0.2)
    assert numbers(again) == numbers(on)
    assert off[-1].summary()["teacher_images"] == 2 * 2 * STEPS * BATCH
    assert again[-1].summary()["teacher_images"] == 0


def test_a_step_runs_the_student_twice(store: Store) -> None:
    training = Training(trial_of("crld"), store, device=CPU)
    training.train_epoch()
    norm = next(one for one in training.student.modules() if isinstance(one, torch.nn.BatchNorm2d))
    assert norm.num_batches_tracked == 2 * STEPS


def test_strong_views_are_of_the_same_images_and_drawn_for_themselves() -> None:
    trial = trial_of("crld")
    weak, second = (draw(trial, 1, images=100, views=162, strong=one) for one in (False, True))
    assert torch.equal(weak.images, second.images)
    assert not torch.equal(weak.views, second.views)
    assert not torch.equal(second.views, draw(trial, 2, images=100, views=162, strong=True).views)


def test_a_cohort_shares_them_and_each_is_what_it_is_alone(store: Store) -> None:
    share, trials = Sharing(), {name: trial_of(name) for name in ("kd", *TWO_VIEWS)}
    begun = {name: Training(of, store, device=CPU, share=share) for name, of in trials.items()}
    assert begun["crld"].strong is not None
    assert begun["sld"].strong is not None
    assert begun["crld"].strong.seen is begun["sld"].strong.seen
    assert begun["kd"].strong is None
    cohort, found = Turns({name: one.steps() for name, one in begun.items()}), {name: [] for name in trials}
    while not cohort.is_over:
        for name, epoch in cohort.round():
            found[name].append(epoch)
    assert not cohort.errors
    for name, of in trials.items():
        alone = run(of, store)
        assert numbers(found[name]) == numbers(alone), name
        assert equal(weights(found[name]), weights(alone)), name


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("crld", {"label_smoothing": 0.1, "accumulate": 2, "ema_decay": 0.9}),
        ("sld", {"optimizer": "dot"}),
        ("mlkd", {"optimizer": "adamw", "learning_rate": 1e-3}),
    ],
)
def test_with_all_that_a_recipe_may_ask_for(store: Store, name: str, recipe: dict[str, Any]) -> None:
    assert numbers(run(trial_of(name, **recipe), store))[-1]["train_loss"] < 100


def test_a_combination_with_features_sees_both(store: Store) -> None:
    trial = trial_of("fitnet+crld", {"crld.cross": 1.0})
    assert numbers(run(trial, store))[-1]["train_loss"] > 0


def test_mixed_images_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="mixup"):
        Training(trial_of("crld", mixup=0.2), store, device=CPU)


def test_one_view_leaves_the_key_as_it_was() -> None:
    mlkd = methods.get("mlkd")
    assert "views" not in mlkd.canonical({"views": "one"}, 100)
    assert mlkd.canonical({"views": "described"}, 100)["views"] == "described"
    assert trial_key(student_trial("mlkd")) == trial_key(student_trial("mlkd", views="one"))
    assert trial_key(student_trial("mlkd")) != trial_key(student_trial("mlkd", views="released"))


def test_released_views_want_three_temperatures() -> None:
    (problem,) = methods.get("mlkd").problems({"views": "released", "temperatures": [4.0, 2.0]}, 100)
    assert "at least 3" in problem.message


def test_the_set_of_strong_views_has_a_name_of_its_own() -> None:
    assert strong("pad4-crop-flip") == "pad4-crop-flip-strong"
    assert strong("rrc224-flip-randaugment") == "rrc224-flip-randaugment-strong"
    with pytest.raises(ValueError, match="no strong view"):
        strong("scale-crop512x1024-flip")
