"""What a sweep file may change about a data set: the size of its views, how many there are, what is done to them."""

import dataclasses
from dataclasses import dataclass

from trainers.data._base import DataInfo
from trainers.data.view_sets import EXTRAS, resized, shifted, view_set, with_extras
from trainers.texts.counting import counted

DRAWN_VIEWS = 64
"""Views of an image where they are drawn and no number is given: a data set of small images with extras."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """Changes; what is None or empty stays as the data set has it."""

    height: int | None = None
    """Of a view, in pixels."""
    width: int | None = None
    """Likewise; None: as the height."""
    views: int | None = None
    """Views of an image."""
    augment: tuple[str, ...] = ()
    """Of `EXTRAS`."""
    pad: int | None = None
    """Pixels by which an image is padded, of which a crop is a view."""
    flip: bool | None = None
    """Whether views are mirrored left to right."""


def seen_in(info: DataInfo, name: str, count: int) -> DataInfo:
    """Return the description of the data set in the views of a set that options have led to.

    Args:
        count: views of an image.
    """
    views = view_set(name)
    height, width = views.height or info.size, views.width or info.width
    return dataclasses.replace(info, size=height, across=0 if width == height else width, view_set=name, views=count)


def with_options(info: DataInfo, options: DataOptions) -> DataInfo:
    """Return the description with the changes made.

    Raises:
        ValueError: the data set does not take them; says why.
    """
    name, height, width = info.view_set, info.size, info.width
    if options.height is not None:
        height, width = options.height, options.width or options.height
        name = resized(name, height, width)
    if options.pad is not None or options.flip is not None:
        name = shifted(name, options.pad, options.flip)
    if options.augment:
        if info.task == "segmentation":
            raise ValueError(f"augment: {', '.join(EXTRAS)} are for classification")
        name = with_extras(name, options.augment, height)
    count = view_set(name).enumerated
    if count is not None and options.views not in (None, count):
        raise ValueError(f"views: it has {counted(count, 'view')} an image and no others, got {options.views}")
    drawn = info.views if view_set(info.view_set).enumerated is None else DRAWN_VIEWS
    return dataclasses.replace(
        info, size=height, across=0 if width == height else width, view_set=name, views=options.views or count or drawn
    )
