"""timm's interface over a network that only says how its feature maps follow from each other; and common parts.

Shapes: B = batch, C = channels of a map, D = channels of the pooled features, K = classes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from timm.models import register_model
from timm.models._features import feature_take_indices
from torch import Tensor, nn

Step = Callable[[Tensor], Tensor]
TIMMS_OWN = frozenset({"pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"})
"""Arguments that timm gives to every network it creates; they are about weights to download."""


class Network(nn.Module, ABC):
    """Steps from map to map, what is left after the last map, the average over space, one linear layer.

    Args:
        width: channels of the final features.
        num_classes: 0 leaves the pooled features as they are.
        head_name: the attribute that holds the linear layer; set by `reset_classifier`, so that it comes last in the
            state dict.
    """

    def __init__(self, width: int, num_classes: int, head_name: str = "fc") -> None:
        super().__init__()
        self.num_features = self.head_hidden_size = width
        self.num_classes = num_classes
        self.head_name = head_name

    @abstractmethod
    def steps(self) -> Sequence[Step]:
        """Return functions of which the first takes the images and each one's output [B, C, H, W] is a map."""

    def finish(self, x: Tensor) -> Tensor:
        """Return the final features [B, D, H, W] of the last map."""
        return x

    def get_classifier(self) -> nn.Module:
        found: nn.Module = getattr(self, self.head_name)
        return found

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        self.num_classes = num_classes
        setattr(self, self.head_name, self.new_classifier())

    def new_classifier(self) -> nn.Module:
        """Return a linear layer as PyTorch fills it; networks that have an initialisation of their own override it."""
        return nn.Linear(self.num_features, self.num_classes) if self.num_classes else nn.Identity()

    def forward_intermediates(
        self,
        x: Tensor,
        indices: int | Sequence[int] | None = None,
        norm: bool = False,
        stop_early: bool = False,
        output_fmt: str = "NCHW",
        intermediates_only: bool = False,
    ) -> list[Tensor] | tuple[Tensor, list[Tensor]]:
        """Return the final features and the maps that `indices` names, in the network's order.

        Args:
            indices: None for all maps, n for the last n, or the maps' positions; negative ones count from the end.
            norm: nothing here; the maps are as the literature takes them.
            stop_early: leave out what comes after the last map wanted; only where no final features are returned.
            intermediates_only: return the maps alone.
        """
        if output_fmt != "NCHW":
            raise ValueError(f"output_fmt must be 'NCHW', got {output_fmt!r}")
        steps = self.steps()
        wanted, last = feature_take_indices(len(steps), indices)
        maps = []
        for i, step in enumerate(steps[: last + 1] if stop_early and intermediates_only else steps):
            x = step(x)
            if i in wanted:
                maps.append(x)
        return maps if intermediates_only else (self.finish(x), maps)

    def forward_features(self, x: Tensor) -> Tensor:
        for step in self.steps():
            x = step(x)
        return self.finish(x)

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Return the logits [B, K] of the final features, or their average over space [B, D]."""
        pooled = x.mean((2, 3))
        if pre_logits:
            return pooled
        logits: Tensor = self.get_classifier()(pooled)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))


def small_linear(inputs: int, outputs: int) -> nn.Module:
    """Linear layer of weights with a standard deviation of 0.01 and no bias at first; nothing for 0 outputs."""
    if not outputs:
        return nn.Identity()
    linear = nn.Linear(inputs, outputs)
    nn.init.normal_(linear.weight, 0, 0.01)
    nn.init.zeros_(linear.bias)
    return linear


def fill_convolutions(network: nn.Module) -> None:
    """Draw the weights of every convolution from N(0, 2 / fan_out), as He et al. 2015 do, and set its bias to 0.

    Batch normalisation stays as PyTorch fills it: weight 1, bias 0.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def in_turn(modules: Iterable[nn.Module]) -> Step:
    """Return one step that runs these modules one after the other. Unlike nn.Sequential it costs nothing to make."""
    fixed = tuple(modules)

    def run(x: Tensor) -> Tensor:
        for module in fixed:
            x = module(x)
        return x

    return run


def conv3x3(inputs: int, outputs: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, 1, groups=groups, bias=False)


def conv1x1(inputs: int, outputs: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 1, stride, groups=groups, bias=False)


def projection(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return a residual block's shortcut: the identity, or a 1 x 1 convolution where the shape changes."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(conv1x1(inputs, outputs, stride), nn.BatchNorm2d(outputs))


def shuffle(x: Tensor, groups: int) -> Tensor:
    """Return the channels of [B, C, H, W] dealt out: one of each group, then the next of each group."""
    dealt: Tensor = x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)
    return dealt


def register(name: str, summary: str, make: Callable[[int, int], nn.Module], classes: int = 100) -> None:
    """Register a network of ours with timm. It takes `num_classes` and `in_chans` alone, and has no pretrained weights.

    Args:
        make: makes it for so many classes, and images of so many channels.
        classes: how many it has where nobody says.
    """

    def entry(pretrained: bool = False, num_classes: int = classes, in_chans: int = 3, **others: Any) -> nn.Module:
        if pretrained:
            raise ValueError(f"{name} has no pretrained weights")
        refuse_others(name, others)
        return make(num_classes, in_chans)

    register_entry(name, summary, entry)


def register_entry(name: str, summary: str, entry: Callable[..., nn.Module]) -> None:
    """Register with timm what makes a network, in the form in which timm calls it."""
    entry.__name__ = entry.__qualname__ = name
    entry.__doc__ = summary
    register_model(entry)


def refuse_others(name: str, others: Mapping[str, Any]) -> None:
    """Raise ValueError where a network is asked for what it does not have."""
    unknown = sorted(others.keys() - TIMMS_OWN)
    if unknown:
        raise ValueError(f"{name} takes num_classes and in_chans, got {', '.join(unknown)}")
