"""Rows whose loss may be nothing: no factor of it counts, so that a network stays as it began."""

import itertools
from collections.abc import Iterator, Mapping, Sequence

from search_spaces.files.dimensions import Dimension
from trainers.methods import CE_WEIGHT, Method
from trainers.trials.trial import Value

MOST_CORNERS = 10_000
"""Are looked at."""


def never_trains(settings: Mapping[str, Value], dimensions: Sequence[Dimension], method: Method, classes: int) -> bool:
    """Return whether nothing is trained, whatever is proposed: at no corner of what is searched a factor counts."""
    if not _may_lack_labels(settings, dimensions, method):
        return False
    return all(_corners(settings, dimensions, method, classes))


def silent_corners(
    settings: Mapping[str, Value], dimensions: Sequence[Dimension], method: Method, classes: int
) -> Iterator[tuple[str, ...]]:
    """Yield the factors of 0 at each corner of what is searched at which nothing is trained."""
    if _may_lack_labels(settings, dimensions, method):
        yield from filter(None, _corners(settings, dimensions, method, classes))


def _corners(
    settings: Mapping[str, Value], dimensions: Sequence[Dimension], method: Method, classes: int
) -> Iterator[tuple[str, ...]]:
    several = {one.name: one.ends for one in dimensions}
    for values in itertools.islice(itertools.product(*several.values()), MOST_CORNERS):
        whole = method.whole({**settings, **dict(zip(several, values, strict=True))}, classes)
        yield method.silent(whole, classes)


def _may_lack_labels(settings: Mapping[str, Value], dimensions: Sequence[Dimension], method: Method) -> bool:
    """Return whether the cross-entropy's factor is 0, or may be; in nearly all rows it is not."""
    if not method.teacher:
        return False
    ends = next((one.ends for one in dimensions if one.name == CE_WEIGHT), None)
    return 0 in (ends or (settings.get(CE_WEIGHT, 1),))
