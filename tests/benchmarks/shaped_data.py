"""Images in the layout and shape of CIFAR-100 that something can be learnt from, for benchmarks without a download.

A class is a smooth random pattern; an image is its pattern, moved by up to 4 pixels, with noise. Only a few of the 100
classes occur, so that a few dozen steps teach something. Made anew from one seed, so every run of a benchmark has the
same.
"""

import pickle
from pathlib import Path

import numpy as np

CLASSES, SIDE, CHANNELS = 100, 32, 3
OCCURRING = 10
"""Classes that have images."""
CELLS = 6
"""Independent values of a pattern along a side."""
MOVE = 4
NOISE = 30.0


def write_cifar_shaped(folder: Path, *, train: int, test: int) -> None:
    """Write training and test images as the authors of CIFAR-100 do."""
    random = np.random.default_rng(0)
    coarse = random.uniform(40, 215, (CLASSES, CHANNELS, CELLS, CELLS))
    fine = SIDE + 2 * MOVE
    places = np.linspace(0, CELLS - 1, fine)
    low = np.minimum(places.astype(int), CELLS - 2)
    share = places - low
    rows = coarse[:, :, low] * (1 - share)[:, None] + coarse[:, :, low + 1] * share[:, None]
    patterns = rows[..., low] * (1 - share) + rows[..., low + 1] * share
    (folder / "cifar-100-python").mkdir(parents=True)
    for name, count in (("train", train), ("test", test)):
        labels = np.arange(count) % OCCURRING
        tops, lefts = random.integers(0, 2 * MOVE + 1, (2, count))
        images = np.stack(
            [
                patterns[label, :, top : top + SIDE, left : left + SIDE]
                for label, top, left in zip(labels, tops, lefts, strict=True)
            ]
        )
        images = np.clip(images + random.normal(0, NOISE, images.shape), 0, 255).astype(np.uint8)
        content = {b"data": images.reshape(count, -1), b"fine_labels": labels.tolist()}
        (folder / "cifar-100-python" / name).write_bytes(pickle.dumps(content, protocol=2))
