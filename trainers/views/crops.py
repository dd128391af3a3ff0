"""One view of one picture, drawn from a stream that the picture's number and the view's number name.

The same (picture, view) gives the same pixels in every process, epoch and trial, whatever was drawn before.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from trainers.data.view_sets import STRONG, ViewSet
from trainers.trials.randomness import from_stream
from trainers.trials.streams import stream_seed
from trainers.views.pictures import IGNORED, Pictures
from trainers.views.strong import strongly_changed
from trainers.views.views import Size

SCORED = -1
"""The number of the view in which a picture is scored."""
AREA = (0.08, 1.0)
"""Share of a picture that a random part has (torchvision's RandomResizedCrop)."""
ASPECT = (3 / 4, 4 / 3)
"""Width over height of a random part."""
TRIES = 10
SCORED_SHARE = 0.875
"""A scored view is so much of the picture's shorter side: 224 of 256."""
SCALES = tuple(step / 10 for step in range(5, 21))
"""By which a street scene is scaled before a part is cut out."""
AUGMENT_FILL = 128
RAND_OPERATIONS, RAND_MAGNITUDE = 2, 10
SMALL_PIXELS = 64
"""Images up to this height get AutoAugment's policy for CIFAR-10, larger ones that for ImageNet."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom; the last two excluded."""


@dataclass(frozen=True, slots=True)
class Cropped:
    """A view of one picture.

    Attributes:
        pixels: uint8 [C, H, W] for each size that was asked for.
        labels: uint8 [H, W] class of every pixel at the first size; None where a picture has one class.
    """

    pixels: tuple[NDArray[np.uint8], ...]
    labels: NDArray[np.uint8] | None


def crop(pictures: Pictures, views: ViewSet, number: int, view: int, sizes: Sequence[Size] = ()) -> Cropped:
    """Return a view of a picture.

    Args:
        view: its number, or `SCORED`.
        sizes: more sizes to bring the same part of the picture to, after the set's own.
    """
    picture, labels = pictures.picture(number), pictures.labels(number)
    own = (views.height or picture.height, views.width or picture.width)
    if view == SCORED:
        parts = [_scored(picture, views, size) for size in (own, *sizes)]
        return Cropped(tuple(map(_planes, parts)), labels)
    random = np.random.Generator(np.random.Philox(key=stream_seed("view", views.name, number, view)))
    if views.kind == "scale-crop":
        return _scene(picture, labels, own, views.flip, random)
    part = _shifted(picture, views.pad, pictures.fill, random) if views.kind == "shift" else _part(picture, random)
    mirrored = views.flip and random.random() < 0.5
    seed = int(random.integers(2**63))
    shown = []
    for size in (own, *sizes):
        image = _resized(part, size)
        if mirrored:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        image = _augmented(image, views, seed, small=own[0] <= SMALL_PIXELS)
        shown.append(_extras(image, views, seed, own[0]))
    return Cropped(tuple(shown), None)


def _planes(image: Image.Image) -> NDArray[np.uint8]:
    array = np.asarray(image, dtype=np.uint8)
    return array[None].copy() if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1))


def _resized(image: Image.Image, size: Size) -> Image.Image:
    height, width = size
    if (image.height, image.width) == size:
        return image
    return image.resize((width, height), Image.Resampling.BILINEAR)


def _scored(picture: Image.Image, views: ViewSet, size: Size) -> Image.Image:
    """Return the picture as it is scored: of a random part's set the middle of the picture, of the others all of it."""
    if views.kind == "scale-crop":
        return picture
    if views.kind == "shift":
        return _resized(picture, size)
    height, width = size
    shorter = round(min(height, width) / SCORED_SHARE)
    scale = shorter / min(picture.height, picture.width)
    whole = _resized(
        picture, (max(height, int(picture.height * scale + 1e-6)), max(width, int(picture.width * scale + 1e-6)))
    )
    top, left = round((whole.height - height) / 2), round((whole.width - width) / 2)
    return whole.crop((left, top, left + width, top + height))


def _shifted(picture: Image.Image, pad: int, fill: int, random: np.random.Generator) -> Image.Image:
    padded = Image.new(picture.mode, (picture.width + 2 * pad, picture.height + 2 * pad), (fill,) * len(picture.mode))
    padded.paste(picture, (pad, pad))
    left, top = (int(random.integers(2 * pad + 1)) for _ in range(2))
    return padded.crop((left, top, left + picture.width, top + picture.height))


