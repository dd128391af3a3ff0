"""What networks are called: a sweep file's plain name, and timm's. Light: timm is imported only for a name of its own.

A plain name means the small `cifar_` network on images up to 64 x 64; `timm:<name>` means timm's own,
`torchvision:<name>` torchvision's, which `trainers.models` registers with timm as
`torchvision_<name>`. A network that labels pixels has one name for all sizes.
"""

import difflib
import re
from collections.abc import Collection

SMALL_IMAGE_PIXELS = 64
PREFIX = "cifar_"
OF_TORCHVISION = "torchvision_"
OWN = "own_"
"""Begins the name of a network of somebody's own; its factory and a digest follow (trainers.models.own)."""
TIMM = "timm:"
TORCHVISION = "torchvision:"
SMALL = (
    "tinyresnet",
    "tinycnn",
    "resnet8",
    "resnet14",
    "resnet20",
    "resnet32",
    "resnet44",
    "resnet56",
    "resnet110",
    "resnet8x4",
    "resnet32x4",
    "resnet18",
    "resnet50",
    "wrn_16_1",
    "wrn_16_2",
    "wrn_40_1",
    "wrn_40_2",
    "vgg8",
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg19",
    "mobilenetv2",
    "shufflev1",
    "shufflev2",
)
"""Plain names of the networks that `trainers.models` registers with timm as `cifar_<name>`."""
SEGMENTATION = (
    "deeplabv3_resnet18",
    "deeplabv3_resnet50",
    "deeplabv3_resnet101",
    "deeplabv3_mobilenetv2",
    "pspnet_resnet18",
    "pspnet_resnet50",
    "pspnet_resnet101",
    "pspnet_mobilenetv2",
)
"""Names of the networks that label pixels, with timm too; `trainers.models` registers them."""

FAMILIES = {
    "tinyresnet": "resnet",
    "resnetv": "resnet",
    "wide_resnet": "wrn",
    "shufflev": "shufflenet",
    "deit": "vit",
    "regnetx": "regnet",
    "regnety": "regnet",
    "regnetz": "regnet",
}
"""Letters that a network's name begins with -> its family, where they are not the same."""


def names() -> tuple[str, ...]:
    """Return the plain names of the project's own networks that label images."""
    return SMALL


def is_segmentation(name: str) -> bool:
    """Return whether a network, by its plain name or timm's, labels pixels and not images."""
    return name.removeprefix(TIMM) in SEGMENTATION


def family(name: str) -> str:
    """Return the kind of architecture that a network's name tells, by its plain name or timm's.

    `resnet8x4` and `resnet50` are of one, `wrn_40_2` is of another. A network that labels pixels is of the kind of its
    head and of its backbone.
    """
    plain = re.sub(rf"^({TIMM}|{TORCHVISION}|{OF_TORCHVISION}|{PREFIX})+", "", name.casefold())
    if is_segmentation(plain):
        head, _, backbone = plain.partition("_")
        return f"{head}_{family(backbone)}"
    match = re.match(r"(wide_resnet|[a-z]*)", plain)
    letters = "" if match is None else match[1]
    return FAMILIES.get(letters, letters.removesuffix("v") if len(letters) > 3 else letters) or plain


def timm_name(plain: str, size: int) -> str:
    """Return timm's name for the network that a sweep file calls `plain`, on images of `size` pixels.

    Raises:
        ValueError: there is no such network; names the nearest one.
    """
    if is_segmentation(plain):
        return plain.removeprefix(TIMM)
    if plain.startswith(TIMM):
        return _checked(plain.removeprefix(TIMM), plain, _timm_names(), TIMM)
    if plain.startswith(TORCHVISION):
        return OF_TORCHVISION + _checked(plain.removeprefix(TORCHVISION), plain, _torchvision_names(), TORCHVISION)
    if size > SMALL_IMAGE_PIXELS:
        return _checked(plain, plain, _timm_names(), TIMM)
    return PREFIX + (plain if plain in SMALL else _checked(plain, plain, SMALL, ""))


def _timm_names() -> Collection[str]:
    import timm

    import trainers.models  # noqa: F401 (registers ours)

    return list(timm.list_models())


def _torchvision_names() -> Collection[str]:
    return [name.removeprefix(OF_TORCHVISION) for name in _timm_names() if name.startswith(OF_TORCHVISION)]


def _checked(name: str, given: str, known: Collection[str], prefix: str) -> str:
    if name in known:
        return name
    near = [prefix + match for match in difflib.get_close_matches(name, known, n=1)]
    if not near and not prefix and name in _timm_names():
        near = [TIMM + name]
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise ValueError(f"unknown model '{given}'{hint} (all: run_sweep.py models)")
