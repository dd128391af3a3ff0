"""A whole step as a graph: what is sent to the device again and again makes the same steps. The device is a fake."""

import contextlib
import functools
from collections.abc import Callable

import pytest
import torch

from tests.trainers.picture_trials import numbers, state
from tests.trainers.tiny import new_store, student_trial
from trainers.files.store import Store
from trainers.training.distill import Training, distill
from trainers.training.epoch import Epoch
from trainers.training.steps.step_graph import StepGraph, Terms
from trainers.trials.trial import Trial

CPU = torch.device("cpu")
IMAGES, ROWS = 7 * 32 + 5, 32


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return new_store(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def _few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Training, "_images", property(lambda _training: IMAGES))


def trial_of(method: str, **changes: object) -> Trial:
    trial = student_trial(method)
    object.__setattr__(trial, "recipe", trial.recipe.replaced(batch_size=ROWS, **changes))
    return trial


class Device:
    """Does again what it has been shown, on the tensors that it has been shown it on."""

    def __init__(self) -> None:
        self.captured = self.replayed = 0

    def capture(self, step: Callable[[], Terms]) -> Callable[[], Terms]:
        self.captured += 1

        def again() -> Terms:
            self.replayed += 1
            terms = step()
            assert not any(term.requires_grad for term in terms.values())  # else its autograd graph would live on
            return terms

        return again


def graphed(trial: Trial, store: Store, device: Device) -> list[Epoch]:
    training = Training(trial, store, device=CPU)
    for group in training.optimizer.param_groups:
        group["lr"] = torch.tensor(group["lr"])
    training._step_graph = functools.partial(StepGraph, capture=device.capture, beside=contextlib.nullcontext)
    return [said for said in training.steps() if isinstance(said, Epoch)]


@pytest.mark.parametrize(
    ("method", "changes"), [("ce", {}), ("kd", {"ema_decay": 0.9, "clip_norm": 1.0}), ("ctkd", {"epochs": 3})]
)
def test_the_steps_are_those_of_a_training_without(method: str, changes: dict[str, object], store: Store) -> None:
    device, trial = Device(), trial_of(method, **changes)
    found = graphed(trial, store, device)
    plain = list(distill(trial, store))
    epochs = trial.recipe.epochs
    assert (device.captured, device.replayed) == (epochs, 4 * epochs)  # 3 before, the last of 5 images by itself
    for ours, theirs in zip(numbers(found), numbers(plain), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4)  # its learning rate is a float32
    torch.testing.assert_close(state(found), state(plain), rtol=1e-4, atol=1e-5)


def test_on_a_cpu_it_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="compile: graph is for CUDA devices, got cpu"):
        next(distill(trial_of("kd", compile="graph"), store))
