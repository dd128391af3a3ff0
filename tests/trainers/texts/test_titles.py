"""Names as papers print them."""

import subprocess
import sys

import pytest

from trainers import data, methods, models, titles
from trainers.model_names import SEGMENTATION


def test_every_method_and_data_set_has_a_title():
    assert all(method.title for method in methods.ALL)
    assert set(titles.DATASETS) == set(data.names()) - {"imagefolder"}  # a folder is the user's own
    assert len({titles.method(name) for name in methods.METHODS}) == len(methods.METHODS)


def test_every_network_of_ours_has_a_title_of_its_own():
    ours = [*models.names(), *SEGMENTATION]
    shown = [titles.network(name) for name in ours]
    assert len({*shown}) == len(ours)
    assert not [title for title in shown if "_" in title or title.islower()]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("resnet32x4", "ResNet32×4"),
        ("cifar_resnet8x4", "ResNet8×4"),
        ("resnet56", "ResNet-56"),
        ("wrn_40_2", "WRN-40-2"),
        ("torchvision:wide_resnet50_2", "WRN-50-2"),
        ("vgg13", "VGG-13"),
        ("shufflev1", "ShuffleNetV1"),
        ("timm:deit_tiny_patch16_224.fb_in1k", "DeiT-Ti"),
        ("timm:vit_small_patch32_224", "ViT-S/32"),
        ("timm:swin_tiny_patch4_window7_224", "Swin-T"),
        ("timm:mobilenetv3_large_100", "MobileNetV3-L"),
        ("timm:regnety_160", "RegNetY-16GF"),
        ("deeplabv3_resnet101", "DeepLabV3-ResNet-101"),
        ("timm:some_net_of_tomorrow", "timm:some_net_of_tomorrow"),
    ],
)
def test_networks(name: str, title: str):
    assert titles.network(name) == title


def test_methods_and_combinations():
    assert titles.method("reviewkd") == "ReviewKD"
    assert titles.method("kd+at") == "KD + AT"
    assert titles.method("not_there") == "not_there"


def test_symbols():
    assert titles.symbol("w2") == "w₂"
    assert titles.symbol("kd.temperature") == "KD T"
    assert titles.symbol("standardize") == "standardize"


def test_light():
    """A report does not wait for torch."""
    steps = ("import sys", "from trainers import titles", "titles.method('kd')", "titles.network('wrn_40_2')")
    subprocess.run([sys.executable, "-c", "; ".join([*steps, "assert 'torch' not in sys.modules"])], check=True)
