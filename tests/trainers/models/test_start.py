"""What networks start from: published weights without the classifier, and nothing else under that name."""

import dataclasses
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.models import build_model_with_cfg, register_model
from timm.models._registry import _model_pretrained_cfgs
from timm.models.resnet import BasicBlock, ResNet
from torch import Tensor

from search_spaces import SweepFileError, expand, read
from search_spaces.checks.facts import file_digest
from tests.search_spaces.sweep_texts import told, write
from tests.trainers.layouts import write_imagefolder
from tests.trainers.picture_trials import CPU, recipe, run, trial
from trainers import models
from trainers.files.store import Store
from trainers.files.tensor_files import load_tensors, save_tensors
from trainers.models import start
from trainers.models.start import fetch_start, head_names, load_start, start_path
from trainers.training.distill import Training


@register_model
def resnet_started(pretrained: bool = False, **arguments):
    given = {"block": BasicBlock, "layers": (1, 1, 1, 1), "channels": (8, 8, 16, 16), **arguments}
    return build_model_with_cfg(ResNet, "resnet_started", pretrained, **given)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """Publish weights of a small network of timm's for 5 classes, as a file; return them."""
    torch.manual_seed(0)
    made = ResNet(BasicBlock, (1, 1, 1, 1), channels=(8, 8, 16, 16), num_classes=5).state_dict()
    save_file(made, tmp_path / "published.safetensors")
    cfg = timm.models.PretrainedCfg(
        file=str(tmp_path / "published.safetensors"), num_classes=5, input_size=(3, 32, 32), first_conv="conv1",
        classifier="fc", architecture="resnet_started", tag="here",
    )  # fmt: skip
    monkeypatch.setitem(_model_pretrained_cfgs, "resnet_started", cfg)
    monkeypatch.setitem(_model_pretrained_cfgs, "resnet_started.here", cfg)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return made


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    write_imagefolder(folder, size=80)
    return folder


HEADS = {
    "resnet18": {"fc.weight", "fc.bias"},
    "mobilenetv2_100": {"classifier.weight", "classifier.bias"},
    "vit_tiny_patch16_224": {"head.weight", "head.bias"},
    "deit_tiny_distilled_patch16_224": {"head.weight", "head.bias", "head_dist.weight", "head_dist.bias"},
    "test_convnext": {"head.fc.weight", "head.fc.bias"},
    "test_efficientnet": {"classifier.weight", "classifier.bias"},
    "mobilenetv1": {"fc.weight", "fc.bias"},
    "cifar_resnet8": {"fc.weight", "fc.bias"},
    "cifar_mobilenetv2": {"classifier.0.weight", "classifier.0.bias"},
    "cifar_shufflev1": {"linear.weight", "linear.bias"},
    "cifar_vgg8": {"classifier.weight", "classifier.bias"},
    "torchvision_resnet18": {"fc.weight", "fc.bias"},
    "torchvision_vgg11": {"classifier.6.weight", "classifier.6.bias"},
    "torchvision_vit_b_16": {"heads.head.weight", "heads.head.bias"},
    "torchvision_squeezenet1_0": {"classifier.1.weight", "classifier.1.bias"},
}


@pytest.mark.parametrize("name", HEADS)
def test_the_classifier_is_what_depends_on_the_classes(name: str):
    assert head_names(name, {}) == HEADS[name]


