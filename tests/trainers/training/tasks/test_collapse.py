"""What is called a collapsed training, and what is not: hard data, few images, unequal classes."""

import dataclasses
import math
from pathlib import Path

import pytest
import torch

from tests.trainers import tiny
from trainers.segmentation.miou import Confusion
from trainers.training.distill import distill
from trainers.training.tasks.collapse import Answers, Losses, collapse, losses_of
from trainers.training.tasks.pixel_task import _Overlap
from trainers.training.tasks.tasks import _Hits


def even(classes: int, images: int, right: int, among_top: int | None = None) -> Answers:
    """Answers of a network that names every class equally often."""
    counts = [images // classes] * classes
    return Answers(labelled=counts, answered=counts, right=right, images=images, among_top=among_top)


def of(labelled: list[int], answered: list[int], right: int, images: int | None = None) -> Answers:
    return Answers(labelled=labelled, answered=answered, right=right, images=images or sum(labelled))


COLLAPSED = {
    "10 classes at 10.0 %": (even(10, 10_000, 1_000), "10.0 % of 10,000 images are right, where guessing gets 10.0 %"),
    "10 classes at 11.5 %": (even(10, 10_000, 1_150), "11.5 % of"),
    "below chance": (even(10, 10_000, 400), "4.0 % of"),
    "2 classes at half": (even(2, 200, 100), "50.0 % of 200"),
    "100 classes at 1 %": (even(100, 10_000, 100, 500), "1.0 % of"),
    "1,000 classes at 0.1 %": (even(1_000, 50_000, 50, 250), "0.1 % of"),
    "one class for all": (of([36] * 10, [0, 0, 0, 360, 0, 0, 0, 0, 0, 0], 36), "answers class 3 for 100 % of 360"),
    "one class for nearly all": (of([100] * 10, [950, 50, *[0] * 8], 150), "answers class 0 for 95 %"),
    "one class of two": (of([15, 15], [29, 1], 16), "answers class 0 for 96.67 % of 30 images"),
    "the frequent class for all": (of([900, 100], [1_000, 0], 900), "answers class 0 for 100 % of 1,000"),
    "guessing by frequency": (of([900, 100], [880, 120], 804), "80.4 % of 1,000 images are right, where guessing gets"),
}  # fmt: skip


@pytest.mark.parametrize("case", COLLAPSED)
def test_a_network_that_guesses_has_collapsed(case: str) -> None:
    answers, reason = COLLAPSED[case]
    assert reason in collapse(answers)


SOUND = {
    "100 classes at 3 %": even(100, 10_000, 300, 1_200),
    "100 classes at 2 %": even(100, 10_000, 200, 900),
    "100 classes at 1.2 %, but more among the first five": even(100, 10_000, 120, 800),
    "1,000 classes at 0.5 %": even(1_000, 50_000, 250, 1_000),
    "10 classes at 16 %": even(10, 1_000, 160),
    "2 classes at 60 %": even(2, 1_000, 600),
    "13 of 20 images of 2 classes": even(2, 20, 13),
    "10 of 20 images of 2 classes: too few to tell": even(2, 20, 10),
    "3 of 100 images of 100 classes": even(100, 100, 3, 12),
    "one of 6 images of 3 classes": even(3, 6, 1),
    "all 8 images taken for one class of two: too few to tell": of([4, 4], [8, 0], 4),
    "frequent class, and most of the rare one": of([900, 100], [920, 80], 970),
    "nearly all are of one class, and found": of([970, 30], [975, 25], 993),
    "nearly all are of one class, few of another": of([995, 5], [1_000, 0], 995),
    "perfect": even(10, 1_000, 1_000),
    "one class in all": of([100], [100], 100),
    "nothing scored": of([0, 0], [0, 0], 0),
}


@pytest.mark.parametrize("case", SOUND)
def test_a_network_that_has_learnt_something_has_not(case: str) -> None:
    assert collapse(SOUND[case]) == ""


def losses(first: float, last: float, ce: float | None = None, classes: int = 10) -> Losses:
    return Losses(first=first, last=last, cross_entropy=ce, classes=classes)


def test_a_loss_that_has_left_its_range() -> None:
    sound = even(10, 1_000, 276)
    assert collapse(sound, losses(5.0, 11.0)) == "its training loss went from 5 to 11"
    assert "3.5 times that of guessing (2.3)" in collapse(sound, losses(5.0, 4.0, ce=8.0))
    assert collapse(sound, losses(5.0, 9.0, ce=2.0)) == ""
    assert collapse(sound, losses(0.0, 9.0)) == ""
    assert collapse(None, losses(5.0, 11.0)).startswith("its training loss")
    assert collapse(even(10, 1_000, 100), losses(5.0, 11.0)).count(";") == 1


def test_the_first_loss_is_taken_at_the_whole_weight() -> None:
    history = [{"train_loss": 2.0 + 0.25 * 8.0, "ce": 2.0}, {"train_loss": 1.0 + 0.5 * 8.0, "ce": 1.0}]
    found = losses_of(history, classes=10, ce_weight=1.0, warmup_epochs=[4.0])
    assert found == Losses(first=10.0, last=9.0, cross_entropy=1.0, classes=10)
    assert losses_of(history, classes=10, ce_weight=0.0, warmup_epochs=[0.0]) == losses(4.0, 5.0)
    assert losses_of(history, classes=10, ce_weight=1.0, warmup_epochs=[4.0, 0.0]) == losses(4.0, 5.0, ce=1.0)
    assert losses_of([], classes=10, ce_weight=1.0, warmup_epochs=[]) is None


def test_the_scores_count_what_was_answered() -> None:
    tally = _Hits(3, torch.device("cpu"))
    tally.add(torch.tensor([[9.0, 1.0, 0.0], [0.0, 1.0, 2.0]]), torch.tensor([0, 1]))
    tally.add(torch.tensor([[0.0, 1.0, 7.0]]), torch.tensor([2]))
    assert tally.answers() == Answers(labelled=[1, 1, 1], answered=[1, 0, 2], right=2, images=3, among_top=3)
    pixels = _Overlap(Confusion(2))
    pixels.add(torch.tensor([[[[1.0, 1.0]], [[0.0, 2.0]]]]), torch.tensor([[[0, 0]]]))
    assert pixels.answers() == Answers(labelled=[2, 0], answered=[1, 1], right=1, images=1, what="pixels")


def test_pixels_of_one_class() -> None:
    answers = Answers(labelled=[6_000, 4_000], answered=[9_900, 100], right=6_000, images=4, what="pixels")
    assert collapse(answers) == "it answers class 0 for 99 % of 10,000 pixels"
    found = Answers(labelled=[6_000, 4_000], answered=[6_500, 3_500], right=5_300, images=4, what="pixels")
    assert collapse(found) == "", "the pixels of four images are not ten thousand answers"


def test_a_training_says_so_at_its_end(tmp_path: Path) -> None:
    """A rate of nothing leaves a random network, which the untouched one is not taken for after it has learnt."""
    trial = tiny.teacher_trial(epochs=2)
    epochs = tiny.run(trial, tiny.Store(tmp_path))
    assert [epoch.collapsed for epoch in epochs] == ["", ""]
    for split in ("full", "search"):
        still = dataclasses.replace(trial, split=split, recipe=trial.recipe.replaced(learning_rate=1e-30, epochs=1))
        (only,) = distill(still, tiny.Store(tmp_path))
        assert "images" in only.collapsed
        assert not only.diverged
        assert math.isfinite(only.values["train_loss"])
