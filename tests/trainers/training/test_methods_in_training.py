"""Every method in the training loop: the loss falls, own parts are trained and resumed, the teacher stays as it was."""

import dataclasses
from pathlib import Path

import pytest
import torch

from tests.trainers.tiny import new_store, run, student_trial
from trainers import methods, models
from trainers.files.store import Store
from trainers.files.tensor_files import load_tensors, save_tensors
from trainers.models.fitting import arguments
from trainers.teachers.frozen import load_teacher
from trainers.training.distill import Training, distill
from trainers.training.starting import example
from trainers.trials.trial import Teacher, Trial
from trainers.views.device_data import on_device

TIMES = ("epoch_seconds", "images_per_second")
NAMES = [method.name for method in methods.ALL]
WITH_PARTS = [method.name for method in methods.ALL if method.module is not None]
WITHOUT_WEIGHTS = ("wkd", "ikl", "gkl", "deepkd", "sdd", "cat_kd", "sld")
"""Whose parts are not learned."""
FEATURES = [method.name for method in methods.ALL if method.features]
SETTINGS: dict[str, dict[str, object]] = {"crd": {"negatives": 64}, "reviewkd": {"mid_channels": 16}}
"""Where the paper's settings are for far larger data or networks."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    torch.set_num_threads(1)
    return new_store(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def fewer_images(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train on half of digits100; on all of it where the loss is to fall with every method (crd learns late), on few
    where it is not looked at."""
    name = request.node.originalname
    whole = name == "test_two_epochs_lower_the_loss" and request.node.get_closest_marker("slow") is not None
    few = name in ("test_every_method_trains_every_kind_of_pair", BIT_BY_BIT)
    if not whole and "[crd]" not in request.node.name:
        monkeypatch.setattr(Training, "_images", property(lambda _training: FEW if few else HALF))


HALF = 3750
FEW = 640
BIT_BY_BIT = "test_a_method_with_parts_of_its_own_goes_on_from_a_checkpoint_bit_by_bit"


def trial_of(name: str, **settings: object) -> Trial:
    """Return a trial of the method without warm-up, so that the losses of two epochs can be compared."""
    warmup = {} if name == "ce" else {"warmup_epochs": 0}
    trial = student_trial(name, **warmup, **SETTINGS.get(name, {}), **settings)
    small = trial.recipe.replaced(batch_size=32)  # rkd's angles take time and memory by its cube
    return dataclasses.replace(trial, recipe=small) if name == "rkd" else trial


@pytest.mark.parametrize(
    "name",
    [
        name if name in ("kd", "gdkd3", "fitnet", "crd") else pytest.param(name, marks=pytest.mark.slow)
        for name in NAMES
    ],
)
def test_two_epochs_lower_the_loss(store, name):
    first, second = run(trial_of(name), store)
    assert second.values["train_loss"] < first.values["train_loss"]
    extra = second.summary()["extra_parameters"]
    learned = name in WITH_PARTS and name not in WITHOUT_WEIGHTS
    assert (extra > 0) == (learned or methods.get(name).network is not None)


@pytest.mark.parametrize(
    "name", [name if name in ("crd", "ctkd") else pytest.param(name, marks=pytest.mark.slow) for name in WITH_PARTS]
)
def test_a_method_with_parts_of_its_own_goes_on_from_a_checkpoint_bit_by_bit(store, tmp_path: Path, name):
    trial = trial_of(name)
    whole = distill(trial, store)
    next(whole).save(tmp_path / "one.safetensors")
    (rest,) = distill(trial, store, checkpoint=tmp_path / "one.safetensors")
    last = next(whole)
    assert {k: v for k, v in rest.values.items() if k not in TIMES} == {
        k: v for k, v in last.values.items() if k not in TIMES
    }
    ours, theirs = (epoch.training.method.state_dict() for epoch in (rest, last))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("name", ["vid", "ctkd"])
def test_parts_of_a_methods_own_are_trained_and_drawn_from_the_seed(store, name):
    training = Training(trial_of(name), store, device=torch.device("cpu"))
    same = Training(trial_of(name), store, device=torch.device("cpu"))
    before = {n: p.clone() for n, p in training.method.named_parameters()}
    assert all(torch.equal(p, before[n]) for n, p in same.method.named_parameters())
    owned = {id(p) for group in training.optimizer.param_groups for p in group["params"]}
    assert all(id(p) in owned for p in training.method.parameters())
    training.train_epoch()
    assert all(not torch.equal(p, before[n]) for n, p in training.method.named_parameters())


