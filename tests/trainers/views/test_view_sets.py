"""Names of view sets: they say all, they change as a sweep file asks, and refuse what cannot be."""

import dataclasses
import re

import pytest

from trainers import data
from trainers.data import DataInfo, DataOptions, seen_in, with_options
from trainers.data.view_sets import ViewSet, resized, view_set, with_extras

NAMES = {
    "pad4-crop-flip": ViewSet(name="pad4-crop-flip", kind="shift", pad=4, flip=True),
    "pad0-crop": ViewSet(name="pad0-crop", kind="shift"),
    "pad2-crop-flip-autoaugment-cutout16": ViewSet(
        name="pad2-crop-flip-autoaugment-cutout16", kind="shift", pad=2, flip=True, extras=("autoaugment", "cutout16")
    ),
    "rrc224-flip": ViewSet(name="rrc224-flip", kind="resized-crop", height=224, width=224, flip=True),
    "rrc64-randaugment": ViewSet(
        name="rrc64-randaugment", kind="resized-crop", height=64, width=64, extras=("randaugment",)
    ),
    "scale-crop512x1024-flip": ViewSet(
        name="scale-crop512x1024-flip", kind="scale-crop", height=512, width=1024, flip=True
    ),
}


def info(name: str, size: int, view_set_name: str, views: int, **others: object) -> DataInfo:
    return DataInfo(
        name=name, classes=5, channels=3, size=size, digest="d", fit=90, validation=10, test=10,
        view_set=view_set_name, views=views, recipe="quick", **others,
    )  # fmt: skip


SMALL = info("small", 32, "pad4-crop-flip", 162)
PICTURES = info("pictures", 224, "rrc224-flip", 16)
SCENES = info("scenes", 512, "scale-crop512x1024-flip", 1000, across=1024, task="segmentation")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_says_all(name: str):
    found = view_set(name)
    assert found == NAMES[name]
    size = {"shift": f"pad{found.pad}-crop", "resized-crop": f"rrc{found.height}"}.get(
        found.kind, f"scale-crop{found.height}x{found.width}"
    )
    assert "-".join([size, *["flip"] * found.flip, *found.extras]) == name


@pytest.mark.parametrize(("name", "views"), [("pad4-crop-flip", 162), ("pad2-crop", 25), ("pad0-crop", 1)])
def test_shifts_are_counted_and_others_are_not(name: str, views: int):
    assert view_set(name).enumerated == views
    assert view_set(f"{name}-cutout4").enumerated is None
    assert view_set("rrc224").enumerated is view_set("scale-crop8x8").enumerated is None


@pytest.mark.parametrize("name", ["", "pad4", "rrc", "rrc224-flop", "pad4-crop-cutout", "crop-flip", "rrc224-flip "])
def test_what_is_no_name_is_refused(name: str):
    with pytest.raises(ValueError, match=re.escape(f"{name!r} is no set of views")):
        view_set(name)


def test_sizes_change_the_name():
    assert resized("rrc224-flip", 64, 64) == "rrc64-flip"
    assert resized("rrc224-randaugment", 384, 384) == "rrc384-randaugment"
    assert resized("scale-crop512x1024-flip", 256, 512) == "scale-crop256x512-flip"
    with pytest.raises(ValueError, match="the size of its images, which cannot be set"):
        resized("pad4-crop-flip", 64, 64)
    with pytest.raises(ValueError, match="its views are square, got 64 x 96"):
        resized("rrc224-flip", 64, 96)


@pytest.mark.parametrize(
    ("name", "extras", "size", "expected"),
    [
        ("pad4-crop-flip", (), 32, "pad4-crop-flip"),
        ("pad4-crop-flip", ("cutout", "autoaugment"), 32, "pad4-crop-flip-autoaugment-cutout16"),
        ("rrc224-flip", ("randaugment",), 224, "rrc224-flip-randaugment"),
        ("rrc224-flip", ("randaugment", "cutout"), 224, "rrc224-flip-randaugment-cutout112"),
        ("pad4-crop-flip-cutout16", ("autoaugment", "cutout"), 32, "pad4-crop-flip-autoaugment-cutout16"),
        ("rrc224-flip-randaugment", ("randaugment",), 224, "rrc224-flip-randaugment"),
        ("rrc224-flip-autoaugment-cutout8", ("randaugment",), 224, "rrc224-flip-autoaugment-randaugment-cutout8"),
        ("pad4-crop-cutout16", (), 32, "pad4-crop-cutout16"),
    ],
)  # fmt: skip
def test_each_extra_is_switched_on_once_in_one_order(name: str, extras: tuple[str, ...], size: int, expected: str):
    assert with_extras(name, extras, size) == expected
    assert view_set(expected).name == expected


@pytest.mark.parametrize(
    ("of", "options", "name", "size", "views"),
    [
        (SMALL, DataOptions(), "pad4-crop-flip", (32, 32), 162),
        (SMALL, DataOptions(views=162), "pad4-crop-flip", (32, 32), 162),
        (SMALL, DataOptions(augment=("cutout",)), "pad4-crop-flip-cutout16", (32, 32), 64),
        (SMALL, DataOptions(augment=("cutout",), views=8), "pad4-crop-flip-cutout16", (32, 32), 8),
        (PICTURES, DataOptions(views=3), "rrc224-flip", (224, 224), 3),
        (PICTURES, DataOptions(height=64, augment=("cutout",)), "rrc64-flip-cutout32", (64, 64), 16),
        (PICTURES, DataOptions(height=384, width=384), "rrc384-flip", (384, 384), 16),
        (SCENES, DataOptions(height=256, width=512), "scale-crop256x512-flip", (256, 512), 1000),
        (SCENES, DataOptions(height=512), "scale-crop512x512-flip", (512, 512), 1000),
    ],
)  # fmt: skip
def test_options_change_a_description(of: DataInfo, options: DataOptions, name: str, size: tuple[int, int], views: int):
    found = with_options(of, options)
    assert (found.view_set, (found.size, found.width), found.views) == (name, size, views)
    assert seen_in(of, name, views) == found
    assert dataclasses.replace(found, view_set=of.view_set, views=of.views, size=of.size, across=of.across) == of


@pytest.mark.parametrize(
    ("of", "options", "reason"),
    [
        (SMALL, DataOptions(height=64), "its views have the size of its images, which cannot be set"),
        (SMALL, DataOptions(views=25), "views: it has 162 views an image and no others, got 25"),
        (PICTURES, DataOptions(height=64, width=32), "its views are square, got 64 x 32"),
        (SCENES, DataOptions(augment=("cutout",)), "augment: autoaugment, randaugment, cutout are for classification"),
    ],
)
def test_options_that_cannot_be_are_refused(of: DataInfo, options: DataOptions, reason: str):
    with pytest.raises(ValueError, match=re.escape(reason)):
        with_options(of, options)


def test_every_data_sets_own_views_have_names():
    for name in data.names():
        found = data.get(name).published or (data.describe(name) if name == "digits100" else None)
        if found is not None:
            views = view_set(found.view_set)
            assert views.enumerated in (found.views, None)
            assert (views.height or found.size, views.width or found.width) == (found.size, found.width)
