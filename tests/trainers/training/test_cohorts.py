"""Cohorts: students that are trained in step get the numbers that each gets alone, and each picture is read once."""

import contextlib
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainers.layouts import write_imagefolder
from tests.trainers.picture_trials import CPU, equal, new_teacher, numbers, recipe, run, state, trial
from trainers import methods
from trainers.files.store import Store
from trainers.methods import Output
from trainers.teachers import frozen
from trainers.teachers.frozen import FrozenTeacher
from trainers.training import turns
from trainers.training.distill import Epoch, Training
from trainers.training.turns import Turns
from trainers.trials.recipe import Recipe
from trainers.trials.trial import Teacher, Trial
from trainers.views import device_data, loader
from trainers.views.shared import Sharing

NAMES = [method.name for method in methods.ALL]
SETTINGS: dict[str, dict[str, Any]] = {"crd": {"negatives": 8}, "reviewkd": {"mid_channels": 16}}
DROPS: dict[str, Any] = {"student": "test_efficientnet", "student_args": {"drop_rate": 0.4, "drop_path_rate": 0.2}}
IMAGES, STEPS = 27, 4
"""Of training, and steps of an epoch; the last batch has three images."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("pictures")
    write_imagefolder(folder, size=20, per_class=9)
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def teacher(store: Store) -> Teacher:
    return new_teacher(store, "cifar_tinyresnet", 3)


def trial_of(root: Path, method: str, teacher: Teacher, changes: Recipe | None = None, **others: Any) -> Trial:
    given = {**SETTINGS.get(method, {}), **others.pop("hyperparameters", {})}
    needs = None if method == "ce" else teacher
    return trial(root, method, teacher=needs, changes=changes, hyperparameters=given, **others)


def together(trials: dict[str, Trial], store: Store, root: Path, **options: Any) -> dict[str, list[Epoch]]:
    """Train the trials in step to their ends."""
    share = Sharing()
    begun = {
        name: Training(of, store, device=CPU, data_root=root, share=share, **options) for name, of in trials.items()
    }
    cohort = Turns({name: training.steps() for name, training in begun.items()})
    found: dict[str, list[Epoch]] = {name: [] for name in trials}
    while not cohort.is_over:
        for name, epoch in cohort.round():
            found[name].append(epoch)
    assert not cohort.errors
    return found


def bankless(store: Store, name: str) -> Store:
    """Return a home with the same weights and no bank."""
    home = store.home.parent / f"{store.home.name}-{name}"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(store.home, home, ignore=shutil.ignore_patterns("banks"))
    return Store(home)


def check(trials: dict[str, Trial], store: Store, root: Path, **options: Any) -> None:
    """Hold each trial of the cohort against itself alone, in a home of its own where nobody has asked the teacher."""
    found = together(trials, store, root, **options)
    for name, of in trials.items():
        alone = run(of, bankless(store, name), root, **options)
        assert numbers(found[name]) == numbers(alone), name
        assert equal(state(found[name]), state(alone)), name


def test_every_method_is_in_one_cohort_what_it_is_alone(root: Path, store: Store, teacher: Teacher):
    check({name: trial_of(root, name, teacher) for name in NAMES}, store, root)


def test_so_it_is_where_scoring_takes_several_batches(
    root: Path, store: Store, teacher: Teacher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(device_data, "PICTURES", 4)
    device_data._on_device.cache_clear()
    check({name: trial_of(root, name, teacher, recipe(epochs=3)) for name in ("ce", "kd", "fitnet")}, store, root)
    check({name: trial_of(root, name, teacher, split="search") for name in ("ce", "kd")}, store, root)
    device_data._on_device.cache_clear()


def test_so_it_is_without_stored_logits(root: Path, store: Store, teacher: Teacher):
    names = ("ce", "kd", "gdkd", "ctkd", "fitnet", "crd")
    check({name: trial_of(root, name, teacher) for name in names}, store, root, bank=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"ema_decay": 0.9, "clip_norm": 1.0},
        {"mixup": 0.4, "label_smoothing": 0.1},
        {"accumulate": 2, "optimizer": "adamw", "learning_rate": 1e-3},
    ],
)
def test_dropout_draws_what_it_draws_alone(changes: dict[str, Any], root: Path, store: Store, teacher: Teacher):
    names = ("ce", "kd", "gdkd3", "rkd")
    check({name: trial_of(root, name, teacher, recipe(**changes), **DROPS) for name in names}, store, root)


def test_half_precision_is_what_it_is_alone(root: Path, store: Store, teacher: Teacher):
    changes = recipe(precision="bfloat16", ema_decay=0.9)  # of plain convolutions: others may round as they like
    check({name: trial_of(root, name, teacher, changes) for name in ("ce", "kd", "gdkd3", "rkd")}, store, root)


def test_without_the_switch_of_random_states_dropout_differs(
    root: Path, store: Store, teacher: Teacher, monkeypatch: pytest.MonkeyPatch
):
    trials = {name: trial_of(root, name, teacher, **DROPS) for name in ("kd", "dkd")}
    alone = {name: numbers(run(of, store, root)) for name, of in trials.items()}
    monkeypatch.setattr(turns.RandomState, "switched", lambda self: contextlib.nullcontext())
    found = together(trials, store, root)
    assert {name: numbers(epochs) for name, epochs in found.items()} != alone


def test_recipes_teachers_and_students_may_differ(root: Path, store: Store, teacher: Teacher):
    larger = Teacher(id=teacher.id, model=teacher.model, size=24)
    trials = {
        "short": trial_of(root, "kd", teacher, recipe(epochs=1)),
        "long": trial_of(root, "kd", teacher, recipe(epochs=3, learning_rate=0.01)),
        "larger": trial_of(root, "dkd", larger),
        "other": trial_of(root, "fitnet", larger, student="cifar_tinyresnet"),
    }
    check(trials, store, root)


def test_those_that_go_on_wait_for_one_another(root: Path, store: Store, teacher: Teacher, tmp_path: Path):
    trials = {name: trial_of(root, name, teacher, recipe(epochs=3)) for name in ("kd", "dkd", "rkd")}
    first = run(trials["kd"], store, root)
    begun = Training(trials["kd"], store, device=CPU, data_root=root)
    begun.train_epoch()
    next(said for said in begun.steps() if isinstance(said, Epoch)).save(tmp_path / "two.safetensors")
    share = Sharing()
    cohort = Turns(
        {
            name: Training(
                of,
                store,
                device=CPU,
                data_root=root,
                share=share,
                checkpoint=tmp_path / "two.safetensors" if name == "kd" else None,
            ).steps()
            for name, of in trials.items()
        }
    )
    rounds = []
    last: dict[str, list[Epoch]] = {}
    while not cohort.is_over:
        said = cohort.round()
        rounds.append(sorted(name for name, _ in said))
        last |= {name: [epoch] for name, epoch in said}
    assert not cohort.errors
    assert rounds == [["dkd", "rkd"], ["dkd", "rkd"], ["dkd", "kd", "rkd"], []]
    assert equal(state(last["kd"]), state(first))


class Counts:
    """What is read and taught, counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.of: Counter[str] = Counter()
        crop, at_once, answers = loader.crop, FrozenTeacher.in_one_pass, FrozenTeacher.answers
        logits = FrozenTeacher.in_passes

        def counted(name: str, action: Any) -> Any:
            def act(*given: Any) -> Any:
                self.of[name] += 1
                return action(*given)

            return act

        monkeypatch.setattr(loader, "crop", counted("pictures", crop))
        monkeypatch.setattr(FrozenTeacher, "in_one_pass", counted("logits", at_once))
        monkeypatch.setattr(FrozenTeacher, "answers", counted("features", answers))
        monkeypatch.setattr(FrozenTeacher, "in_passes", counted("kept", logits))


