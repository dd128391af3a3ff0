"""Momenta of the parts of a loss: DOT and DeepKD, as their code has them, and in the training loop."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainers.tiny import new_store, student_trial
from trainers import methods
from trainers.files.store import Store
from trainers.training.distill import Training, distill
from trainers.training.steps.loss_parts import Part, loss_parts
from trainers.training.steps.momenta import PartedSGD
from trainers.trials.recipe import Recipe, recipe_problems
from trainers.trials.trial import Trial, trial_key

with np.load(Path(__file__).parents[3] / "golden" / "logit_losses_2026.npz") as file:
    GOLDEN = {name: file[name] for name in file.files if name.startswith("steps/")}
ORDER = {"task": 0, "target": 1, "others": 2, "term": 1}
"""Where the gradient of a part lies in the golden file."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    torch.set_num_threads(1)
    return new_store(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Training, "_images", property(lambda _training: 600))


def trial_of(name: str, recipe: dict[str, object], **values: object) -> Trial:
    trial = student_trial(name, warmup_epochs=0, **values)
    return dataclasses.replace(trial, recipe=trial.recipe.replaced(**recipe))


@pytest.mark.parametrize("name", ["dot", "deepkd"])
def test_steps_are_those_of_the_released_code(name: str) -> None:
    given = json.loads(str(GOLDEN[f"steps/{name}/args"]))
    recipe = Recipe(
        epochs=1,
        batch_size=1,
        optimizer="dot" if name == "dot" else "sgd",
        learning_rate=given["lr"],
        momentum=given["momentum"],
        dot_delta=given.get("delta", 0.075),
    )
    method = methods.get("deepkd" if name == "deepkd" else "kd")
    deltas = {key: value for key, value in given.items() if key.startswith("delta_")}
    parts = loss_parts(recipe, method, {**method.defaults(), **deltas})
    weights = torch.nn.Parameter(torch.from_numpy(GOLDEN["steps/start"].copy()))
    optimizer = PartedSGD([weights], lr=given["lr"], parts=parts, weight_decay=given["weight_decay"], nesterov=False)
    for gradients, expected in zip(GOLDEN["steps/gradients"], GOLDEN[f"steps/{name}/path"], strict=True):
        optimizer.backward([(weights * torch.from_numpy(gradients[ORDER[part.name]])).sum() for part in parts], 1.0)
        optimizer.prepare(lambda _parameters: None, 0.0)
        optimizer.step()
        np.testing.assert_allclose(weights.detach().numpy(), expected, rtol=1e-12)


def test_as_described_the_task_has_a_momentum_of_its_own() -> None:
    method, recipe = methods.get("deepkd"), Recipe(epochs=1, batch_size=1, learning_rate=0.1)
    released, described, one = (
        [(part.name, round(part.momentum, 3), part.decays) for part in loss_parts(recipe, method, values)]
        for values in ({**method.defaults(), "momenta": word} for word in ("released", "described", "one"))
    )
    assert released == [("task", 0.825, False), ("others", 0.95, False), ("target", 0.825, True)]
    assert described == [("task", 0.975, False), ("others", 0.95, False), ("target", 0.825, True)]
    assert one == []


def test_parts_of_one_momentum_move_the_weights_as_one_gradient_does(store: Store) -> None:
    trial = trial_of("kd", {"optimizer": "sgd", "weight_decay": 1e-3, "clip_norm": 0.5, "accumulate": 2})
    apart = dataclasses.replace(trial, recipe=trial.recipe.replaced(optimizer="dot", dot_delta=0.0))
    ends = []
    for one in (trial, apart):
        training = Training(one, store, device=torch.device("cpu"))
        for module in (training.student, training.method):
            module.double()
        training.data = training.scores._data = dataclasses.replace(training.data, lens=_double(training.data.lens))
        epoch = training.train_epoch()
        ends.append((epoch.values["train_loss"], training.student.state_dict()))
    (loss, weights), (other_loss, others) = ends
    assert loss == pytest.approx(other_loss, rel=1e-5)
    for name, tensor in weights.items():
        torch.testing.assert_close(others[name], tensor, rtol=1e-4, atol=1e-6)


