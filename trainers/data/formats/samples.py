"""Series of samples, as torchvision's data sets are: a picture and a class for each number. All are read once."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trainers.data.formats.places import DataFilesError

ASKED_TWICE = 3
"""Samples that are read once more: what a transform draws by chance would be another data set in every process."""


def as_arrays(samples: Any, part: str, size: int | None) -> dict[str, Any]:
    """Return the images and labels of a series as arrays.

    Args:
        samples: has a length, and gives (picture, class) for each number: Pillow's, or uint8 as an array [H, W, C] or a
            tensor [C, H, W].
        part: train or test.
        size: in pixels to which pictures are brought: their shorter side, and the middle of the longer.

    Raises:
        DataFilesError: it gives something else, or pictures of several sizes.
    """
    images, labels = [], []
    for number in range(len(samples)):
        picture, label = _sample(samples, number, part)
        images.append(_array(picture, f"{part} sample {number}", size))
        labels.append(label)
    if not images:
        raise DataFilesError(f"the {part} samples are none")
    for number in range(min(ASKED_TWICE, len(images))):
        again = _array(_sample(samples, number, part)[0], f"{part} sample {number}", size)
        if again.shape != images[number].shape or not np.array_equal(again, images[number]):
            raise DataFilesError(
                f"{part} sample {number} is another one when it is read again: leave out random transforms"
            )
    return {f"{part}_images": joined(images, part), f"{part}_labels": np.array(labels)}


def _sample(samples: Any, number: int, part: str) -> tuple[Any, int]:
    sample = samples[number]
    if not isinstance(sample, Sequence) or len(sample) != 2:
        raise DataFilesError(f"{part} sample {number} must be (picture, class), got a {type(sample).__name__}")
    label = sample[1].item() if hasattr(sample[1], "item") else sample[1]
    if isinstance(label, bool) or not isinstance(label, int):
        raise DataFilesError(f"the class of {part} sample {number} must be a whole number, got {label!r}")
    return sample[0], label


def _array(picture: Any, who: str, size: int | None) -> NDArray[np.uint8]:
    """Return a picture as [H, W, C]."""
    if isinstance(picture, Image.Image):
        return as_array(picture, size)
    is_tensor = hasattr(picture, "detach")
    array = np.asarray(picture.detach().cpu() if is_tensor else picture)
    if array.dtype != np.uint8:
        rule = f"must be a Pillow image or of uint8, got {'a tensor' if is_tensor else 'an array'} of {array.dtype}"
        raise DataFilesError(f"{who} {rule}; leave out ToTensor and Normalize: images are normalised in training")
    if array.ndim == 2:
        array = array[..., None]
    elif is_tensor:
        array = np.moveaxis(array, 0, -1)
    if array.ndim != 3 or array.shape[2] not in (1, 3):
        raise DataFilesError(f"{who} must have 1 or 3 channels, got the shape {list(array.shape)}")
    return array if size is None else as_array(Image.fromarray(array[..., 0] if array.shape[2] == 1 else array), size)


def as_array(picture: Image.Image, size: int | None) -> NDArray[np.uint8]:
    """Return a picture as [H, W, C], grey with one channel, all else with three; of a size as `as_arrays` takes it."""
    picture = picture if picture.mode == "L" else picture.convert("RGB")
    if size is not None:
        factor = size / min(picture.size)
        width, height = (max(size, round(side * factor)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
        left, top = (width - size) // 2, (height - size) // 2
        picture = picture.crop((left, top, left + size, top + size))
    array = np.asarray(picture)
    return array[..., None] if array.ndim == 2 else array


def joined(images: list[NDArray[np.uint8]], part: str) -> NDArray[np.uint8]:
    """Return pictures [H, W, C] as one array.

    Raises:
        DataFilesError: they have several sizes, or one that is not square.
    """
    if len({one.shape[2] for one in images}) > 1:  # some grey, some not
        images = [np.repeat(one, 3, axis=2) if one.shape[2] == 1 else one for one in images]
    first = images[0].shape
    for number, one in enumerate(images):
        if one.shape != first:
            sizes = f"{first[0]} x {first[1]} as the first is, got {one.shape[0]} x {one.shape[1]}"
            raise DataFilesError(
                f"{part} sample {number} must have {sizes}; `size: {min(first[:2])}` brings all to one"
            )
    if first[0] != first[1]:
        rule = f"{part} samples must be square, got {first[0]} x {first[1]}"
        raise DataFilesError(f"{rule}; `size: {min(first[:2])}` takes the middle of each")
    return np.stack(images)


def pictures(content: Sequence[bytes], who: str) -> Iterator[Image.Image]:
    """Yield encoded pictures.

    Raises:
        DataFilesError: one is broken.
    """
    for number, one in enumerate(content):
        try:
            with Image.open(io.BytesIO(one)) as picture:
                yield picture.convert("L" if picture.mode in ("L", "1") else "RGB")
        except Exception as error:
            raise DataFilesError(f"{who}: picture {number} cannot be read: {type(error).__name__}: {error}") from error
