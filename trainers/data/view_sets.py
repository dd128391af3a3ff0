"""The numbered sets of views, by name. No torch in here: planning needs their sizes.

A name says all that decides the pixels of a view: `pad4-crop-flip` is every crop of an image padded by 4 pixels, and
each crop mirrored; `rrc224-flip` a random part of a picture brought to 224 x 224; `scale-crop512x1024-flip` a part of a
picture that was scaled. What follows (`-autoaugment`, `-randaugment`, `-cutout16`, `-strong`) is done to every view
besides.
"""

import functools
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Kind = Literal["shift", "resized-crop", "scale-crop"]
EXTRAS = ("autoaugment", "randaugment", "cutout")
"""What a sweep file may switch on, in the order in which it is done."""
STRONG = "strong"
"""What is done besides to the second view of an image, for methods that compare two (trainers.views.strong)."""
CUTOUT_SHARE = 2
"""A hole is half as high as the image, as on CIFAR: 16 of 32 pixels."""

_NAME = re.compile(
    r"(?:pad(?P<pad>\d+)-crop|rrc(?P<side>\d+)|scale-crop(?P<height>\d+)x(?P<width>\d+))(?P<flip>-flip)?"
    r"(?P<extras>(?:-(?:autoaugment|randaugment|cutout\d+|strong))*)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSet:
    """How the views of a training image come about."""

    name: str
    """As it stands in every trial's key."""
    kind: Kind
    pad: int = 0
    """Of a shift: pixels of fill on each side; every crop of the image's size is a view."""
    height: int = 0
    """Of the others: pixels of a view; of a shift 0, the image's own size."""
    width: int = 0
    """Likewise."""
    flip: bool = False
    """Whether views are mirrored left to right: of a shift each crop once more, of the others half of them, by
    chance."""
    extras: tuple[str, ...] = ()
    """Such as `autoaugment` and `cutout16`."""

    @property
    def enumerated(self) -> int | None:
        """How many views an image has, where that follows from the name; None where it is a setting, and view v of an
        image is drawn from a stream of its own."""
        if self.kind == "shift" and not self.extras:
            return (2 * self.pad + 1) ** 2 * (1 + self.flip)
        return None


@functools.cache
def view_set(name: str) -> ViewSet:
    """Return the view set of this name.

    Raises:
        ValueError: it is no name of a view set.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} is no set of views")
    extras = tuple(found["extras"].split("-")[1:])
    flip = found["flip"] is not None
    if found["pad"] is not None:
        return ViewSet(name=name, kind="shift", pad=int(found["pad"]), flip=flip, extras=extras)
    if found["side"] is not None:
        side = int(found["side"])
        return ViewSet(name=name, kind="resized-crop", height=side, width=side, flip=flip, extras=extras)
    height, width = int(found["height"]), int(found["width"])
    return ViewSet(name=name, kind="scale-crop", height=height, width=width, flip=flip, extras=extras)


def resized(name: str, height: int, width: int) -> str:
    """Return the name of the view set whose views have another size.

    Raises:
        ValueError: the size of these views is that of the images.
    """
    base = view_set(name)
    if base.kind == "shift":
        raise ValueError("its views have the size of its images, which cannot be set")
    if base.kind == "resized-crop" and height != width:
        raise ValueError(f"its views are square, got {height} x {width}")
    size = f"rrc{height}" if base.kind == "resized-crop" else f"scale-crop{height}x{width}"
    return "-".join([size, *(["flip"] * base.flip), *base.extras])


def shifted(name: str, pad: int | None, flip: bool | None) -> str:
    """Return the name of the view set whose images are padded by so many pixels, and mirrored or not.

    Args:
        pad, flip: None: as they are.

    Raises:
        ValueError: its views are no crops of padded images.
    """
    base = view_set(name)
    if base.kind != "shift":
        raise ValueError("pad and flip are for images that are kept in memory; its views are drawn from pictures")
    mirrored = base.flip if flip is None else flip
    return "-".join([f"pad{base.pad if pad is None else pad}-crop", *(["flip"] * mirrored), *base.extras])


def strong(name: str) -> str:
    """Return the name of the set of strong views that goes with a set of views: as many, numbered for themselves.

    Raises:
        ValueError: there is none.
    """
    base = view_set(name)
    if base.kind == "scale-crop":
        raise ValueError("its images have no strong view: their pixels have classes")
    return name if STRONG in base.extras else f"{name}-{STRONG}"


def with_extras(name: str, extras: Collection[str], size: int) -> str:
    """Return the name of the view set with these of `EXTRAS` switched on; those that it has already stay as they are.

    Args:
        size: height of a view in pixels.
    """
    there = {extra.rstrip("0123456789"): extra for extra in view_set(name).extras}
    wanted = {extra: f"cutout{size // CUTOUT_SHARE}" if extra == "cutout" else extra for extra in extras} | there
    bare = name.removesuffix("".join(f"-{extra}" for extra in there.values()))
    return "-".join([bare, *(wanted[extra] for extra in EXTRAS if extra in wanted)])
