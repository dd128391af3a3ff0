"""digits100: 100 classes of two real handwritten digits side by side, made on the spot from scikit-learn's 1,797.

An image of class 10a + b shows a digit a in the left half and a digit b in the right half of 16 x 16 pixels. Its
contrast, its places and Gaussian noise are drawn from one seeded generator, so every machine has the same images.
The digits are dealt to three pools (fit, validation, test) before any image is composed: no handwriting that a network
trains on is ever seen in an image that scores it.
"""

import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainers.data._base import DataInfo, DataSet, Images
from trainers.data.formats.memory import content_digest

CLASSES = 100
SIZE = 16
DIGIT_SIZE = 8
IMAGES_PER_CLASS: Mapping[str, int] = {"fit": 75, "validation": 25, "test": 60}
POOL_SHARES: Mapping[str, float] = {"fit": 0.60, "validation": 0.15, "test": 0.25}
NOISE_SIGMA = 0.2
BLANK = 64
"""Grey value of no ink; full ink is BLANK + 128, so noise is cut off on neither side."""
INK = 128
SEED = 20250101


def describe(root: Path | None = None) -> DataInfo:
    """Return the description. `root` is not used: the data set is made, not read."""
    return _generate().info


def load(root: Path | None = None) -> Images:
    """Return the images; made once a process, in about a second."""
    return _generate()


@functools.cache
def _generate() -> Images:
    random = np.random.Generator(np.random.Philox(SEED))
    pools = _pools(random)
    parts = {name: _compose(pools[name], IMAGES_PER_CLASS[name], random) for name in ("fit", "validation", "test")}
    train_images, train_targets = (np.concatenate([parts["fit"][i], parts["validation"][i]]) for i in (0, 1))
    test_images, test_targets = parts["test"]
    return Images(
        info=DataInfo(
            name="digits100",
            classes=CLASSES,
            channels=1,
            size=SIZE,
            digest=content_digest(train_images, train_targets, test_images, test_targets),
            fit=len(parts["fit"][1]),
            validation=len(parts["validation"][1]),
            test=len(test_targets),
            view_set="pad2-crop",
            views=25,
            recipe="digits",
        ),
        train_images=train_images,
        train_targets=train_targets,
        test_images=test_images,
        test_targets=test_targets,
        fill=BLANK,
    )


def _pools(random: np.random.Generator) -> dict[str, list[NDArray[np.float64]]]:
    """Deal each digit's handwritings to the pools; a pool has ten arrays [n, 8, 8] with ink in 0…1."""
    ink, labels = _handwritings()
    pools: dict[str, list[NDArray[np.float64]]] = {name: [] for name in POOL_SHARES}
    for digit in range(10):
        order = random.permutation(np.flatnonzero(labels == digit))
        ends = np.round(np.cumsum([*POOL_SHARES.values()]) * len(order)).astype(int)
        for name, indices in zip(POOL_SHARES, np.split(order, ends[:-1]), strict=True):
            pools[name].append(ink[indices])
    return pools


def _handwritings() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return scikit-learn's digits [1797, 8, 8] with ink in 0…1, and which digit each is.

    Read from the file that scikit-learn installs: importing it would cost every worker a second.
    """
    spec = importlib.util.find_spec("sklearn")
    assert spec is not None
    assert spec.origin is not None
    table = np.loadtxt(Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz", delimiter=",")
    return table[:, :-1].reshape(-1, DIGIT_SIZE, DIGIT_SIZE) / 16.0, table[:, -1].astype(np.int64)


def _compose(
    pool: list[NDArray[np.float64]], per_class: int, random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return `per_class` images of every class, shuffled, as uint8 [n, 1, 16, 16], and their classes [n]."""
    targets = random.permutation(np.repeat(np.arange(CLASSES), per_class))
    ink = np.zeros((len(targets), SIZE, SIZE))
    for digits, left in ((targets // 10, 0), (targets % 10, DIGIT_SIZE)):
        _place(ink, digits, left, pool, random)
    noisy = ink + random.normal(0.0, NOISE_SIGMA, ink.shape)
    grey = np.clip(np.round(BLANK + INK * noisy), 0, 255).astype(np.uint8)
    return grey[:, None], targets.astype(np.int64)


def _place(
    ink: NDArray[np.float64],
    digits: NDArray[np.int64],
    left: int,
    pool: list[NDArray[np.float64]],
    random: np.random.Generator,
) -> None:
    """Draw a handwriting of each image's digit into its half: any row, a column more or less, contrast 0.6…1."""
    count = len(digits)
    share = random.random(count)
    contrast = random.uniform(0.6, 1.0, count)
    tops = random.integers(0, SIZE - DIGIT_SIZE + 1, count)
    lefts = np.clip(left + random.integers(-1, 2, count), 0, SIZE - DIGIT_SIZE)
    for i, digit in enumerate(digits):
        glyph = pool[digit][int(share[i] * len(pool[digit]))] * contrast[i]
        window = ink[i, tops[i] : tops[i] + DIGIT_SIZE, lefts[i] : lefts[i] + DIGIT_SIZE]
        np.maximum(window, glyph, out=window)


DIGITS100 = DataSet(
    name="digits100",
    summary="two handwritten digits side by side, 100 classes, 16x16 grey; built in, needs no download",
    describe=describe,
    load=load,
)