def test_published_weights_are_fetched_once_without_the_classifier(published, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(FileNotFoundError, match="weights of 'resnet_started' are not here yet; a run fetches them"):
        fetch_start("resnet_started", channels=3, size=32, fetch=False)
    path = fetch_start("resnet_started", channels=3, size=32)
    assert path == start_path("resnet_started", 32)
    assert path.is_relative_to(Path(torch.hub.get_dir()))
    kept, _ = load_tensors(path)
    assert kept.keys() == published.keys() - {"fc.weight", "fc.bias"}
    assert all(torch.equal(kept[name], published[name]) for name in kept)
    monkeypatch.setattr(start, "published_network", None)
    assert fetch_start("resnet_started", channels=3, size=32, fetch=False) == path


@pytest.mark.parametrize(
    ("name", "channels", "reason"),
    [
        ("mobilenetv1", 3, "no weights of 'mobilenetv1' are published; set recipe.start: random"),
        ("cifar_resnet8", 3, "no weights of 'cifar_resnet8' are published; set recipe.start: random"),
        ("resnet_started", 1, "are for 3 channels, got 1; set recipe.start: random, or name a network that has some"),
    ],
)
def test_what_has_none_is_told(published, name: str, channels: int, reason: str):
    with pytest.raises(ValueError) as refusal:
        fetch_start(name, channels=channels, size=32)
    assert reason in str(refusal.value)


def test_a_training_starts_from_them_but_for_the_classifier(published, pictures: Path, tmp_path: Path):
    path, store = fetch_start("resnet_started", channels=3, size=64), Store(tmp_path / "home")
    digest = file_digest(path)
    store.weights(digest).parent.mkdir(parents=True)
    store.weights(digest).write_bytes(path.read_bytes())
    of = trial(
        pictures, student="resnet_started", views="rrc64-flip", initial=digest, changes=recipe(start="published")
    )
    at_random = dataclasses.replace(of, initial="")
    first, other, plain = (
        Training(one, store, device=CPU, data_root=pictures).student.state_dict()
        for one in (of, dataclasses.replace(of, seed=1), at_random)
    )
    for name, value in first.items():
        if name.startswith("fc."):
            assert torch.equal(value, plain[name]) and not torch.equal(value, other[name])
        else:
            assert torch.equal(value, published[name]) and torch.equal(other[name], published[name])
    assert not torch.equal(plain["conv1.weight"], first["conv1.weight"])
    assert run(of, store, pictures)[-1].last
    with pytest.raises(FileNotFoundError):
        run(dataclasses.replace(of, initial="0" * 64), store, pictures)


def test_weights_of_another_network_are_refused():
    network = models.create("test_efficientnet", classes=3, channels=3)
    given = {n: t + 1 for n, t in network.state_dict().items() if n not in head_names("test_efficientnet", {})}
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for wrong in (
        {**given, "stranger": torch.zeros(1)},
        {name: value for name, value in given.items() if name != "conv_stem.weight"},
        {**given, "conv_stem.weight": torch.zeros(1)},
        {},
    ):
        with pytest.raises(
            ValueError, match=r"'test_efficientnet' is to start from is of another network: '.*' does not fit"
        ):
            load_start(network, wrong, "test_efficientnet", {})
        assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    load_start(network, given, "test_efficientnet", {})
    assert all(torch.equal(value, given.get(name, before[name])) for name, value in network.state_dict().items())


def test_networks_for_pixels_start_from_their_backbone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    name = "pspnet_mobilenetv2"
    network = models.create(name, classes=19, channels=3)
    backbone = {n: t + 1 for n, t in network.state_dict().items() if n.startswith("backbone.")}
    save_tensors(start_path(name, 64), backbone)
    weights, _ = load_tensors(fetch_start(name, channels=3, size=64, fetch=False))
    before = {n: t.clone() for n, t in network.state_dict().items()}
    load_start(network, weights, name, {})
    assert all(torch.equal(t, backbone.get(n, before[n])) for n, t in network.state_dict().items())
    with pytest.raises(ValueError, match="is of another network"):
        load_start(network, {n: t for n, t in weights.items() if "conv_stem" not in n}, name, {})


# --- from a sweep file ---------------------------------------------------------------------------------------------

SWEEP = """\
name: started
datasets: {imagefolder: {root: ROOT, size: 80}}
pairs: PAIRS
recipe: {base: quick, epochs: 1, batch_size: 8, start: published}
methods: {ce: , kd: }
seeds: 1
"""


def text(root: Path, pairs: str, more: str = "") -> str:
    return SWEEP.replace("ROOT", str(root)).replace("PAIRS", pairs) + more


def test_networks_of_a_sweep_start_from_them_as_their_recipes_say(published, pictures: Path, tmp_path: Path):
    """A network that is student and teacher may start in two ways."""
    pair = "timm:resnet_started -> timm:resnet_started"
    path = write(tmp_path, text(pictures, pair))
    planned = read(path, planning=True)
    assert any("published weights of 'resnet_started' are not here yet" in line for line in planned.assumed)
    fetched = fetch_start("resnet_started", channels=3, size=80)
    digest = file_digest(fetched)
    for more, of_teacher, of_student in (
        ("", digest, digest),
        ("teachers: {timm:resnet_started: {recipe: {start: random}}}\n", "", digest),
        ("teachers: {timm:resnet_started: {recipe: {base: quick, epochs: 1}}}\n", "", digest),
    ):
        file = read(write(tmp_path, text(pictures, pair, more)))
        assert file.assumed == ()
        sweep = expand(file, capability=lambda: None)
        (plan,) = sweep.teachers
        assert plan.trial is not None and plan.trial.initial == of_teacher
        assert {member.trial.initial for member in sweep.fixed} == {of_student}
        assert [(one.digest, one.timm_name, one.size) for one in sweep.initials] == [(digest, "resnet_started", 80)]
    only_teacher = text(pictures, pair, "teachers: {timm:resnet_started: {recipe: {start: published}}}\n")
    sweep = expand(read(write(tmp_path, only_teacher.replace("8, start: published", "8"))), capability=lambda: None)
    assert [plan.trial.initial for plan in sweep.teachers if plan.trial] == [digest]
    assert {(member.trial.initial, member.trial.recipe.start) for member in sweep.fixed} == {("", "random")}


def test_a_given_teacher_needs_no_start(published, pictures: Path, tmp_path: Path):
    network = models.create("mobilenetv1", classes=3, channels=3)
    torch.save(network.state_dict(), tmp_path / "teacher.pth")
    more = "teachers: {mobilenetv1: {checkpoint: teacher.pth}}\n"
    sweep = expand(read(write(tmp_path, text(pictures, "mobilenetv1 -> timm:resnet_started", more))))
    assert [initial.timm_name for initial in sweep.initials] == ["resnet_started"]


@pytest.mark.parametrize("planning", [False, True])
def test_networks_without_any_are_told_with_their_line(published, pictures: Path, tmp_path: Path, planning: bool):
    pairs = "[timm:resnet_started -> mobilenetv1, mobilenetv1 -> timm:resnet_started]"
    path = write(tmp_path, text(pictures, pairs))
    with pytest.raises(SweepFileError) as caught:
        read(path, planning=planning)
    (line,) = str(caught.value).splitlines()[1:]
    assert line.strip() == (
        "line 3  pairs[0]: no weights of 'mobilenetv1' are published; "
        "set recipe.start: random, or name a network that has some"
    )


def test_weights_that_cannot_be_fetched_are_told_with_their_line(published, pictures: Path, tmp_path: Path):
    (tmp_path / "published.safetensors").unlink()
    (line,) = told(tmp_path, text(pictures, "timm:resnet_started -> timm:resnet_started"))[1:]
    assert line.startswith("line 3  pairs: the published weights of 'resnet_started' cannot be fetched (")
    assert line.endswith("set recipe.start: random, or name a network that has some")


# --- published weights as a teacher's -------------------------------------------------------------------------------


def test_a_published_teacher_sees_pictures_as_its_weights_were_made_for(
    published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Of 80 pixels, and normalised in its own way; the student keeps the data set's."""
    from orchestrator.acceptance.accept import import_checkpoints

    cfg = dataclasses.replace(
        _model_pretrained_cfgs["resnet_started"], input_size=(3, 80, 80), mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2)
    )
    for name in ("resnet_started", "resnet_started.here"):
        monkeypatch.setitem(_model_pretrained_cfgs, name, cfg)
    write_imagefolder(tmp_path / "five", classes=5, size=90)
    more = "teachers: {timm:resnet_started: {pretrained: on}}\n"
    given = text(tmp_path / "five", "timm:resnet_started -> timm:resnet_started", more)
    path = write(tmp_path, given.replace("size: 80", "size: 96").replace("start: published", "start: random"))
    assert [line.split(":")[0] for line in read(path, planning=True).assumed] == ["teachers.timm"]
    sweep = expand(read(path), capability=lambda: None)
    (plan,), (of,) = sweep.teachers, [member.trial for member in sweep.fixed if member.trial.method == "kd"]
    assert plan.trial is None and plan.checkpoint is not None and plan.id == file_digest(plan.checkpoint)
    assert of.teacher is not None and (of.teacher.size, of.teacher.mean) == (80, (0.5, 0.5, 0.5))
    store = Store(tmp_path / "home")
    import_checkpoints([sweep], store)
    training = Training(of, store, device=CPU, data_root=tmp_path / "five")
    assert training.teacher is not None and training.teacher.size == (80, 80)
    kept = load_tensors(store.weights(of.teacher.id))[0]
    assert all(torch.equal(kept[name], value) for name, value in published.items())
    assert run(of, store, tmp_path / "five")[-1].last
