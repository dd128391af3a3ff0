"""Taps: what a network answers besides its logits, for methods that compare features.

Any network of timm will do: its maps are those of `forward_intermediates`, stage by stage. Other networks are tapped
where the size of their maps changes.

Shapes: B = batch, C = classes, D = width of the vector before the classifier.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from trainers import models
from trainers.methods import NetworkShape, Output
from trainers.methods.terms.places import grid_of, logits_of_places
from trainers.trials.trial import Value

PROBED_IMAGES = 2
"""Two, so that a batch is never taken for one of the other dimensions."""


class TapError(ValueError):
    """A network cannot be tapped: it has no maps that could be compared."""


@dataclass(frozen=True, slots=True)
class Taps:
    """Where a network is tapped."""

    model: nn.Module
    classifier: nn.Module | None
    """Reads the vector; None where the network has no last linear layer."""
    stages: tuple[nn.Module, ...]
    """Whose outputs are the maps; empty where `forward_intermediates` gives them."""
    last_relus: tuple[nn.Module | None, ...]
    """Of each map: the ReLU whose output it is."""
    next_norms: tuple[nn.Module | None, ...]
    """Of each map: the BatchNorm that reads it and whose output the next ReLU does, as in wide residual networks."""
    shape: NetworkShape

    def head(self) -> tuple[Tensor, Tensor | None]:
        """Return the weights and the bias of the last linear layer as they are now."""
        assert self.classifier is not None
        weight, bias = self.classifier.weight, self.classifier.bias
        assert isinstance(weight, Tensor)
        assert bias is None or isinstance(bias, Tensor)
        return weight, bias

    def __call__(self, inputs: Tensor, images: Tensor | None = None) -> Output:
        """Return all that the network answers to a batch.

        Args:
            images: [B] numbers of the images in the training set, for methods that remember them.
        """
        output = self._answer(inputs)
        return replace(output, images=images)

    def _answer(self, inputs: Tensor) -> Output:
        seen: dict[nn.Module, Tensor] = {}
        outputs: dict[nn.Module, Tensor] = {}
        norms = [norm for norm in self.next_norms if norm is not None]
        with _listening(self._read(), seen, before=True), _listening([*self.stages, *norms], outputs, before=False):
            if self.stages:
                logits = self.model(inputs)
                maps = [_as_map(outputs[stage]) for stage in self.stages]
                last = maps[-1]
            else:
                last, maps = self.model.forward_intermediates(inputs)  # type: ignore[operator]  # timm's interface
                logits = self.model.forward_head(last)  # type: ignore[operator]
        vector = seen.get(self.classifier) if self.classifier is not None else None
        preacts = list(maps)
        for i, (relu, norm) in enumerate(zip(self.last_relus, self.next_norms, strict=True)):
            preacts[i] = seen[relu] if relu is not None else outputs[norm] if norm is not None else maps[i]
        return Output(
            logits=logits,
            maps=tuple(maps),
            preacts=tuple(preacts),
            vector=logits if vector is None else vector.flatten(1),
            final=_final(last) if self.shape.final is not None else None,
        )

    def _read(self) -> Sequence[nn.Module]:
        found = [relu for relu in self.last_relus if relu is not None]
        return found if self.classifier is None else [self.classifier, *found]


@functools.lru_cache(maxsize=256)
def _shape(name: str, arguments: tuple[tuple[str, Value], ...], classes: int, channels: int, size: int) -> NetworkShape:
    network = models.create(name, classes=classes, channels=channels, arguments=dict(arguments))
    return tap(network, torch.zeros(1, channels, size, size)).shape


def shape_of(name: str, arguments: Mapping[str, Value], classes: int, channels: int, size: int) -> NetworkShape:
    """Return what a network answers with to images of `size` pixels; it is made with random weights for this.

    Args:
        name: timm's.

    Raises:
        TapError: it answers with no maps.
    """
    return _shape(name, tuple(sorted(arguments.items())), classes, channels, size)


@torch.no_grad()
def tap(model: nn.Module, example: Tensor) -> Taps:
    """Find out where a network can be tapped, and what shapes come out. The network is as before afterwards: it is
    probed in evaluation mode, so no statistics move.

    Args:
        example: [B, channels, height, width] of the size, type and device of what it will see; what is in it does not
            matter.

    Raises:
        TapError: it answers with no maps.
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        return _tap(model, _noise(example))
    finally:
        for module, training in modes:
            module.training = training


def _noise(example: Tensor) -> Tensor:
    """Return two images of noise: of images without content, maps of several stages are equal."""
    shape = (PROBED_IMAGES, *example.shape[1:])
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(example)


def _tap(model: nn.Module, images: Tensor) -> Taps:
    stages = () if _gives_maps(model, images) else tuple(_stages(model, images))
    supposed = NetworkShape(maps=(), vector=0, final=(0, 0, 0))  # that there is such a map; looked at below
    bare = Taps(model, _classifier(model), stages, (), (), supposed)
    if stages == () and not _gives_maps(model, images):
        raise TapError(f"{type(model).__name__} has no feature maps")
    output = bare(images)
    relus = tuple(_meeting(bare, images, output.maps, nn.ReLU, before=False))
    read = _meeting(bare, images, output.maps, nn.BatchNorm2d, before=True)
    norms = tuple(norm if relu is None else None for relu, norm in zip(relus, read, strict=True))
    assert output.vector is not None
    averaged = _averaged(bare, images, output)
    shape = NetworkShape(
        maps=tuple(map(_sizes, output.maps)),
        vector=output.vector.shape[1],
        signed=tuple(relu is None for relu in relus),
        final=None if averaged is None or output.final is None else _sizes(output.final),
        final_signed=output.final is not None and bool((output.final < 0).any()),
        averaged=bool(averaged),
    )
    return replace(bare, last_relus=relus, next_norms=norms, shape=shape)


