"""What is done to the strong view of an image: two operations of fourteen, then a grey box.

As two-view MLKD (Jin, Wang, Lin, CVPR 2023) and those after it have it, from FixMatch (Sohn et al., 2020,
arXiv:2001.07685): each operation is drawn with the other still in the draw, and so is its strength, evenly; a box whose
side is up to half the width covers a part, always.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from trainers.trials.streams import stream_seed

OPERATIONS = 2
GREY = 127
BOX = 0.5
"""Largest side, as a share of the width."""
ENHANCED = (0.05, 0.95)
DEGREES, SHEAR, SHIFT = 30.0, 0.3, 0.3
"""At most, to either side; a shift is a share of the width or height."""
BITS = (4, 8)
GREYS = 256


def strongly_changed(image: Image.Image, seed: int) -> Image.Image:
    """Return the image as its strong view shows it: the same is done to it at every size."""
    random = np.random.Generator(np.random.Philox(key=stream_seed("strong", seed)))
    for _ in range(OPERATIONS):
        number, strength = int(random.integers(len(CHANGES))), float(random.random())
        image = CHANGES[number](image, strength)
    half = BOX * random.random() * image.width / 2
    x, y = random.random() * image.width, random.random() * image.height
    left, top = max(0, round(x - half)), max(0, round(y - half))
    right, bottom = min(image.width, round(x + half)), min(image.height, round(y + half))
    if left < right and top < bottom:
        image = image.copy()
        image.paste(GREY if image.mode == "L" else (GREY,) * 3, (left, top, right, bottom))
    return image


Change = Callable[[Image.Image, float], Image.Image]
"""(image, strength in 0 … 1) -> image."""


def _between(low: float, high: float, strength: float) -> float:
    return low + (high - low) * strength


def _enhanced(kind: Callable[[Image.Image], ImageEnhance._Enhance]) -> Change:
    return lambda image, strength: kind(image).enhance(_between(*ENHANCED, strength))


def _moved(matrix: Callable[[float, Image.Image], tuple[float, ...]], most: float) -> Change:
    def change(image: Image.Image, strength: float) -> Image.Image:
        by = matrix(_between(-most, most, strength), image)
        return image.transform(image.size, Image.Transform.AFFINE, by)

    return change


CHANGES: tuple[Change, ...] = (
    lambda image, _: image,
    lambda image, _: ImageOps.autocontrast(image),
    lambda image, _: ImageOps.equalize(image),
    _enhanced(ImageEnhance.Brightness),
    _enhanced(ImageEnhance.Color),
    _enhanced(ImageEnhance.Contrast),
    _enhanced(ImageEnhance.Sharpness),
    lambda image, strength: ImageOps.posterize(image, min(int(_between(BITS[0], BITS[1] + 1, strength)), BITS[1])),
    lambda image, strength: ImageOps.solarize(image, min(int(GREYS * strength), GREYS)),
    lambda image, strength: image.rotate(_between(-DEGREES, DEGREES, strength)),
    _moved(lambda share, _: (1, share, 0, 0, 1, 0), SHEAR),
    _moved(lambda share, _: (1, 0, 0, share, 1, 0), SHEAR),
    _moved(lambda share, image: (1, 0, share * image.width, 0, 1, 0), SHIFT),
    _moved(lambda share, image: (1, 0, 0, 0, 1, share * image.height), SHIFT),
)
