"""What methods see: the answers of two networks to a batch, and what is known of a pair before the first batch.

Shapes: B = batch, C = classes, D = width of the vector before the classifier, N = training images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trainers.late import Tensor

if TYPE_CHECKING:
    from trainers.ranks.ranks import Ranks

TermValue = tuple[Tensor, dict[str, Tensor]]
"""What a term comes to, and its named parts for the log."""
EPOCHS = 240
"""Of the recipe that the literature's settings belong to; stands where a training has no length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a network answered for a batch."""

    logits: Tensor
    """[B, C]"""
    maps: tuple[Tensor, ...] = ()
    """[B, channels, height, width] of each stage, the first layers first."""
    preacts: tuple[Tensor, ...] = ()
    """The maps before the ReLU that ends their stage; what the BatchNorm behind them makes of them in networks that
    normalise first; the map itself where there is neither."""
    vector: Tensor | None = None
    """[B, D] what the last linear layer reads."""
    final: Tensor | None = None
    """[B, D, height, width] of whose places the last linear layer can be asked; None where there is none."""
    strong: Tensor | None = None
    """[B, C] logits of a strong view of the same images; None where the method compares one view of each."""
    images: Tensor | None = None
    """[B] numbers of the images in the training set, on the device of the logits."""

    def with_each(self, change: Callable[[Tensor], Tensor]) -> Output:
        """Return the answers with each tensor of them changed; the numbers of the images stay."""
        return Output(
            logits=change(self.logits),
            maps=tuple(map(change, self.maps)),
            preacts=tuple(map(change, self.preacts)),
            vector=None if self.vector is None else change(self.vector),
            final=None if self.final is None else change(self.final),
            strong=None if self.strong is None else change(self.strong),
            images=self.images,
        )


Head = Callable[[], "tuple[Tensor, Tensor | None]"]
"""Returns rows [C, D] and offsets [C] of a last linear layer as they are now, with their gradients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkShape:
    """What a network answers with."""

    maps: tuple[tuple[int, int, int], ...]
    """Channels, height and width of each map."""
    vector: int
    """D"""
    signed: tuple[bool, ...] = ()
    """Of each map: whether it can be negative, no ReLU ending its stage; empty where that is not known."""
    final: tuple[int, int, int] | None = None
    """Of the map of whose places the last linear layer can be asked: it reads its average, or a grid of averages, or a
    token beside it. None where there is none."""
    final_signed: bool = False
    """That map can be negative."""
    averaged: bool = False
    """The average of what the layer says of those places is what it says of the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is known of a training before its first batch."""

    student: NetworkShape | None = None
    teacher: NetworkShape | None = None
    """None where the method needs no features."""
    classes: int | None = None
    epochs: int = EPOCHS
    """Of the training; schedules of a method are fractions of it."""
    labels: Tensor | None = field(default=None, repr=False)
    """[N] class of every training image, on the CPU."""
    class_weights: Tensor | None = field(default=None, repr=False)
    """[C, D] rows of the teacher's last linear layer; None where it has none."""
    heads: tuple[Head, Head] | None = field(default=None, repr=False)
    """Of student and teacher; None where they are not needed or one has none."""
    seed: int = 0
    """Of a stream of random numbers that is the method's own."""
    ranks: Ranks | None = field(default=None, repr=False)
    """Of which each has a part of every batch; None: there is one."""

    def both_heads(self, method: str) -> tuple[Head, Head]:
        """Return the last linear layers of student and teacher.

        Raises:
            ValueError: they are not known.
        """
        if self.heads is None:
            raise ValueError(
                f"'{method}' needs the last linear layers of both networks: build('{method}', Setting(…), …)"
            )
        return self.heads

    def summed(self, tensor: Tensor) -> Tensor:
        """Return the sum over the ranks of what each has of a batch."""
        return tensor if self.ranks is None else self.ranks.summed(tensor)

    def networks(self, method: str) -> tuple[NetworkShape, NetworkShape]:
        """Return the shapes of student and teacher.

        Raises:
            ValueError: they are not known.
        """
        if self.student is None or self.teacher is None:
            raise ValueError(f"'{method}' needs the shapes of both networks: build('{method}', Setting(…), …)")
        return self.student, self.teacher