def _averaged(taps: Taps, images: Tensor, output: Output) -> bool | None:
    """Return whether the logits are the average of what the last linear layer says of the places of the last map; None
    where it cannot be asked about places."""
    one = output.final
    if one is None or not isinstance(taps.classifier, nn.Linear):
        return None
    if grid_of(*_sizes(one), taps.classifier.in_features) is None:
        return None
    if _close(logits_of_places(one, *taps.head()).mean((2, 3)), output.logits):
        return True
    if taps.stages or one.shape[1] != taps.classifier.in_features:
        return None
    last, _ = taps.model.forward_intermediates(images)  # type: ignore[operator]  # a token beside the map?
    return False if last.ndim == 3 and _close(taps.classifier(last[:, 0]), output.logits) else None


def _close(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=1e-3, atol=1e-4)


def _sizes(one: Tensor) -> tuple[int, int, int]:
    return (one.shape[1], one.shape[2], one.shape[3])


def class_weights(model: nn.Module) -> Tensor | None:
    """Return the rows [C, D] of the last linear layer; None where there is none."""
    weight = getattr(_classifier(model), "weight", None)
    return weight.detach() if isinstance(weight, Tensor) and weight.ndim == 2 else None


def _classifier(model: nn.Module) -> nn.Module | None:
    get = getattr(model, "get_classifier", None)
    linear = (module for module in reversed([*model.modules()]) if isinstance(module, nn.Linear))
    found = get() if callable(get) else next(linear, None)
    if isinstance(found, tuple | list | nn.ModuleList):  # a distilled Transformer has two heads: the first reads "cls"
        found = next(iter(found))
    return found if isinstance(found, nn.Module) else None


def _gives_maps(model: nn.Module, images: Tensor) -> bool:
    """Whether timm's interface gives the maps, and the logits that a plain call gives."""
    if not (hasattr(model, "forward_intermediates") and hasattr(model, "forward_head")):
        return False
    last, maps = model.forward_intermediates(images)  # type: ignore[operator]
    if not maps or any(one.ndim != 4 for one in maps):
        return False
    return torch.allclose(model.forward_head(last), model(images), rtol=1e-3, atol=1e-4)  # type: ignore[operator]


def _stages(model: nn.Module, images: Tensor) -> Iterator[nn.Module]:
    """Yield the last module of every size of map, up to two levels deep, in the order of the forward pass."""
    called: list[tuple[nn.Module, tuple[int, ...]]] = []

    def note(module: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim in (3, 4) and _is_map(output):
            called.append((module, tuple(_as_map(output).shape[1:])))

    inner = [child for child in model.children() for child in (child, *child.children())]
    skipped = (nn.AdaptiveAvgPool2d, nn.AvgPool2d, nn.MaxPool2d)
    handles = [m.register_forward_hook(note) for m in dict.fromkeys(inner) if not isinstance(m, skipped)]
    try:
        model(images)
    finally:
        for handle in handles:
            handle.remove()
    last = [i for i in range(len(called)) if i + 1 == len(called) or called[i + 1][1][1:] != called[i][1][1:]]
    if len(last) > 1 and called[last[-1]][1] == (called[last[-2]][1][0], 1, 1):
        last.pop()  # the pooled map, not one of a stage
    for i in last:
        yield called[i][0]


def _is_map(output: Tensor) -> bool:
    if output.ndim == 4:
        return True
    tokens = output.shape[1]
    return any(round((tokens - extra) ** 0.5) ** 2 == tokens - extra > 0 for extra in (0, 1))


def _final(last: Tensor) -> Tensor | None:
    """Return what comes out of the last layer before the head as a map; None where it is none."""
    return _as_map(last) if last.ndim == 4 or (last.ndim == 3 and _is_map(last)) else None


def _as_map(output: Tensor) -> Tensor:
    """Return a stage's output as [B, channels, height, width]: tokens are laid out, channels put first."""
    if output.ndim == 4:
        channels_last = output.shape[1] == output.shape[2] != output.shape[3]
        return output.permute(0, 3, 1, 2) if channels_last else output
    side = int(output.shape[1] ** 0.5)
    tokens = output[:, output.shape[1] - side * side :]  # class tokens come first
    return tokens.transpose(1, 2).reshape(len(output), -1, side, side)


def _meeting(
    taps: Taps, images: Tensor, maps: Sequence[Tensor], kind: type[nn.Module], *, before: bool
) -> list[nn.Module | None]:
    """Return, for each map, the module of this kind that reads it (`before`) or answers with it."""
    heard: dict[nn.Module, Tensor] = {}
    with _listening([module for module in taps.model.modules() if isinstance(module, kind)], heard, before=before):
        taps(images)
    return [
        next((module for module, seen in heard.items() if seen.shape == one.shape and torch.equal(seen, one)), None)
        for one in maps
    ]


@contextmanager
def _listening(modules: Sequence[nn.Module], heard: dict[nn.Module, Tensor], *, before: bool) -> Iterator[None]:
    """Keep in `heard` what these modules read (`before`) or answer, the last time that each is called."""

    def note_input(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        inplace = bool(getattr(module, "inplace", False))
        heard[module] = inputs[0].clone() if inplace else inputs[0]  # an in-place ReLU overwrites what it reads

    def note_output(module: nn.Module, _inputs: Any, output: Any) -> None:
        heard[module] = output

    handles = [
        module.register_forward_pre_hook(note_input) if before else module.register_forward_hook(note_output)
        for module in modules
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
