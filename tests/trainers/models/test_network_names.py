"""Networks of timm and torchvision: names, sizes, arguments for small images, and where they are tapped."""

import pytest
import timm
import torch
from torch import nn

from trainers import models
from trainers.model_names import timm_name
from trainers.models.fitting import arguments
from trainers.models.sizes import size_of, sizes
from trainers.models.taps import TapError, tap


def shape(name: str, size: int, *, channels: int = 3) -> tuple[tuple[int, int, int], ...]:
    """Return the maps of a network on images of this size."""
    given = arguments(name, classes=10, channels=channels, size=size)
    network = models.create(name, classes=10, channels=channels, arguments=given)
    return tap(network, torch.zeros(1, channels, size, size)).shape.maps


def test_names_of_torchvision():
    assert timm_name("torchvision:swin_t", 224) == "torchvision_swin_t"
    assert timm_name("torchvision:resnet18", 16) == "torchvision_resnet18"
    with pytest.raises(ValueError, match="did you mean 'torchvision:resnet18'"):
        timm_name("torchvision:resnet81", 16)
    assert timm.is_model("torchvision_vit_b_16") and not timm.is_model("torchvision_googlenet")


@pytest.mark.parametrize(
    ("name", "size", "given"),
    [
        ("test_vit", 160, {}),
        ("test_vit", 16, {"img_size": 16, "patch_size": 4}),
        ("test_vit", 64, {"img_size": 64, "patch_size": 8}),
        ("deit_tiny_patch16_224", 32, {"img_size": 32, "patch_size": 4}),
        ("swin_tiny_patch4_window7_224", 32, {"img_size": 32}),
        ("torchvision_vit_b_32", 32, {"image_size": 32}),
        ("resnet18", 16, {}),
        ("cifar_vgg8", 16, {}),
    ],
)
def test_a_network_gets_the_arguments_with_which_it_takes_the_images(name, size, given):
    assert dict(arguments(name, classes=10, channels=1, size=size)) == given


def test_a_network_that_cannot_take_the_images_says_so():
    with pytest.raises(ValueError, match="'convnext_tiny' cannot take images of 16 x 16 pixels: "):
        arguments("convnext_tiny", classes=10, channels=3, size=16)


@pytest.mark.parametrize(
    ("name", "size", "maps"),
    [
        ("cifar_resnet8", 32, ((16, 32, 32), (16, 32, 32), (32, 16, 16), (64, 8, 8))),
        ("resnet18", 32, ((64, 16, 16), (64, 8, 8), (128, 4, 4), (256, 2, 2), (512, 1, 1))),
        ("torchvision_resnet18", 32, ((64, 16, 16), (64, 8, 8), (128, 4, 4), (256, 2, 2), (512, 1, 1))),
        ("torchvision_swin_t", 64, ((96, 16, 16), (192, 8, 8), (384, 4, 4), (768, 2, 2))),
        ("test_vit", 32, ((64, 8, 8),) * 6),
        ("mobilenetv1", 64, ((128, 16, 16), (256, 8, 8), (512, 4, 4), (1024, 2, 2))),
    ],
)
def test_maps_of_networks(name, size, maps):
    assert shape(name, size) == maps


@pytest.mark.parametrize("name", ["cifar_resnet8", "torchvision_resnet18", "test_vit", "cifar_wrn_16_1"])
def test_probing_leaves_a_network_as_it_was_and_taps_give_its_answers(name):
    given = arguments(name, classes=10, channels=3, size=32)
    network = models.create(name, classes=10, channels=3, arguments=given).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    images = torch.randn(2, 3, 32, 32)
    taps = tap(network, images)
    assert all(module.training for module in network.modules())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    network.eval()
    output = taps(images, torch.tensor([4, 5]))
    torch.testing.assert_close(output.logits, network(images))
    torch.testing.assert_close(network.get_submodule(_last(network))(output.vector), output.logits)
    assert output.images.tolist() == [4, 5]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def _last(network: nn.Module) -> str:
    return [name for name, module in network.named_modules() if isinstance(module, nn.Linear)][-1]


def test_maps_are_seen_before_their_relu_where_one_ends_the_stage():
    network = models.create("cifar_resnet8", classes=10, channels=3).eval()
    output = tap(network, torch.zeros(1, 3, 16, 16))(torch.randn(2, 3, 16, 16))
    for before, after in zip(output.preacts, output.maps, strict=True):
        assert (before < 0).any()
        torch.testing.assert_close(before.relu(), after)


def test_maps_of_a_network_that_normalises_first_are_seen_behind_the_norm_that_reads_them():
    network = models.create("cifar_wrn_16_1", classes=10, channels=3).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-1, 1)
                module.weight.uniform_(0.5, 2)
    taps = tap(network, torch.zeros(1, 3, 16, 16))
    output = taps(torch.randn(2, 3, 16, 16))
    assert taps.shape.signed == (True,) * 4
    assert all(not torch.equal(before, after) for before, after in zip(output.preacts, output.maps, strict=True))
    torch.testing.assert_close(output.preacts[-1], network.bn1(output.maps[-1]))


def test_a_network_without_maps_cannot_be_tapped():
    with pytest.raises(TapError, match="Sequential has no feature maps"):
        tap(nn.Sequential(nn.Flatten(), nn.Linear(48, 3)), torch.zeros(1, 3, 4, 4))


def test_sizes_are_those_of_the_literature():
    size = size_of("resnet32x4", "cifar_resnet32x4", 32, 100)
    assert (size.parameters, round(size.multiply_adds / 1e9, 2)) == (7_433_860, 1.08)
    size = size_of("timm:resnet18", "resnet18", 224, 1000)
    assert (size.parameters, round(size.multiply_adds / 1e9, 2)) == (11_689_512, 1.81)
    assert [found.name for found in sizes("wrn_16_?")] == ["wrn_16_1", "wrn_16_2"]


def test_a_network_whose_pooling_learns_its_query_has_a_size():
    size = size_of("timm:test_vit3", "test_vit3", 160, 1000)
    assert (size.parameters, size.multiply_adds) == (930_280, 94_051_200)
