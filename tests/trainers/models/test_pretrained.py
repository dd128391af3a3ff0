"""timm's own weights as a teacher's: fetched once, refused where they do not fit."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.models import build_model_with_cfg, register_model
from timm.models._registry import _model_pretrained_cfgs
from timm.models.resnet import BasicBlock, ResNet

from trainers.files.tensor_files import load_tensors
from trainers.models import pretrained
from trainers.models.pretrained import fetch_pretrained, pretrained_path
from trainers.teachers.weight_files import check_weights


@register_model
def resnet_published(pretrained: bool = False, **arguments):
    given = {"block": BasicBlock, "layers": (1, 1, 1, 1), "channels": (8, 8, 16, 16), **arguments}
    return build_model_with_cfg(ResNet, "resnet_published", pretrained, **given)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Publish weights of a small network of timm's for 5 classes, as a file; return them."""

    torch.manual_seed(0)
    made = ResNet(BasicBlock, (1, 1, 1, 1), channels=(8, 8, 16, 16), num_classes=5).state_dict()
    save_file(made, tmp_path / "published.safetensors")
    cfg = timm.models.PretrainedCfg(
        file=str(tmp_path / "published.safetensors"), num_classes=5, input_size=(3, 32, 32), first_conv="conv1",
        classifier="fc", architecture="resnet_published", tag="here",
    )  # fmt: skip
    monkeypatch.setitem(_model_pretrained_cfgs, "resnet_published", cfg)
    monkeypatch.setitem(_model_pretrained_cfgs, "resnet_published.here", cfg)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return made


def test_published_weights_are_fetched_once_and_fit(published, monkeypatch):
    path = fetch_pretrained("resnet_published", classes=5, channels=3, size=32)
    assert path == pretrained_path("resnet_published", 32)
    tensors, _ = load_tensors(path)
    assert all(torch.equal(tensors[name], value) for name, value in published.items())
    check_weights(path, "resnet_published", classes=5, channels=3)
    monkeypatch.setattr(pretrained.timm, "create_model", None)
    assert fetch_pretrained("resnet_published", classes=5, channels=3, size=32) == path


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("resnet_published", {"classes": 100}, "are for 5 classes, the data set has 100; give checkpoint:"),
        ("resnet_published", {"channels": 1}, "are for 3 channels, got 1"),
        ("cifar_tinyresnet", {}, "timm has no weights of 'cifar_tinyresnet'; give checkpoint:"),
    ],
)
def test_weights_that_do_not_fit_are_refused(published, name, given, reason):
    with pytest.raises(ValueError) as refusal:
        fetch_pretrained(name, **{"classes": 5, "channels": 3, "size": 32, **given})
    assert reason in str(refusal.value)


def test_weights_that_cannot_be_fetched_are_told_in_one_line(published, tmp_path):
    (tmp_path / "published.safetensors").unlink()
    with pytest.raises(ValueError, match=r"cannot be fetched \(.*\); give checkpoint:") as refusal:
        fetch_pretrained("resnet_published", classes=5, channels=3, size=32)
    assert "\n" not in str(refusal.value)


def test_a_tag_says_which_of_the_published_weights():
    usual = (224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert pretrained.made_for("torchvision_resnet50.IMAGENET1K_V1") == (1000, 3, 224, *usual[1:])
    assert pretrained.made_for("resnet50.tv_in1k") == (1000, 3, *usual)
    names = {pretrained.pretrained_path(name, 224).name for name in ("resnet50", "resnet50.tv_in1k")}
    assert names == {"resnet50.a1_in1k-224.safetensors", "resnet50.tv_in1k-224.safetensors"}


@pytest.mark.parametrize("name", ["torchvision_resnet50.V9", "resnet50.V9"])
def test_a_tag_that_is_none_is_told_with_all_that_are(name: str):
    with pytest.raises(ValueError, match="no weights 'V9' of 'resnet50'"):
        pretrained.made_for(name)
