"""What a first sweep on given data should say: which data set it is, at which size, with which networks and recipe."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from search_spaces import recipes
from trainers import data
from trainers.data import DataFilesError, DataInfo, PictureFiles
from trainers.errors import RequestError
from trainers.files.paths import expanded
from trainers.texts.words import is_url, shown

FOLDERS = ("cifar100", "cifar10", "cub200", "tiny_imagenet")
"""Data sets that a folder may hold besides pictures in train/ and val/, and that can be told by their files."""
SIDES = (32, 64, 128, 224)
"""Sizes in pixels that are proposed for pictures; 224 is what published networks saw."""
SMALL_SIDE = 64
"""The largest without a GPU, and that of the project's own networks."""
LOOKED_AT = 200
"""Pictures whose heads are read, spread over the data set."""
MANY = 100_000
"""Training pictures from which on ImageNet's recipe is proposed."""
FEW = 10_000
"""Up to so many the recipe for small sets is proposed."""
STEPS, BATCH = 2000, 128
"""Steps of the optimiser that a training on more gets, about, and its batch."""
STEPS_AN_EPOCH = 20
"""At least; where pictures are too few for the batches of their recipe, batches are smaller."""
SMALLEST_BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is proposed, and what it rests on."""

    dataset: str
    info: DataInfo
    """Of the data set as it is."""
    root: str | None
    """Folder as it was given; None: the data set needs none, or the environment says where it is."""
    side: int | None
    """Median of the pictures' shorter sides in pixels; None of images that have one size."""
    size: int | None
    """Pixels that networks see; None: as the data set has them."""
    recipe: str
    epochs: int | None
    """None: as the recipe has them."""
    batch_size: int | None
    """Likewise."""
    teacher: str
    student: str
    gpu: bool


def propose(given: str, *, gpu: bool) -> Proposal:
    """Return what is proposed for a folder, or for a data set by its name.

    Args:
        gpu: whether there is one here: without, networks and pictures are small.

    Raises:
        RequestError: there is no such folder, or nothing in it that can be trained on.
    """
    name, root, info = _found(given)
    if name == "digits100":
        return Proposal(
            dataset=name, info=info, root=root, side=None, size=None, recipe="digits", epochs=None, batch_size=None,
            teacher="tinyresnet", student="tinycnn", gpu=gpu,
        )  # fmt: skip
    side = _median_side(name, root) if root is not None or info.found else None
    size = None if side is None else max(one for one in SIDES if one <= max(side, SIDES[0]))
    if size is not None and not gpu:
        size = min(size, SMALL_SIDE)
    recipe, epochs, batch_size = info.recipe, None, None
    if name == "imagefolder":
        recipe, epochs, batch_size = recipe_for(info.fit + info.validation, size or info.size)
    teacher, student = _networks(size or info.size, gpu=gpu)
    return Proposal(
        dataset=name, info=info, root=root, side=side, size=size, recipe=recipe, epochs=epochs, batch_size=batch_size,
        teacher=teacher, student=student, gpu=gpu,
    )  # fmt: skip


def _found(given: str) -> tuple[str, str | None, DataInfo]:
    """Return the data set's name, its folder as given, and what is known of it."""
    if is_url(given):
        raise RequestError(f"the data must be in a folder on this machine, got {shown(given)}")
    if given in data.names() and not Path(given).is_dir():
        entry = data.get(given)
        try:
            return given, None, data.describe(given)
        except DataFilesError as error:
            if entry.published is None:
                raise RequestError(f"{given} cannot be read: {error}") from error
            return given, None, entry.published
    folder = expanded(given)
    if not folder.is_dir():
        raise RequestError(
            f"{shown(given)} is no folder and no data set (data sets: {', '.join(data.names())}); "
            "give the folder that holds train/ and val/"
        )
    name, info = next(_held(folder), (None, None))
    if name is None or info is None:
        raise RequestError(_nothing_in(folder))
    return name, given, info


def _held(folder: Path) -> Iterator[tuple[str, DataInfo]]:
    """Yield the data sets that a folder holds.

    Raises:
        RequestError: it has train/, but is no data set for another reason.
    """
    if (folder / "train").is_dir():
        try:
            yield "imagefolder", data.describe("imagefolder", folder)
        except DataFilesError as error:
            raise RequestError(f"{folder} cannot be trained on: {error}") from error
    for name in FOLDERS:
        try:
            yield name, data.describe(name, folder)
        except DataFilesError:
            continue


def _nothing_in(folder: Path) -> str:
    inside = sorted(path.name for path in folder.iterdir() if path.is_dir())[:3]
    seen = f"; it has {', '.join(f'{name}/' for name in inside)}" if inside else ""
    return (
        f"{folder} holds nothing that can be trained on: pictures stand in train/CLASS/ and val/CLASS/{seen}. Move a "
        "fifth of each class's pictures to val/CLASS/ and the others to train/CLASS/"
    )


def _median_side(name: str, root: str | None) -> int | None:
    """Return the median of the shorter sides of pictures; None where images are no files of their own."""
    from PIL import Image

    files = data.load(name, None if root is None else expanded(root)) if name in ("imagefolder", "cub200") else None
    if not isinstance(files, PictureFiles):
        return None
    sides = []
    names = files.train_files
    for one in names[:: max(1, len(names) // LOOKED_AT)]:
        try:
            with Image.open(files.folder / str(one)) as picture:
                sides.append(min(picture.size))
        except (OSError, Image.DecompressionBombError) as error:
            raise RequestError(f"{files.folder / str(one)} is no picture that can be read: {error}") from error
    return round(statistics.median(sides))


def recipe_for(pictures: int, size: int, *, published: bool = True) -> tuple[str, int | None, int | None]:
    """Return recipe, epochs and batch for so many training pictures of so many pixels; None: the recipe's own.

    Args:
        published: there are weights for the networks, trained on ImageNet; those for pixels of its pictures.
    """
    if pictures >= MANY and size > SMALL_SIDE:
        return "imagenet", None, None
    if size > SMALL_SIDE and published:
        return "finetune", None, _batch("finetune", pictures)
    if pictures <= FEW:
        return "small", None, _batch("small", pictures)
    return "quick", max(recipes.get("quick").epochs, round(STEPS * BATCH / pictures)), BATCH


def _batch(recipe: str, pictures: int) -> int | None:
    """Return a batch of which there are enough in an epoch; None: that of the recipe is."""
    batch = whole = recipes.get(recipe).batch_size
    while batch > SMALLEST_BATCH and pictures < STEPS_AN_EPOCH * batch:
        batch //= 2
    return None if batch == whole else batch


def _networks(size: int, *, gpu: bool) -> tuple[str, str]:
    if size <= SMALL_SIDE:
        return ("resnet32x4", "resnet8x4") if gpu else ("resnet20", "resnet8")
    return "resnet34", "resnet18"
