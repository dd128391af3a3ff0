"""Settings that authors tuned by pair and data set; those of GDKD, which GDKD3 and the partition share.

Source of GDKD's: the configuration files of its public code (https://github.com/ZaberKo/GDKD), after its change of
2025-10-20.
"""

from trainers.methods.record.method import ForPair
from trainers.trials.trial import Value

LARGE = ("imagenet", "tiny_imagenet", "cub200")
"""Data sets on which one set of settings holds; their warm-up is the recipe's."""
CIFAR, IMAGENET = ("cifar100",), ("imagenet",)
R34_R18, R50_MV1 = "resnet34>resnet18", "resnet50>mobilenetv1"


def tuned(datasets: tuple[str, ...], *pairs: str, **values: Value) -> ForPair:
    """Return defaults for data sets.

    Args:
        pairs: for which they are, as `teacher>student`, on CIFAR-100 by plain names, else by timm's; none: for all.
    """
    prefix = "cifar_" if datasets == CIFAR else ""
    split = [pair.split(">") for pair in pairs]
    names = tuple((prefix + teacher, prefix + student) for teacher, student in split)
    return ForPair(datasets=datasets, pairs=names or None, values=values)


def tuned_weights() -> tuple[ForPair, ...]:
    """Return w0, w1 and w2 of GDKD and GDKD3 by pair."""
    return (
        tuned(CIFAR, "resnet56>resnet20", "resnet110>resnet32", w1=1.0, w2=1.0),
        tuned(CIFAR, "resnet32x4>resnet8x4", w1=2.0, w2=8.0),
        tuned(CIFAR, "vgg13>mobilenetv2", "vgg13>vgg8", w1=1.0, w2=6.0),
        tuned(CIFAR, "wrn_40_2>shufflev1", "wrn_40_2>wrn_16_2", "wrn_40_2>wrn_40_1", w1=2.0, w2=6.0),
        tuned(LARGE, temperature=1.0, w0=0.5, w1=1.0, w2=1.0),
        tuned(LARGE, R50_MV1, w1=2.0, w2=2.0),
    )
