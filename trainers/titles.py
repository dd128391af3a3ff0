"""Names as papers print them: of networks, data sets and hyperparameters. Light: a report knows no torch.

A name that has no title is printed as it is. Sources: the papers of the methods and networks themselves.
"""

import re
from collections.abc import Callable

from trainers.model_names import OF_TORCHVISION, PREFIX, TIMM, TORCHVISION
from trainers.own.reference import parse

STANDARDIZED = "LS"
"""Behind a method whose logits are standardized: `KD + LS`."""

DATASETS = {
    "digits100": "Digits-100",
    "cifar100": "CIFAR-100",
    "cifar10": "CIFAR-10",
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "imagenet": "ImageNet",
    "tiny_imagenet": "Tiny-ImageNet",
    "cub200": "CUB-200-2011",
    "cityscapes": "Cityscapes",
}

SYMBOLS = {
    "k": ("k", "k"),
    "w0": ("w_0", "w₀"),
    "w1": ("w_1", "w₁"),
    "w2": ("w_2", "w₂"),
    "temperature": ("T", "T"),
    "alpha": (r"\alpha", "α"),
    "beta": (r"\beta", "β"),
    "gamma": (r"\gamma", "γ"),
    "alpha_temperature": (r"T_\alpha", "T_α"),
    "ce_weight": (r"w_{\mathrm{CE}}", "w_CE"),
    "weight": ("w", "w"),
    "mass": ("m", "m"),
}
"""Hyperparameter -> its sign in mathematics, for LaTeX and for plain text."""

PLAIN_NETWORKS = {
    "tinyresnet": "TinyResNet",
    "tinycnn": "TinyCNN",
    "mobilenetv1": "MobileNetV1",
    "mobilenetv2": "MobileNetV2",
    "shufflev1": "ShuffleNetV1",
    "shufflev2": "ShuffleNetV2",
    "googlenet": "GoogLeNet",
    "alexnet": "AlexNet",
}
SIZES = {"tiny": "Ti", "small": "S", "base": "B", "large": "L", "huge": "H", "giant": "G"}
SWIN_SIZES = SIZES | {"tiny": "T", "xtiny": "XT", "nano": "N", "pico": "P", "femto": "F", "atto": "A", "xlarge": "XL"}
HEADS = {"deeplabv3": "DeepLabV3", "pspnet": "PSPNet"}

Rule = tuple[str, Callable[[re.Match[str]], str]]
NETWORK_RULES: tuple[Rule, ...] = (
    (r"resnet(\d+)x(\d+)", lambda m: f"ResNet{m[1]}×{m[2]}"),
    (r"resnet(\d+)d?", lambda m: f"ResNet-{m[1]}{'-D' if m[0].endswith('d') else ''}"),
    (r"resnext(\d+)_(\d+)x(\d+)d", lambda m: f"ResNeXt-{m[1]} ({m[2]}×{m[3]}d)"),
    (r"(?:wrn_|wide_resnet)(\d+)_(\d+)", lambda m: f"WRN-{m[1]}-{m[2]}"),
    (r"vgg(\d+)(_bn)?", lambda m: f"VGG-{m[1]}{'-BN' if m[2] else ''}"),
    (r"densenet(\d+)", lambda m: f"DenseNet-{m[1]}"),
    (r"mobilenetv([124])_100", lambda m: f"MobileNetV{m[1]}"),
    (r"mobilenetv([124])_(\d)(\d+)", lambda m: f"MobileNetV{m[1]} ×{m[2]}.{m[3]}"),
    (r"mobilenetv3_(small|large)(?:_100)?", lambda m: f"MobileNetV3-{SIZES[m[1]]}"),
    (r"mobilenet_v([23])(?:_(small|large))?", lambda m: f"MobileNetV{m[1]}" + (f"-{SIZES[m[2]]}" if m[2] else "")),
    (r"shufflenet_v2_x(\d)_(\d)", lambda m: f"ShuffleNetV2 ×{m[1]}.{m[2]}"),
    (r"efficientnet(?:v2)?_(b\d|s|m|l)", lambda m: f"EfficientNet{'V2' if 'v2' in m[0] else ''}-{m[1].upper()}"),
    (r"regnet([xyz])_(\d{3})", lambda m: f"RegNet{m[1].upper()}-{int(m[2]) / 10:g}GF"),
    (r"deit3?_(tiny|small|base|large|huge)(_distilled)?_patch(\d+)_\d+",
     lambda m: f"DeiT{'-III' if 'deit3' in m[0] else ''}-{SIZES[m[1]]}{' (distilled)' if m[2] else ''}"
               + ("" if m[3] == "16" else f"/{m[3]}")),
    (r"vit_(tiny|small|base|large|huge|giant)_patch(\d+)_\d+", lambda m: f"ViT-{SIZES[m[1]]}/{m[2]}"),
    (r"swin_(tiny|small|base|large)_patch4_window\d+_\d+", lambda m: f"Swin-{SWIN_SIZES[m[1]]}"),
    (r"vit_([bl])_(\d+)", lambda m: f"ViT-{m[1].upper()}/{m[2]}"),
    (r"swin_(t|s|b)", lambda m: f"Swin-{m[1].upper()}"),
    (r"convnext(v2)?_(atto|femto|pico|nano|tiny|small|base|large|xlarge|huge)",
     lambda m: f"ConvNeXt{'V2' if m[1] else ''}-{SWIN_SIZES[m[2]]}"),
    (r"mixer_b(\d+)_\d+", lambda m: f"Mixer-B/{m[1]}"),
    (r"resmlp_(\d+)_\d+", lambda m: f"ResMLP-S{m[1]}"),
)  # fmt: skip
"""Whole names, without where they come from -> title; the first that fits."""


def method(name: str) -> str:
    """Return a method's title; of a combination `KD + AT`."""
    return " + ".join(_one_method(part) for part in name.split("+"))


def _one_method(name: str) -> str:
    from trainers.methods import METHODS, methods  # those of plug-ins take their modules to read

    record = METHODS.get(name) or methods().get(name)
    return (record.title if record is not None else "") or name


def dataset(name: str) -> str:
    """Return a data set's title."""
    return DATASETS.get(name, name)


def network(name: str) -> str:
    """Return a network's title, by its plain name or timm's, with or without weights named behind a dot."""
    reference = parse(name)
    if reference is not None:  # a factory of somebody's own
        return reference.attribute
    plain = re.sub(rf"^({TIMM}|{TORCHVISION}|{OF_TORCHVISION}|{PREFIX})+", "", name).partition(".")[0]
    head, _, backbone = plain.partition("_")
    if head in HEADS and backbone:
        return f"{HEADS[head]}-{network(backbone)}"
    if plain in PLAIN_NETWORKS:
        return PLAIN_NETWORKS[plain]
    for pattern, title in NETWORK_RULES:
        if match := re.fullmatch(pattern, plain):
            return title(match)
    return name


def symbol(name: str) -> str:
    """Return a hyperparameter's sign in plain text; its name where it has none.

    Before that of a combination, named `method.name`, stands the method.
    """
    part, _, own = name.rpartition(".")
    if own not in SYMBOLS:
        return name
    text = SYMBOLS[own][1]
    return f"{method(part)} {text}" if part else text
