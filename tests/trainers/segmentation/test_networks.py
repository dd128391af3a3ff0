"""Networks that label pixels: what they answer, where they are dilated, what they start from, their names and sizes."""

import subprocess
import sys

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from trainers import model_names, models
from trainers.files.tensor_files import load_tensors
from trainers.model_names import is_segmentation, timm_name
from trainers.models import pretrained, segmentation
from trainers.models.fitting import arguments
from trainers.models.segmentation_heads import AtrousPooling, PyramidPooling
from trainers.models.sizes import size_of, sizes
from trainers.models.start import fetch_start

SMALL = ("deeplabv3_resnet18", "deeplabv3_mobilenetv2", "pspnet_resnet18", "pspnet_mobilenetv2")


@pytest.mark.parametrize("name", ["deeplabv3_resnet101", "pspnet_resnet50"])
def test_what_a_large_network_answers(name):
    with torch.device("meta"):
        network = models.create(name, classes=19, channels=3).train()
        logits, aux = network.forward_with_aux(torch.empty(2, 3, 65, 128))
        assert network.eval()(torch.empty(1, 3, 65, 128)).shape == (1, 19, 9, 16)
    assert logits.shape == aux.shape == (2, 19, 9, 16)


@pytest.mark.parametrize("name", SMALL)
def test_small_images_and_a_network_that_learns(name):
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=5, in_chans=3)
    logits, aux = network.forward_with_aux(torch.randn(2, 3, 33, 65))
    assert logits.shape == (2, 5, 5, 9)
    assert (aux is None) == name.endswith("mobilenetv2")
    assert aux is None or aux.shape == logits.shape
    (logits.sum() + (0 if aux is None else aux.sum())).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    network.eval()
    images = torch.randn(1, 3, 33, 65)
    assert torch.equal(network(images), network.forward_with_aux(images)[0])
    assert network(torch.randn(1, 3, 1, 1)).isfinite().all()


@pytest.mark.parametrize("name", ["deeplabv3_mobilenetv2", "pspnet_mobilenetv2"])
def test_one_image_in_training_is_refused_in_words(name):
    network = models.create(name, classes=5, channels=3).train()
    with pytest.raises(ValueError, match="batches of at least 2 images, got 1"):
        network(torch.randn(1, 3, 33, 65))


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "mobilenetv2"])
def test_the_backbone_is_dilated_instead_of_halving(name):
    with torch.device("meta"):
        backbone = models.create(f"deeplabv3_{name}", classes=19, channels=3).backbone
    spatial = [m for m in backbone.modules() if isinstance(m, nn.Conv2d) and m.kernel_size != (1, 1)]
    assert [m.dilation[0] for m in spatial] == sorted(m.dilation[0] for m in spatial)  # 1, then 2, then 4
    # of the literature's code: the first unit of a stage that would halve keeps the rate of the stage before
    counts = {rate: sum(m.dilation == (rate, rate) for m in spatial) for rate in (2, 4)}
    assert counts == {"resnet18": {2: 4, 4: 3}, "resnet50": {2: 6, 4: 2}, "mobilenetv2": {2: 7, 4: 3}}[name]
    assert all(m.padding == m.dilation for m in spatial if m.dilation != (1, 1))


def test_atrous_pooling_sees_at_its_rates_and_the_whole_image():
    torch.manual_seed(0)
    pooling = AtrousPooling(1, 4).eval()
    for module in pooling.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.bias)  # keeps the ReLUs open

    def gradient():
        images = torch.zeros(1, 1, 75, 75, requires_grad=True)
        return torch.autograd.grad(pooling(images)[0, :, 37, 37].sum(), images)[0][0, 0]

    assert (gradient() != 0).all()  # through the average
    nn.init.zeros_(pooling.image[0].weight)
    seen = {(int(y) - 37, int(x) - 37) for y, x in gradient().nonzero()}
    assert seen == {(0, 0)} | {(y, x) for rate in (12, 24, 36) for y in (-rate, 0, rate) for x in (-rate, 0, rate)}


def test_pyramid_pooling_keeps_the_map_and_adds_averages():
    pooling = PyramidPooling(8).eval()
    one = torch.randn(1, 8, 5, 9)
    answer = pooling(one)
    assert answer.shape == (1, 16, 5, 9)
    assert torch.equal(answer[:, :8], one)
    torch.testing.assert_close(answer[:, 8:10], answer[:, 8:10, :1, :1].expand(-1, -1, 5, 9))  # of the whole map


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Publish weights of timm's resnet18 as a file; return them, and keep what is fetched beside them."""
    torch.manual_seed(0)
    weights = timm.create_model("resnet18").state_dict()
    save_file(weights, tmp_path / "published.safetensors")
    cfg = timm.get_pretrained_cfg("resnet18.tv_in1k")
    given = {**vars(cfg), "file": str(tmp_path / "published.safetensors")}
    monkeypatch.setitem(timm.models._registry._model_pretrained_cfgs, "resnet18.tv_in1k", type(cfg)(**given))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return weights