def _part(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    return picture.crop(part_box(picture.height, picture.width, random))


def part_box(height: int, width: int, random: np.random.Generator) -> Box:
    """Return a random part of a picture: a share of its area and an aspect, as torchvision's RandomResizedCrop draws
    them; after ten that do not fit, the largest middle part with an aspect in bounds."""
    for _ in range(TRIES):
        area = height * width * random.uniform(*AREA)
        aspect = math.exp(random.uniform(math.log(ASPECT[0]), math.log(ASPECT[1])))
        across, down = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < across <= width and 0 < down <= height:
            top, left = int(random.integers(height - down + 1)), int(random.integers(width - across + 1))
            return left, top, left + across, top + down
    across = min(width, round(height * ASPECT[1]))
    down = min(height, round(width / ASPECT[0]))
    left, top = (width - across) // 2, (height - down) // 2
    return left, top, left + across, top + down


def _augmented(image: Image.Image, views: ViewSet, seed: int, *, small: bool) -> Image.Image:
    """Apply torchvision's AutoAugment or RandAugment, and what a strong view has besides. The former draw from torch's
    global generator, which is put back.

    Args:
        small: whether the set's own views are: at every size that a part is shown at, the same is done to it.
    """
    names = [extra for extra in views.extras if extra in ("autoaugment", "randaugment")]
    for name in names:
        image = from_stream(lambda i=image, n=name: _policy(n, small=small)(i), "augment", name, seed)  # type: ignore[misc]
    return strongly_changed(image, seed) if STRONG in views.extras else image


def _policy(name: str, *, small: bool) -> "torch.nn.Module":
    from torchvision import transforms  # type: ignore[import-untyped]

    if name == "randaugment":
        module = transforms.RandAugment(num_ops=RAND_OPERATIONS, magnitude=RAND_MAGNITUDE, fill=AUGMENT_FILL)
    else:
        kind = "CIFAR10" if small else "IMAGENET"
        module = transforms.AutoAugment(transforms.AutoAugmentPolicy[kind], fill=AUGMENT_FILL)
    assert isinstance(module, torch.nn.Module)
    return module


def _extras(image: Image.Image, views: ViewSet, seed: int, own_height: int) -> NDArray[np.uint8]:
    """Return the planes of the image with the holes of `cutoutN`: one of N x N pixels, its middle anywhere in the
    image (DeVries and Taylor, 2017, arXiv:1708.04552), at the same place whatever the size of the view.

    Args:
        own_height: of the set's own views, which N is for.
    """
    planes = _planes(image)
    for extra in (extra for extra in views.extras if extra.startswith("cutout")):
        random = np.random.Generator(np.random.Philox(key=stream_seed("cutout", seed)))
        height, width = planes.shape[1:]
        side = int(extra.removeprefix("cutout")) * height // own_height
        middle_y, middle_x = int(random.random() * height), int(random.random() * width)
        planes = planes.copy()
        top, left = middle_y - side // 2, middle_x - side // 2
        planes[:, max(0, top) : top + side, max(0, left) : left + side] = 0
    return planes


def _scene(
    picture: Image.Image, labels: NDArray[np.uint8] | None, size: Size, flip: bool, random: np.random.Generator
) -> Cropped:
    """Scale a scene by 0.5 … 2, cut out a part, mirror half of them. Outside the scene pixels are black and belong to
    no class. Labels are scaled by their nearest neighbour."""
    assert labels is not None
    scale = SCALES[int(random.integers(len(SCALES)))]
    scaled = (int(picture.height * scale), int(picture.width * scale))
    image = _planes(_resized(picture, scaled))
    classes = np.asarray(Image.fromarray(labels).resize(scaled[::-1], Image.Resampling.NEAREST))
    height, width = size
    below, right = max(0, height - scaled[0]), max(0, width - scaled[1])
    image = np.pad(image, ((0, 0), (0, below), (0, right)))
    classes = np.pad(classes, ((0, below), (0, right)), constant_values=IGNORED)
    top = int(random.integers(image.shape[1] - height + 1))
    left = int(random.integers(image.shape[2] - width + 1))
    image, classes = image[:, top : top + height, left : left + width], classes[top : top + height, left : left + width]
    if flip and random.random() < 0.5:
        image, classes = image[:, :, ::-1], classes[:, ::-1]
    return Cropped((np.ascontiguousarray(image),), np.ascontiguousarray(classes))