def test_a_teacher_whose_features_are_compared_stays_as_it_was(store):
    trial = trial_of("vid")
    training = Training(trial, store, device=torch.device("cpu"))
    training.train_epoch()
    data = on_device("digits100", None, torch.device("cpu"))
    network = load_teacher(trial.teacher, store, data.info, torch.device("cpu"))
    stored, _ = load_tensors(store.weights(trial.teacher.id))
    assert all(torch.equal(value, stored[name]) for name, value in network.state_dict().items())
    assert not network.training
    assert training.student.training is False  # it was scored last
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in training.student.modules())


def test_features_are_taken_from_the_pass_that_gives_the_logits(store):
    plain, tapped = (Training(trial_of(name), store, device=torch.device("cpu")) for name in ("kd", "rkd"))
    inputs = example(plain.data).expand(4, -1, -1, -1)
    plain.student.eval()
    tapped.student.eval()
    assert torch.equal(plain.student(inputs), tapped.taps(inputs).logits)


def test_a_combination_adds_the_terms_of_its_methods(store):
    trial = student_trial("gdkd+pkt", **{"gdkd.warmup_epochs": 0, "pkt.weight": 2.0})
    values = next(distill(trial, store)).values
    within = 1.0 * values["gdkd.within_1"] + 8.0 * values["gdkd.within_2"]
    terms = values["ce"] + values["gdkd.between"] + within + 2.0 * values["pkt.pkt"]
    assert values["train_loss"] == pytest.approx(terms, rel=1e-5)


# --- Transformers -----------------------------------------------------------------------------------------------------


def with_teacher(trial: Trial, store: Store, name: str) -> Trial:
    """Return the trial under an untrained teacher by timm's name, whose weights are put into the store."""
    found = dict(arguments(name, classes=100, channels=1, size=16))
    teacher = Teacher(id=f"untrained-{name}", model=name, model_args=found)
    torch.manual_seed(0)
    network = models.create(name, classes=100, channels=1, arguments=found)
    save_tensors(store.weights(teacher.id), network.state_dict(), {})
    return dataclasses.replace(trial, teacher=teacher, recipe=trial.recipe.replaced(epochs=1))


def test_a_transformer_teaches_a_cnn_by_its_features_and_logits(store):
    trial = student_trial("gdkd+reviewkd", **{"reviewkd.mid_channels": 16})
    (epoch,) = run(with_teacher(trial, store, "test_vit"), store)
    assert epoch.values["val_top1"] > 0
    assert epoch.summary()["teacher_images"] == HALF


PAIRS = (("test_vit", "cifar_resnet8"), ("cifar_resnet8", "test_vit"), ("resnet18", "test_vit3"))
LOGITS = [name for name in NAMES if name not in FEATURES and name != "ce"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "teacher", "student"),
    [
        *((name, *pair) for name in FEATURES for pair in PAIRS),
        *((name, *PAIRS[place % len(PAIRS)]) for place, name in enumerate(LOGITS)),  # of logits all pairs are alike
    ],
)
def test_every_method_trains_every_kind_of_pair(store, name, teacher, student):
    if name in ("sdd", "cat_kd") and student == "test_vit3":
        pytest.skip("its last layer reads what is made of an average: it can be asked about no places")
    if name == "simkd" and teacher == "test_vit":
        pytest.skip("its last layer reads a token, not the average of a map")
    trial = with_teacher(trial_of(name), store, teacher)
    found = dict(arguments(student, classes=100, channels=1, size=16))
    if not student.startswith("cifar_"):  # SGD at 0.1 is more than a Transformer takes at weights such as the 45 of ttm
        recipe = trial.recipe.replaced(optimizer="adamw", learning_rate=1e-3, nesterov=False)
        trial = dataclasses.replace(trial, recipe=recipe)
    (epoch,) = run(dataclasses.replace(trial, student=student, student_args=found), store)
    assert not epoch.diverged
    assert torch.isfinite(torch.tensor(epoch.values["train_loss"]))


# --- pairs that cannot work -------------------------------------------------------------------------------------------


POINT = methods.NetworkShape(maps=((4, 1, 1), (8, 1, 1)), vector=8)
UNFIT = ("at", "nst", "kdsvd", "fitnet", "sdd", "cat_kd", "simkd")


@pytest.mark.parametrize("name", UNFIT)
def test_a_method_that_cannot_compare_a_pair_says_so_before_training(name):
    method = methods.get(name)
    with pytest.raises(ValueError, match=f"'{name}' cannot work with these networks"):
        method.fits(method.defaults(), POINT, POINT)


@pytest.mark.parametrize("name", [name for name in FEATURES if name not in UNFIT])
def test_the_others_work_with_any_pair(name):
    method = methods.get(name)
    method.fits(method.defaults(), POINT, POINT)
    setting = methods.Setting(student=POINT, teacher=POINT, classes=2, labels=torch.arange(8) % 2)
    methods.build(name, setting)
