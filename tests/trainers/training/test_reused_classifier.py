"""SimKD: the network in training is student, projector and the teacher's classifier, wherever it is used."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.trainers.tiny import new_store, student_trial
from trainers import methods, models
from trainers.files.store import Store
from trainers.files.tensor_files import load_tensors
from trainers.models.sizes import size_of, with_parts
from trainers.models.taps import shape_of
from trainers.teachers.frozen import load_teacher
from trainers.training.distill import Training, distill
from trainers.training.starting import example
from trainers.trials.trial import Trial

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    torch.set_num_threads(1)
    return new_store(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Training, "_images", property(lambda _training: 600))


def trial_of(**recipe: object) -> Trial:
    trial = student_trial("simkd")
    return dataclasses.replace(trial, recipe=trial.recipe.replaced(**recipe))


def classifier_of(network: nn.Module) -> nn.Linear:
    found = network.get_classifier()
    assert isinstance(found, nn.Linear)
    return found


def test_the_teachers_classifier_answers_and_stays_as_it_was(store: Store) -> None:
    training = Training(trial_of(weight_decay=0.1), store, device=CPU)
    assert training.trial.teacher is not None
    teacher = load_teacher(training.trial.teacher, store, training.data.info, CPU)
    epoch = training.train_epoch()
    ours, theirs = classifier_of(training.scored), classifier_of(teacher)
    assert torch.equal(ours.weight, theirs.weight) and ours.weight is not theirs.weight
    images = torch.randn(5, *example(training.data).shape[1:], generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        last, _ = training.scored.forward_intermediates(images)
        quarters = last.unflatten(3, (2, -1)).unflatten(2, (2, -1)).mean((3, 5))  # the tiny networks read four
        by_hand = quarters.flatten(1) @ theirs.weight.T + theirs.bias
        torch.testing.assert_close(training.scored(images), by_hand)
    assert epoch.values["val_top1"] >= 0
    assert epoch.values["train_loss"] == pytest.approx(epoch.values["simkd"], rel=1e-5)


def test_the_loss_is_the_difference_of_the_projected_map_and_the_teachers(store: Store) -> None:
    training = Training(trial_of(), store, device=CPU)
    assert training.taps is not None and training.teacher is not None
    images = torch.randn(4, *example(training.data).shape[1:], generator=torch.Generator().manual_seed(1))
    training.student.eval()
    ours, theirs = training.taps(images), training.teacher.answers(images)
    assert ours.final is not None and theirs.final is not None
    found = training.method(ours, theirs, torch.arange(4), 1)
    expected = (ours.final - theirs.final).square().mean()
    torch.testing.assert_close(found["loss"], expected)
    found["loss"].backward()
    for name, parameter in training.student.named_parameters():  # the student's own classifier is asked nothing
        assert (parameter.grad is None) == (name.startswith("classifier.") or "student.fc" in name), name


def test_it_learns_is_averaged_and_goes_on_from_a_checkpoint_bit_by_bit(store: Store, tmp_path: Path) -> None:
    trial = trial_of(ema_decay=0.9, clip_norm=5.0)
    whole = distill(trial, store)
    first = next(whole)
    first.save(tmp_path / "one.safetensors")
    second = next(whole)
    (rest,) = distill(trial, store, checkpoint=tmp_path / "one.safetensors")
    assert second.values["train_loss"] < first.values["train_loss"]
    assert (rest.values["train_loss"], rest.values["val_top1"]) == (
        second.values["train_loss"],
        second.values["val_top1"],
    )
    ours, theirs = rest.training.scored.state_dict(), second.training.scored.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
    second.save_weights(tmp_path / "weights.safetensors")
    kept, _ = load_tensors(tmp_path / "weights.safetensors")
    assert kept.keys() == theirs.keys()
    assert {name.split(".")[0] for name in kept} == {"student", "projector", "classifier"}


def test_what_it_learns_beside_the_student_is_counted(store: Store) -> None:
    training = Training(trial_of(), store, device=CPU)
    plain = models.create(training.trial.student, classes=100, channels=1)
    assert training.teacher is not None and training.teacher.taps(example(training.data)).shape.final is not None
    width = training.teacher.taps(example(training.data)).shape.final[0]
    inner, of_student = width // 2, training.student.student
    channels = training.student.projector[0].in_channels
    assert sum(one.numel() for one in of_student.parameters()) == sum(one.numel() for one in plain.parameters())
    convolutions = channels * inner + 9 * inner**2 + inner * width
    added = convolutions + 2 * (inner + inner + width)
    assert training.summary()["extra_parameters"] == added
    shapes = (shape_of(name, {}, 100, 1, 16) for name in (training.trial.student, training.trial.teacher.model))
    alone = size_of("student", training.trial.student, 16, 100, channels=1)
    whole = with_parts(alone, training.method.method.network, *shapes)
    assert whole.parameters == alone.parameters + added + 100 * (4 * width + 1)
    assert whole.multiply_adds == alone.multiply_adds + 4 * convolutions + 100 * 4 * width  # of 2 x 2 places


def test_a_teacher_whose_classifier_reads_no_average_is_refused_by_name() -> None:
    method = methods.get("simkd")
    shape = methods.NetworkShape(maps=((8, 4, 4),), vector=8, final=(8, 4, 4), averaged=True)
    method.fits({}, shape, shape)
    with pytest.raises(ValueError, match="'simkd' cannot work with these networks: it puts the teacher's"):
        method.fits({}, shape, dataclasses.replace(shape, averaged=False))
    small = dataclasses.replace(shape, maps=((8, 1, 1),))
    method.fits({}, small, shape)
    with pytest.raises(ValueError, match="reads a grid of averages, and 1×1 places, the student's at most"):
        method.fits({}, small, dataclasses.replace(shape, vector=32))
    with pytest.raises(ValueError, match="'simkd' cannot be combined with others: it trains another network"):
        methods.get("simkd+kd")
