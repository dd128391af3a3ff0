"""The networks of the KD literature: the reference's state dicts and answers, timm's interface, checkpoints."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import nn

from trainers import models
from trainers.teachers.weight_files import read_weights

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "cifar_models.json").read_text())
NAMES = tuple(GOLDEN)
OUR_OWN = {"tinyresnet", "tinycnn"}
LINEAR = {"mobilenetv2": slice(1, None), "wrn": slice(None)}
"""Families and which of their maps no ReLU ends."""
Golden = tuple[nn.Module, dict[str, Any]]


@pytest.fixture(scope="module", params=NAMES)
def golden(request: pytest.FixtureRequest) -> Golden:
    """The reference's network of 10 classes, and what it must answer. One at a time is in memory."""
    return filled(request.param), GOLDEN[request.param]


@pytest.fixture(scope="module", params=NAMES)
def grey(request: pytest.FixtureRequest) -> nn.Module:
    """A network of 7 classes for grey images. One at a time is in memory."""
    return in_grey(request.param)


def in_grey(name: str) -> nn.Module:
    return timm.create_model(f"cifar_{name}", num_classes=7, in_chans=1).eval()


def filled(name: str) -> nn.Module:
    """Return a network of 10 classes in float64, with the weights of tests/golden/README.md."""
    network = models.create(f"cifar_{name}", classes=10, channels=3).double().eval()
    with torch.no_grad():
        for i, (tensor_name, tensor) in enumerate(network.state_dict().items()):
            if tensor.is_floating_point():
                tensor.copy_(wave(tensor_name, tensor, i))
    return network


def wave(name: str, tensor: torch.Tensor, i: int) -> torch.Tensor:
    values = torch.cos(i + 0.7 * torch.arange(tensor.numel(), dtype=torch.float64)).reshape(tensor.shape)
    if tensor.ndim > 1:
        return values * math.sqrt(2 / tensor[0].numel())
    if name.endswith("running_var"):
        return 1 + 0.5 * values**2
    return 1 + 0.1 * values if name.endswith("weight") else 0.1 * values


def test_the_reference_has_every_network_but_our_own():
    assert set(NAMES) == set(models.names()) - OUR_OWN


def test_the_state_dict_is_the_references(golden):
    network, expected = golden
    state = [[name, [*tensor.shape]] for name, tensor in network.state_dict().items()]
    assert state == expected["state_dict"]
    assert sum(one.numel() for one in network.parameters()) == expected["parameters"]


@torch.inference_mode()
def test_logits_and_maps_equal_the_references(golden):
    network, expected = golden
    images = torch.sin(0.01 * torch.arange(2 * 3 * 32 * 32, dtype=torch.float64)).reshape(2, 3, 32, 32)
    last, maps = network.forward_intermediates(images)
    logits = network.forward_head(last)
    torch.testing.assert_close(logits, torch.tensor(expected["logits"]).double(), rtol=1e-6, atol=0)
    assert [[*one.shape[1:]] for one in maps] == [feature["shape"] for feature in expected["features"]]
    means = [feature["mean"] for feature in expected["features"]]
    assert [one.mean().item() for one in maps] == pytest.approx(means, rel=1e-6, abs=0)


@torch.inference_mode()
def test_timms_interface(grey):
    network, images = grey, torch.randn(2, 1, 16, 16)
    logits = network(images)
    assert logits.shape == (2, 7) and network.num_classes == 7
    assert torch.equal(network.forward_head(network.forward_features(images)), logits)
    last, maps = network.forward_intermediates(images)
    assert torch.equal(network.forward_head(last), logits)
    assert network.forward_head(last, pre_logits=True).shape == (2, network.num_features)
    assert network.head_hidden_size == network.num_features

    def same(indices, wanted, **options):
        found = network.forward_intermediates(images, indices, intermediates_only=True, **options)
        return len(found) == len(wanted) and all(map(torch.equal, found, wanted))

    assert same(None, maps)
    assert same(2, maps[-2:])
    assert same([0, -2], [maps[0], maps[-2]])
    assert same([1], [maps[1]], stop_early=True)


@torch.inference_mode()
def test_the_classifier_can_be_read_and_replaced(grey):
    network, images = grey, torch.randn(2, 1, 16, 16)
    keys = [*network.state_dict()]
    pooled = network.forward_head(network.forward_features(images), pre_logits=True)
    torch.testing.assert_close(network.get_classifier()(pooled), network(images))
    network.reset_classifier(0)
    assert torch.equal(network(images), pooled)
    network.reset_classifier(5)
    assert network(images).shape == (2, 5) and network.num_classes == 5
    assert network.get_classifier().weight.shape == (5, network.num_features)
    assert [*network.state_dict()] == keys
    network.reset_classifier(7)