def test_each_picture_is_read_once_and_each_batch_taught_once(
    root: Path, store: Store, teacher: Teacher, monkeypatch: pytest.MonkeyPatch
):
    names = ("ce", "kd", "dkd", "fitnet", "rkd", "at", "sp", "vid")
    trials = {name: trial_of(root, name, teacher, recipe(epochs=1)) for name in names}
    counts = Counts(monkeypatch)
    run(trials["kd"], store, root, bank=False)
    one = counts.of["pictures"]
    assert one > IMAGES and counts.of["logits"] == STEPS
    counts.of.clear()
    together(trials, store, root, bank=False)
    first = 1  # whose logits are asked for on their own, to see that they are those of the tapped teacher
    assert counts.of == {"pictures": one, "logits": first, "features": STEPS}


@pytest.mark.parametrize("bank", [True, False])
def test_who_asks_for_logits_takes_them_from_what_the_others_ask_for(
    bank: bool, root: Path, store: Store, teacher: Teacher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(frozen, "ROWS_OF_FILES", 8)  # as many as a batch has, so that none but the last is padded
    trials = {name: trial_of(root, name, teacher, recipe(epochs=2)) for name in ("kd", "dkd", "fitnet", "vid")}
    home, counts = bankless(store, "shared"), Counts(monkeypatch)
    found = together(trials, home, root, bank=bank)
    first, last = 1, 2 if bank else 0
    """Batches whose logits are asked for on their own: one to see that they agree, and those that have to be padded."""
    assert (counts.of["logits"], counts.of["kept"]) == ((0, first + last) if bank else (first, 0))
    assert counts.of["features"] == 2 * STEPS
    for name, of in trials.items():
        alone = run(of, bankless(store, name), root, bank=bank)
        assert numbers(found[name]) == numbers(alone), name


@pytest.mark.parametrize("logit_type", ["float32", "float16"])
def test_whose_logits_differ_where_it_is_tapped_is_asked_for_them(
    logit_type: str, root: Path, store: Store, teacher: Teacher, monkeypatch: pytest.MonkeyPatch
):
    teacher = replace(teacher, logit_type=logit_type)
    answers = FrozenTeacher.answers

    def rounded(self: FrozenTeacher, inputs: torch.Tensor) -> Output:
        found = answers(self, inputs)
        return replace(found, logits=found.logits * (1 + 3e-6))  # in float16 most are the same

    monkeypatch.setattr(FrozenTeacher, "answers", rounded)
    trials = {name: trial_of(root, name, teacher, recipe(epochs=1)) for name in ("kd", "fitnet")}
    check(trials, store, root, bank=False)
    counts = Counts(monkeypatch)
    together(trials, store, root, bank=False)
    assert counts.of["logits"] == STEPS + 1


def test_what_nobody_asks_for_any_more_is_not_answered(
    root: Path, store: Store, teacher: Teacher, monkeypatch: pytest.MonkeyPatch
):
    trials = {name: trial_of(root, name, teacher, recipe(epochs=n)) for name, n in (("fitnet", 1), ("kd", 3))}
    counts = Counts(monkeypatch)
    found = together(trials, store, root, bank=False)
    assert counts.of["features"] == STEPS
    assert counts.of["logits"] == 1 + 2 * STEPS
    assert numbers(found["kd"]) == numbers(run(trials["kd"], store, root, bank=False))


def test_who_cannot_be_taught_takes_nobody_along(
    root: Path, store: Store, teacher: Teacher, monkeypatch: pytest.MonkeyPatch
):
    trials = {name: trial_of(root, name, teacher, recipe(epochs=1)) for name in ("kd", "fitnet")}
    share = Sharing()
    begun = {
        name: Training(of, store, device=CPU, data_root=root, share=share, bank=False) for name, of in trials.items()
    }

    def failing(*_: Any) -> Any:
        raise ValueError("a fault of its own")

    begun["fitnet"].task.terms = failing  # type: ignore[method-assign]
    cohort = Turns({name: training.steps() for name, training in begun.items()})
    counts, said = Counts(monkeypatch), []
    while not cohort.is_over:
        said += cohort.round()
    assert [str(error) for error in cohort.errors.values()] == ["a fault of its own"]
    assert counts.of["features"] == 1
    assert numbers([epoch for _, epoch in said]) == numbers(run(trials["kd"], store, root, bank=False))


def test_what_others_see_cannot_be_written_to(
    root: Path, store: Store, teacher: Teacher, monkeypatch: pytest.MonkeyPatch
):
    trials = {name: trial_of(root, name, teacher) for name in ("kd", "dkd")}
    share = Sharing()
    begun = {name: Training(of, store, device=CPU, data_root=root, share=share) for name, of in trials.items()}
    terms = begun["kd"].task.terms

    def spoiling(*given: Any) -> Any:
        found = terms(*given)
        given[2].teacher.add_(1.0)
        return found

    begun["kd"].task.terms = spoiling  # type: ignore[method-assign]
    cohort = Turns({name: training.steps() for name, training in begun.items()})
    while not cohort.is_over:
        cohort.round()
    assert [str(error) for error in cohort.errors.values()] == ["what others see was written to"]


def test_one_that_diverges_ends_alone(root: Path, store: Store, teacher: Teacher):
    trials = {
        "kd": trial_of(root, "kd", teacher, hyperparameters={"weight": 1e30, "warmup_epochs": 0}),
        "dkd": trial_of(root, "dkd", teacher),
    }
    found = together(trials, store, root)
    assert [epoch.diverged for epoch in found["kd"]] == [True]
    assert numbers(found["dkd"]) == numbers(run(trials["dkd"], store, root))
