"""The small networks: sizes of the feasibility study, timm's interface, names."""

import pytest
import timm
import torch

from trainers import models


@pytest.mark.parametrize(("name", "count"), [("tinyresnet", 182_572), ("tinycnn", 49_108)])
def test_parameters(name, count):
    network = models.create(models.timm_name(name, 16), classes=100, channels=1)
    assert sum(one.numel() for one in network.parameters()) == count


@pytest.mark.parametrize("name", models.names())
def test_every_network_follows_timms_interface(name):
    network = timm.create_model(f"cifar_{name}", num_classes=7, in_chans=3).eval()
    images = torch.randn(2, 3, 32, 32)
    last, maps = network.forward_intermediates(images)
    assert len(maps) >= 3
    assert torch.equal(network.forward_head(last), network(images))
    assert network.forward_head(last, pre_logits=True).shape == (2, network.num_features)
    network.reset_classifier(3)
    assert network(images).shape == (2, 3)


def test_names():
    assert models.timm_name("tinycnn", 16) == "cifar_tinycnn"
    assert models.timm_name("timm:resnet18", 16) == "resnet18"
    assert models.timm_name("resnet18", 224) == "resnet18"
    assert models.timm_name("resnet18", 32) == "cifar_resnet18"
    with pytest.raises(ValueError, match="did you mean 'tinycnn'"):
        models.timm_name("tinycn", 16)
    with pytest.raises(ValueError, match="did you mean 'timm:resnet18'"):
        models.timm_name("timm:resnet81", 16)
    with pytest.raises(ValueError, match="did you mean 'timm:efficientnet_b0'"):
        models.timm_name("efficientnet_b0", 16)


def test_every_name_is_a_registered_network():
    assert {f"cifar_{name}" for name in models.names()} == {*timm.list_models("cifar_*")}
