"""Whether a network draws random numbers while it trains."""

from collections.abc import Mapping

from timm.layers import DropBlock2d, DropPath
from torch.nn.modules.dropout import _DropoutNd

from trainers import models
from trainers.trials.trial import Value


def drops(name: str, classes: int, channels: int, arguments: Mapping[str, Value]) -> bool:
    """Return whether a network leaves out numbers or branches at random in training.

    Args:
        name: timm's.
    """
    network = models.create(name, classes=classes, channels=channels, arguments=arguments)
    shares = [one.p for one in network.modules() if isinstance(one, _DropoutNd)]
    shares += [one.drop_prob for one in network.modules() if isinstance(one, DropPath | DropBlock2d)]
    return any(shares)