def test_pretrained_means_the_backbone_and_it_is_fetched_once(hub, monkeypatch):
    path = fetch_start("deeplabv3_resnet18", channels=3, size=512)
    tensors, _ = load_tensors(path)
    assert len(tensors) == len(hub) - 2  # all but the classifier
    assert all(torch.equal(value, hub[name.removeprefix("backbone.")]) for name, value in tensors.items())
    network = models.create("deeplabv3_resnet18", classes=7, channels=3, arguments={"pretrained": True})
    missing, unexpected = network.load_state_dict(tensors, strict=False)
    assert not unexpected
    assert all(name.startswith(("head.", "aux.")) for name in missing)
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in tensors.items())
    monkeypatch.setattr(pretrained.timm, "create_model", None)
    assert fetch_start("deeplabv3_resnet18", channels=3, size=512) == path


def test_a_backbone_that_cannot_be_fetched_is_told_in_one_line(hub, tmp_path):
    (tmp_path / "published.safetensors").unlink()
    with pytest.raises(
        ValueError, match=r"'pspnet_resnet18' cannot be fetched \(.*and copy '.*safetensors'$"
    ) as refusal:
        fetch_start("pspnet_resnet18", channels=3, size=512)
    assert "\n" not in str(refusal.value)


def test_names():
    assert all(timm.is_model(name) for name in model_names.SEGMENTATION)
    assert is_segmentation("pspnet_resnet18")
    assert is_segmentation("timm:deeplabv3_resnet101")
    assert not any(map(is_segmentation, ("resnet18", "timm:resnet18", "deeplabv3", *models.names())))
    assert timm_name("deeplabv3_resnet18", 16) == timm_name("timm:deeplabv3_resnet18", 512) == "deeplabv3_resnet18"
    with pytest.raises(ValueError, match="did you mean 'timm:deeplabv3_resnet18'"):
        timm_name("timm:deeplabv3_resnet81", 512)
    with pytest.raises(ValueError, match="pspnet_resnet18 takes num_classes and in_chans, got width"):
        timm.create_model("pspnet_resnet18", width=3)


def test_telling_the_kind_of_a_network_takes_no_torch():
    code = (
        "import sys; from trainers.model_names import is_segmentation, timm_name; "
        "assert is_segmentation('pspnet_resnet18') and timm_name('pspnet_resnet18', 512); "
        "sys.exit('torch' in sys.modules or 'timm' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_network_that_labels_pixels_takes_any_images():
    for size, width in ((512, 1024), (33, 65), (64, None)):
        assert arguments("deeplabv3_resnet101", classes=19, channels=3, size=size, width=width) == {}
    assert arguments("resnet18", classes=19, channels=3, size=64, width=128) == {}
    with pytest.raises(ValueError, match="'vit_tiny_patch16_224' cannot take images of 224 x 448 pixels"):
        arguments("vit_tiny_patch16_224", classes=19, channels=3, size=224, width=448)


def test_a_network_that_answers_for_the_other_task_is_refused(monkeypatch):
    monkeypatch.setattr("trainers.models.fitting.is_segmentation", lambda name: name == "resnet18")
    for name in ("resnet18", "pspnet_mobilenetv2"):
        with pytest.raises(ValueError, match=r"answers \[2, 11(, 9, 9)?\] for two images of 11 classes"):
            arguments(name, classes=11, channels=3, size=66)


@pytest.mark.parametrize(
    ("name", "published"),  # in millions, of CIRKD's table; what a ResNet lacks is its other stem
    [
        ("deeplabv3_resnet101", 61.1),
        ("deeplabv3_resnet18", 13.6),
        ("deeplabv3_mobilenetv2", 3.2),
        ("pspnet_resnet18", 12.9),
    ],
)
def test_sizes_are_those_of_the_literature(name, published):
    size = size_of(name, name, 64, segmentation.CITYSCAPES_CLASSES, width=128)
    assert size.parameters / 1e6 == pytest.approx(published, abs=0.15)
    assert (size.height, size.width) == (64, 128)


def test_sizes_lists_them_once():
    assert [(size.name, size.width) for size in sizes("deeplabv3_mobile*")] == [("deeplabv3_mobilenetv2", 1024)]