def _double(lens):
    return lambda pixels: lens(pixels).double()


@pytest.mark.parametrize(
    ("name", "recipe", "values"),
    [
        ("kd", {"optimizer": "dot"}, {}),
        ("kd+dkd", {"optimizer": "dot", "clip_norm": 1.0}, {}),
        ("deepkd", {}, {}),
        ("deepkd", {"nesterov": False}, {"momenta": "described", "form": "kd", "mask": "growing"}),
        ("deepkd", {"optimizer": "adamw", "learning_rate": 1e-3}, {}),
    ],
)
def test_it_learns_and_goes_on_from_a_checkpoint_bit_by_bit(
    store: Store, tmp_path: Path, name: str, recipe: dict[str, object], values: dict[str, object]
) -> None:
    values = {"kd.warmup_epochs": 0, "dkd.warmup_epochs": 0} if "+" in name else {"warmup_epochs": 0, **values}
    trial = student_trial(name, **values)
    trial = dataclasses.replace(trial, recipe=trial.recipe.replaced(**{"learning_rate": 0.02, **recipe}))
    whole = distill(trial, store)
    first = next(whole)
    first.save(tmp_path / "one.safetensors")
    second = next(whole)
    (rest,) = distill(trial, store, checkpoint=tmp_path / "one.safetensors")
    assert rest.values["train_loss"] == second.values["train_loss"]
    if values.get("mask") != "growing":  # which makes the task harder
        assert second.values["train_loss"] < first.values["train_loss"]
    theirs = second.training.student.state_dict()
    assert all(torch.equal(tensor, theirs[key]) for key, tensor in rest.training.student.state_dict().items())


def test_the_parts_add_up_to_the_loss() -> None:
    method = methods.build("deepkd", weight=2.0, ce_weight=0.5, form="dkd")
    method.apart = ("task", "others", "target")
    student, teacher = torch.randn(2, 8, 10).unbind()
    found = method(student.requires_grad_(), teacher, torch.arange(8), 5)
    parts = [found[f"share of {name}"] for name in method.apart]
    torch.testing.assert_close(torch.stack(parts).sum(), found["loss"])
    gradients = [torch.autograd.grad(one, student, retain_graph=True)[0] for one in (*parts, found["loss"])]
    torch.testing.assert_close(torch.stack(gradients[:3]).sum(0), gradients[3])
    torch.testing.assert_close(parts[0], 0.5 * found["ce"])


def test_without_a_teacher_dot_is_sgd_and_keys_of_before_stay() -> None:
    from search_spaces.recipes import as_trained

    recipe = Recipe(epochs=2, batch_size=8, learning_rate=0.1, optimizer="dot", dot_delta=0.05)
    assert as_trained(recipe, taught=False) == as_trained(recipe.replaced(optimizer="sgd"))
    trial = student_trial("kd")
    assert trial_key(trial) != trial_key(dataclasses.replace(trial, recipe=trial.recipe.replaced(optimizer="dot")))
    assert loss_parts(recipe, methods.get("ce"), {}) == ()


def test_momenta_outside_of_0_and_1_are_refused() -> None:
    values = {"epochs": 2, "batch_size": 8, "learning_rate": 0.1, "optimizer": "dot", "dot_delta": 0.2}
    assert recipe_problems(values) == [("dot_delta", "must leave momentum ± dot_delta in [0, 1), got 0.9 ± 0.2")]
    parts = [Part("task", 1.1)]
    with pytest.raises(ValueError, match=r"the momentum of task must lie in \[0, 1\), got 1.1"):
        PartedSGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, parts=parts, weight_decay=0, nesterov=False)