@torch.inference_mode()
def test_a_map_after_a_relu_is_what_a_relu_module_answers(grey, request):
    name, answers, reads = request.node.callspec.params["grey"], [], {}

    def note(relu, inputs, output):
        assert not relu.inplace
        answers.append(output)
        reads[id(output)] = inputs[0]

    handles = [module.register_forward_hook(note) for module in grey.modules() if isinstance(module, nn.ReLU)]
    maps = grey.forward_intermediates(torch.randn(2, 1, 16, 16), intermediates_only=True)
    for handle in handles:
        handle.remove()
    linear = next((where for family, where in LINEAR.items() if name.startswith(family)), slice(0, 0))
    for one in maps[linear]:
        assert one.min() < 0
        assert all(one is not answer for answer in answers)
    ended = [one for one in maps if all(one is not other for other in maps[linear])]
    for one in ended:
        assert any(one is answer for answer in answers)
        assert reads[id(one)].min() < 0


@pytest.mark.parametrize("name", ["vgg8", "resnet8x4", "wrn_16_2", "mobilenetv2", "shufflev1", "shufflev2"])
@torch.inference_mode()
def test_sizes_up_to_64_pixels(name):
    network = in_grey(name)
    small, large = (network.forward_intermediates(torch.randn(1, 1, size, size))[1] for size in (32, 64))
    sizes = [(one.shape[2], other.shape[2]) for one, other in zip(small, large, strict=True)]
    assert all(twice == 2 * once for once, twice in sizes[:-1])
    assert sizes[-1] == ((4, 4) if name == "vgg8" else (sizes[-1][0], 2 * sizes[-1][0]))  # pooled once more at 64
    assert network(torch.randn(1, 1, 64, 64)).shape == (1, 7)


def test_the_first_weights_come_from_torchs_generator_alone():
    for name in ("resnet8", "shufflev1"):
        torch.manual_seed(5)
        first = models.create(f"cifar_{name}", classes=10, channels=3).state_dict()
        torch.manual_seed(5)
        second = models.create(f"cifar_{name}", classes=10, channels=3).state_dict()
        assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", ["resnet8x4", "wrn_16_2", "vgg8", "mobilenetv2"])
def test_the_first_weights_have_the_papers_spread(name):
    for module in models.create(f"cifar_{name}", classes=100, channels=3).modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 5_000:
            outputs = module.out_channels * module.kernel_size[0] ** 2
            assert module.weight.std().item() == pytest.approx(math.sqrt(2 / outputs), rel=0.1)
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            assert not module.bias.any()
        if isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all() and not module.bias.any()


@torch.inference_mode()
def test_timm_knows_them():
    network = timm.create_model("cifar_resnet8x4", num_classes=7, in_chans=1)
    assert network(torch.randn(2, 1, 32, 32)).shape == (2, 7)
    assert timm.create_model("cifar_resnet8").num_classes == 100


@pytest.mark.parametrize("name", [*(f"cifar_{name}" for name in models.names()), "mobilenetv1"])
def test_there_are_no_pretrained_weights(name):
    with pytest.raises(ValueError, match="no pretrained weights"):
        timm.create_model(name, pretrained=True)


def test_an_argument_that_a_network_lacks_is_named():
    with pytest.raises(ValueError, match="cifar_vgg8 takes num_classes and in_chans, got drop_rate"):
        models.create("cifar_vgg8", classes=10, channels=3, arguments={"drop_rate": 0.1})


@torch.inference_mode()
def test_mobilenetv1():
    network = timm.create_model("mobilenetv1").eval()
    assert sum(one.numel() for one in network.parameters()) == 4_231_976 and network.num_classes == 1000
    state = network.state_dict()
    assert next(iter(state)) == "model.0.0.weight" and state["model.13.4.running_var"].shape == (1024,)
    assert [*state][-2:] == ["fc.weight", "fc.bias"]
    images = torch.randn(2, 3, 64, 64)
    last, maps = network.forward_intermediates(images)
    assert [tuple(one.shape[1:]) for one in maps] == [(128, 16, 16), (256, 8, 8), (512, 4, 4), (1024, 2, 2)]
    assert torch.equal(network.forward_head(last), network(images))


@pytest.mark.parametrize("accuracy", [np.float64(79.4), np.float32(79.4), np.int64(79)])
def test_the_fields_checkpoints_load(accuracy, tmp_path: Path):
    weights = filled("resnet8").state_dict()
    content = {"model": {f"module.{name}": tensor for name, tensor in weights.items()}, "best_acc": accuracy}
    torch.save(content, tmp_path / "teacher.pth")
    network = models.create("cifar_resnet8", classes=10, channels=3).double()
    found = read_weights(tmp_path / "teacher.pth", network)
    assert found.claimed == pytest.approx(float(accuracy))
    network.load_state_dict(found.tensors, strict=True)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in network.state_dict().items())


def test_a_checkpoint_that_numpy_1_wrote_loads(tmp_path: Path):
    path = tmp_path / "teacher.pth"
    network = torch.nn.Linear(3, 2)
    content = {"model": network.state_dict(), "best_acc": np.float64(79.4)}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    assert path.read_bytes().count(b"numpy._core.multiarray") == 1
    path.write_bytes(path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    found = read_weights(path, network)
    assert found.claimed == 79.4 and torch.equal(found.tensors["weight"], network.weight)
