"""Settings that the GDKD authors tuned by pair; GDKD and GDKD3 share them.

Source: the configuration files of their public code (https://github.com/ZaberKo/GDKD), after its change of 2025-10-20.
"""

from collections.abc import Sequence

from trainers.methods.record.method import ForPair

IMAGENET = ("imagenet", "tiny_imagenet", "cub200")
"""Data sets on which one set of settings holds; their warm-up is the recipe's."""
R34_R18, R50_MV1 = ("resnet34", "resnet18"), ("resnet50", "mobilenetv1")


def cifar(*pairs: str) -> tuple[tuple[str, str], ...]:
    """Return timm's names of pairs of CIFAR networks written as `teacher>student`."""
    split = [pair.split(">") for pair in pairs]
    return tuple((f"cifar_{teacher}", f"cifar_{student}") for teacher, student in split)


def on_cifar(pairs: Sequence[tuple[str, str]], **values: float) -> ForPair:
    """Return defaults for these pairs on CIFAR-100."""
    return ForPair(datasets=("cifar100",), pairs=tuple(pairs), values=values)


def tuned_weights() -> tuple[ForPair, ...]:
    """Return w0, w1 and w2 of GDKD and GDKD3 by pair."""
    return (
        on_cifar(cifar("resnet56>resnet20", "resnet110>resnet32"), w1=1.0, w2=1.0),
        on_cifar(cifar("resnet32x4>resnet8x4"), w1=2.0, w2=8.0),
        on_cifar(cifar("vgg13>mobilenetv2", "vgg13>vgg8"), w1=1.0, w2=6.0),
        on_cifar(cifar("wrn_40_2>shufflev1", "wrn_40_2>wrn_16_2", "wrn_40_2>wrn_40_1"), w1=2.0, w2=6.0),
        ForPair(datasets=IMAGENET, values={"temperature": 1.0, "w0": 0.5, "w1": 1.0, "w2": 1.0}),
        ForPair(datasets=IMAGENET, pairs=(R50_MV1,), values={"w1": 2.0, "w2": 2.0}),
    )
