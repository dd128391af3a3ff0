"""Views that several trainings see in step: each batch is read and made once.

Whoever trains in step asks for the same passes, one batch after the other, and nobody asks for a batch before all have
left the one before it. So one batch is held at a time.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from trainers.views.views import Batch, Size, Views, written


def alone(views: Views, sizes: Sequence[Size]) -> Views:
    """Return the views as whoever shares them with nobody sees them."""
    return views


class Sharing:
    """What a cohort shares: of each data set's views one series of passes."""

    def __init__(self) -> None:
        self._shared: dict[int, tuple[Views, SharedViews]] = {}

    def __call__(self, views: Views, sizes: Sequence[Size]) -> Views:
        """Return the views as those see them who share them, one of whom wants these sizes."""
        _, shared = self._shared.setdefault(id(views), (views, SharedViews(views)))
        shared.sizes.update(sizes)
        return shared


class SharedViews:
    """Views for several who are at the same batch.

    Attributes:
        sizes: at which any of them wants the same parts; to be complete before the first pass begins.
    """

    def __init__(self, views: Views) -> None:
        self._views = views
        self._pass: _Pass | None = None
        self.sizes: set[Size] = set()
        self._tapping: Counter[str] = Counter()
        self._agree: dict[str, dict[str, bool]] = {}
        """Of teachers that were tapped, as a batch has them: what was seen once holds for all passes."""

    @property
    def count(self) -> int:
        """Views an image has."""
        return self._views.count

    @property
    def centre(self) -> int:
        """The number of the view in which an image is scored."""
        return self._views.centre

    def batches(
        self, images_N: Tensor, views_N: Tensor, rows: int | list[int], sizes: Sequence[Size] = ()
    ) -> Iterator[Batch]:
        """Yield the views with these numbers in batches of `rows`; joins the pass that another has begun for them, and
        that is at its first batch: the same may be asked for again and again, as test images are."""
        asked = (images_N, views_N, rows)
        if self._pass is None or not self._pass.is_of(*asked):
            if self._pass is not None:
                self._pass.end()
            made = self._views.batches(*asked, sorted(self.sizes))
            self._pass = _Pass(*asked, (replace(batch, tapped=self._tapped()) for batch in made))
        yield from self._pass.whole()

    @contextlib.contextmanager
    def tapping(self, teacher: str) -> Iterator[None]:
        """Ask the teacher of this name for more than logits, of each batch that is made meanwhile."""
        self._tapping[teacher] += 1
        try:
            yield
        finally:
            self._tapping[teacher] -= 1

    def _tapped(self) -> dict[str, dict[str, bool]]:
        return {name: self._agree.setdefault(name, {}) for name, count in self._tapping.items() if count}


class _Pass:
    """One pass over views, at one batch."""

    def __init__(self, images_N: Tensor, views_N: Tensor, rows: int | list[int], batches: Iterator[Batch]) -> None:
        self._asked = images_N, views_N, rows
        self._batches = batches
        self._count = len(images_N.split(rows))
        self._at = -1
        self._batch: Batch | None = None
        self._error: Exception | None = None
        """Of reading, which is everybody's."""
        self._written: list[int] = []

    def is_of(self, images_N: Tensor, views_N: Tensor, rows: int | list[int]) -> bool:
        images, views, before = self._asked
        if self._at > 0 or before != rows:
            return False
        return torch.equal(images, images_N) and torch.equal(views, views_N)

    def whole(self) -> Iterator[Batch]:
        """Yield every batch from the first."""
        for place in range(self._count):
            yield self._batch_at(place)

    def _batch_at(self, place: int) -> Batch:
        assert self._batch is None or written(self._batch.pixels) == self._written, (
            "a batch that others see was written to"
        )
        if place == self._at + 1 and self._error is None:
            try:
                self._batch = next(self._batches)
            except Exception as error:
                self._error = error
                raise
            self._at, self._written = place, written(self._batch.pixels)
        if self._error is not None:
            raise self._error
        assert place == self._at, "whoever shares a pass is at the same batch"
        assert self._batch is not None
        return self._batch

    def end(self) -> None:
        """Leave the views ready for the next pass."""
        for _ in self._batches:
            pass
