"""Which maps of student and teacher go together, and how two maps are made comparable.

Shapes: B = batch, C = channels, H = height, W = width.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import combinations

from trainers.late import Tensor, functional, torch
from trainers.methods.record.outputs import NetworkShape, Output

Shape = tuple[int, int, int]
"""Channels, height, width of a map."""
Shapes = tuple[Shape, ...]
Pairs = tuple[tuple[int, int], ...]
"""Indices of maps: of the student's, of the teacher's."""

MapLists = tuple[list[Tensor], list[Tensor]]
"""Maps of the student, and those of the teacher that they go with."""

LONG = 6
"""A list of more maps than this is thinned: its stages are blocks of one size, as a Transformer's are."""
KEPT = 4
"""How many maps of a long list are kept; the networks of the papers have four stages."""
WITH_STEM = 4
"""From so many pairs on, the first is taken for the stem, which the papers leave out."""
EPS = 1e-12
"""A vector that is no longer than this has no direction."""


@lru_cache(maxsize=1024)
def matched(student: Shapes, teacher: Shapes) -> Pairs:
    """Return which map of the student goes with which of the teacher, as many as the shorter list has.

    Indices rise in both, and last goes with last. Lists of one length: pair i with i. Otherwise the assignment whose
    resolutions differ least: the sum of |log2 H_s − log2 H_t|, ties by relative depth. A long list is thinned first,
    evenly.

    Raises:
        ValueError: a list is empty.
    """
    if not (student and teacher):
        raise ValueError("student and teacher must have feature maps, one at least")
    ours, theirs = _thinned(len(student)), _thinned(len(teacher))
    ours_log = [math.log2(student[i][1]) for i in ours]
    theirs_log = [math.log2(teacher[i][1]) for i in theirs]
    if len(ours) <= len(theirs):
        return tuple((ours[i], theirs[j]) for i, j in enumerate(_nearest(ours_log, theirs_log)))
    return tuple((ours[i], theirs[j]) for j, i in enumerate(_nearest(theirs_log, ours_log)))


def compared(student: Shapes, teacher: Shapes) -> Pairs:
    """Return the matched pairs without the first where there are at least four: without the stem."""
    pairs = matched(student, teacher)
    return pairs[1:] if len(pairs) >= WITH_STEM else pairs


def spatial(method: str, student: Shapes, teacher: Shapes) -> Pairs:
    """Return the compared pairs whose maps have more than one pixel both; the stem where no other has.

    Raises:
        ValueError: no pair has.
    """
    for pairs in (compared(student, teacher), matched(student, teacher)):
        found = tuple((s, t) for s, t in pairs if _pixels(student[s], teacher[t]) > 1)
        if found:
            return found
    raise ValueError(
        f"'{method}' cannot work with these networks: it compares where maps are strong, and no two maps that go "
        f"together have more than one pixel; student {_sizes(student)}, teacher {_sizes(teacher)}"
    )


def paired(pairs: Callable[[Shapes, Shapes], Pairs]) -> Callable[[Output, Output], MapLists]:
    """Return the function that takes from two networks' answers the maps that go together.

    Args:
        pairs: says which do, by the shapes of the maps.
    """

    def seen(student: Output, teacher: Output) -> MapLists:
        found = pairs(*(tuple((*one.shape[1:],) for one in output.maps) for output in (student, teacher)))
        return [student.maps[s] for s, _ in found], [teacher.maps[t] for _, t in found]

    return seen


def preacts(method: str, output: Output) -> tuple[Tensor, ...]:
    """Return the maps before their ReLU.

    Raises:
        ValueError: they are not there.
    """
    if len(output.preacts) != len(output.maps):
        raise ValueError(f"'{method}' needs each map before its ReLU: {len(output.maps)} maps, {len(output.preacts)}")
    return output.preacts


def vector(method: str, output: Output) -> Tensor:
    """Return the vector before the classifier.

    Raises:
        ValueError: it is not there.
    """
    if output.vector is None:
        raise ValueError(f"'{method}' needs the vectors that the last linear layers of student and teacher read")
    return output.vector


def vectors(method: str, student: Output, teacher: Output) -> tuple[Tensor, Tensor]:
    """Return the vectors of both networks.

    Raises:
        ValueError: one is not there.
    """
    return vector(method, student), vector(method, teacher)


def final(method: str, output: Output) -> Tensor:
    """Return the map [B, D, H, W] whose average the last linear layer reads.

    Raises:
        ValueError: it is not there.
    """
    if output.final is None:
        raise ValueError(f"'{method}' needs the maps whose averages the last linear layers of both networks read")
    return output.final


def classified(method: str, student: NetworkShape, teacher: NetworkShape) -> None:
    """Hold that the last linear layers of both networks can be asked about the places of a map.

    Raises:
        ValueError: one does not.
    """
    without = [who for who, shape in (("student", student), ("teacher", teacher)) if shape.final is None]
    if without:
        raise ValueError(
            f"'{method}' cannot work with these networks: it asks the last linear layer about the places of the image, "
            f"and that of the {' and the '.join(without)} reads neither averages of a map nor a token beside it"
        )


def same_size(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return both maps at the smaller one's height and width, the larger averaged."""
    size = (min(a.shape[2], b.shape[2]), min(a.shape[3], b.shape[3]))
    return pooled(a, size), pooled(b, size)


def pooled(one: Tensor, size: tuple[int, int]) -> Tensor:
    """Return a map averaged to a height and width, as adaptive pooling does it."""
    (height, width), (h, w) = one.shape[2:], size
    if (height, width) == size:
        return one
    if height % h == 0 and width % w == 0:  # as adaptive pooling, whose gradient varies by the run on a GPU
        return functional.avg_pool2d(one, (height // h, width // w))
    return functional.adaptive_avg_pool2d(one, size)


def resized(one: Tensor, size: tuple[int, int]) -> Tensor:
    """Return a map at this height and width: nearest pixels where it grows, averages where it shrinks."""
    one = pooled(one, (min(one.shape[2], size[0]), min(one.shape[3], size[1])))
    return one if tuple(one.shape[2:]) == size else functional.interpolate(one, size, mode="nearest")


def unit(rows: Tensor, dim: int) -> Tensor:
    """Return vectors along `dim` at length 1; those of length 0 stay so, and get no gradient."""
    length = torch.linalg.vector_norm(rows, dim=dim, keepdim=True)
    return torch.where(length > EPS, rows / length.clamp_min(EPS), 0.0)


def two_of_each(student: NetworkShape, teacher: NetworkShape, pairs: Pairs) -> tuple[tuple[Shape, Shape], ...]:
    """Return the shapes of these pairs of maps."""
    return tuple((student.maps[s], teacher.maps[t]) for s, t in pairs)


def _thinned(count: int) -> list[int]:
    """Return the indices that are kept of a list of maps: evenly spaced, the last among them."""
    return [*range(count)] if count <= LONG else [(i + 1) * count // KEPT - 1 for i in range(KEPT)]


def _nearest(short: list[float], long: list[float]) -> tuple[int, ...]:
    """Return, for each of the shorter list, the index in the longer; the lists are short enough to try all."""

    def cost(indices: tuple[int, ...]) -> tuple[float, float]:
        resolution = sum(abs(one - long[j]) for one, j in zip(short, indices, strict=True))
        depth = sum(abs((i + 1) / len(short) - (j + 1) / len(long)) for i, j in enumerate(indices))
        return round(resolution, 9), round(depth, 9)

    last = len(long) - 1
    return min(((*front, last) for front in combinations(range(last), len(short) - 1)), key=cost)


def _pixels(ours: Shape, theirs: Shape) -> int:
    """Return how many pixels two maps have once they are of one size."""
    return min(ours[1], theirs[1]) * min(ours[2], theirs[2])


def _sizes(all_: Shapes) -> str:
    return ", ".join(f"{height}×{width}" for _, height, width in all_)
