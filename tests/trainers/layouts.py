"""Small data sets in the layouts that their owners publish. A picture's colour tells its class: networks can learn."""

import functools
import gzip
import io
import itertools
import pickle
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import scipy.io
from PIL import Image

from trainers.data.formats.picture_files import PictureFiles
from trainers.data.sets.cityscapes import cityscapes_files
from trainers.data.sets.cub200 import cub200_files
from trainers.data.sets.imagefolder import imagefolder_files
from trainers.data.sets.imagenet import imagenet_files
from trainers.data.sets.tiny_imagenet import tiny_imagenet_files

CITYSCAPES_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""By training id, as `cityscapesscripts.helpers.labels` has them."""


@dataclass(frozen=True)
class Written:
    """What was written: class (Cityscapes: city) of each picture by its name relative to the folder."""

    folder: Path
    train: Mapping[str, int]
    test: Mapping[str, int]
    classes: tuple[str, ...]


def write_imagefolder(
    root: Path, *, classes: int = 3, per_class: int = 4, test_per_class: int = 2, size: int = 8, val: str = "val"
) -> Written:
    """Write train/kind_02/7.png and the like."""
    names = tuple(f"kind_{i:02d}" for i in range(classes))
    counts = {"train": per_class, val: test_per_class}
    parts = {
        part: {f"{part}/{name}/{i}.png": c for c, name in enumerate(names) for i in range(count)}
        for part, count in counts.items()
    }
    return _written(root, names, parts["train"], parts[val], size)


def write_imagenet(
    root: Path,
    *,
    classes: int = 3,
    per_class: int = 4,
    test_per_class: int = 2,
    size: int = 8,
    labels: Literal["folders", "kaggle", "kit"] = "folders",
) -> Written:
    """Write train/WNID/ and val/, below ILSVRC/Data/CLS-LOC for Kaggle's; `labels` says where those of val/ are."""
    folder = root / "ILSVRC/Data/CLS-LOC" if labels == "kaggle" else root
    names = wnids(classes)
    train = {f"train/{wnid}/{wnid}_{i}.JPEG": c for c, wnid in enumerate(names) for i in range(per_class)}
    dealt = np.random.default_rng(1).permutation(np.repeat(np.arange(classes), test_per_class)).tolist()
    stems = [f"ILSVRC2012_val_{i:08d}" for i in range(1, len(dealt) + 1)]
    flat = labels != "folders"
    test = {
        f"val/{stem}.JPEG" if flat else f"val/{names[c]}/{stem}.JPEG": c for stem, c in zip(stems, dealt, strict=True)
    }
    if labels == "kaggle":
        rows = [f"{stem},{names[c]} 1 2 3 4 {names[c]} 5 6 7 8 \n" for stem, c in zip(stems, dealt, strict=True)]
        rows.sort(key=lambda row: row[::-1])  # Kaggle's are in no order
        _write_text(root / "LOC_val_solution.csv", "ImageId,PredictionString\n", *rows)
    if labels == "kit":
        _write_kit(root / "ILSVRC2012_devkit_t12/data", [names[c] for c in dealt])
    return _written(folder, names, train, test, size)


def write_tiny_imagenet(
    root: Path, *, classes: int = 3, per_class: int = 4, test_per_class: int = 2, size: int = 8, sorted_in: str = ""
) -> Written:
    """Write tiny-imagenet-200/. `sorted_in`: a class's folder in val/, such as `{wnid}`; empty: as published."""
    folder = root / "tiny-imagenet-200"
    names = wnids(classes)
    _write_text(folder / "wnids.txt", *(f"{wnid}\n" for wnid in names[::-1]))
    train = {f"train/{wnid}/images/{wnid}_{i}.JPEG": c for c, wnid in enumerate(names) for i in range(per_class)}
    for wnid in names:
        rows = (f"{wnid}_{i}.JPEG\t0\t0\t62\t63\n" for i in range(per_class))
        _write_text(folder / f"train/{wnid}/{wnid}_boxes.txt", *rows)
    dealt = np.random.default_rng(2).permutation(np.repeat(np.arange(classes), test_per_class)).tolist()
    place = f"val/{sorted_in or 'images'}"
    test = {f"{place.format(wnid=names[c])}/val_{i}.JPEG": c for i, c in enumerate(dealt)}
    if not sorted_in:
        rows = (f"val_{i}.JPEG\t{names[c]}\t0\t32\t44\t62\n" for i, c in enumerate(dealt))
        _write_text(folder / "val/val_annotations.txt", *rows)
    return _written(folder, names, train, test, size)


def write_cub200(
    root: Path, *, classes: int = 3, per_class: int = 4, test_per_class: int = 2, size: int = 8
) -> Written:
    """Write CUB_200_2011/, the split mixed within each class."""
    folder = root / "CUB_200_2011"
    names = tuple(f"{c + 1:03d}.Bird_{c}" for c in range(classes))
    each = per_class + test_per_class
    pictures = {f"images/{name}/Bird_{i}.jpg": c for c, name in enumerate(names) for i in range(each)}
    random = np.random.default_rng(3)
    in_train = np.concatenate([random.permutation(each) < per_class for _ in names]).astype(int).tolist()
    _write_text(folder / "classes.txt", *(f"{c + 1} {name}\n" for c, name in enumerate(names)))
    numbered = list(enumerate(pictures, 1))
    _write_text(folder / "images.txt", *(f"{i} {name.removeprefix('images/')}\n" for i, name in numbered))
    _write_text(folder / "image_class_labels.txt", *(f"{i} {pictures[name] + 1}\n" for i, name in numbered))
    _write_text(folder / "train_test_split.txt", *(f"{i} {in_train[i - 1]}\n" for i, _ in numbered))
    train, test = (
        {name: pictures[name] for i, name in numbered if in_train[i - 1] == which} for which in (1, 0)
    )  # fmt: skip
    return _written(folder, names, train, test, size)


def write_cityscapes(
    root: Path,
    *,
    per_city: int = 3,
    size: tuple[int, int] = (16, 32),
    cities: Sequence[str] = ("aachen", "bochum"),
    test_cities: Sequence[str] = ("frankfurt",),
    train_ids: bool = False,
) -> Written:
    """Write leftImg8bit/ and gtFine/: blocks of random classes, some of them ignored; a colour for each class."""
    random = np.random.default_rng(4)
    colours = random.integers(0, 256, (256, 3), dtype=np.uint8)
    values = np.array([*range(19), 255] if train_ids else [*CITYSCAPES_IDS, 0, 4])
    kind = "labelTrainIds" if train_ids else "labelIds"
    parts: dict[str, dict[str, int]] = {"train": {}, "val": {}}
    for part, where in (("train", cities), ("val", test_cities)):
        for (number, city), i in itertools.product(enumerate(where), range(per_city)):
            stem = f"{part}/{city}/{city}_{i:06d}_000019"
            blocks = values[random.integers(0, len(values), (2, 4))]
            rows, columns = (np.arange(n) * b // n for n, b in zip(size, (2, 4), strict=True))
            labels = blocks[np.ix_(rows, columns)].astype(np.uint8)
            _save(root / f"gtFine/{stem}_gtFine_{kind}.png", labels)
            _save(root / f"leftImg8bit/{stem}_leftImg8bit.png", colours[labels])
            parts[part][f"leftImg8bit/{stem}_leftImg8bit.png"] = number
    return Written(root, parts["train"], parts["val"], tuple(cities))


def write_cifar100(folder: Path, *, protocol: int = 2, each: int = 4) -> dict[str, np.ndarray]:
    """Write a small CIFAR-100 as its authors do; return its arrays. A class has `each` training images and one more."""
    random = np.random.default_rng(0)
    (folder / "cifar-100-python").mkdir(parents=True)
    found = {}
    for name, count in (("train", 100 * each), ("test", 100)):
        labels = np.arange(count) % 100
        pictures = _rows(random, labels, 3 * 32 * 32)
        content = {
            b"data": pictures,
            b"fine_labels": labels.tolist(),
            b"coarse_labels": labels.tolist(),
            b"filenames": [b"a.png"] * count,
        }
        (folder / "cifar-100-python" / name).write_bytes(pickle.dumps(content, protocol=protocol))
        found |= {f"{name}_images": pictures.reshape(-1, 3, 32, 32), f"{name}_labels": labels}
    return found


def write_cifar10(folder: Path, *, each: int = 4) -> None:
    """Write a small CIFAR-10: five files of training images and one for testing, a class `each` images in each."""
    random = np.random.default_rng(0)
    (folder / "cifar-10-batches-py").mkdir(parents=True)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        labels = np.arange(10 * each) % 10
        content = {"data": _rows(random, labels, 3 * 32 * 32), "labels": labels.tolist()}
        (folder / "cifar-10-batches-py" / name).write_bytes(pickle.dumps(content, protocol=4))


def write_mnist(folder: Path, *, each: int = 4, zipped: bool = False) -> None:
    """Write a small MNIST: a class has `each` training images and half as many for testing."""
    random = np.random.default_rng(0)
    for name, count in (("train", 10 * each), ("t10k", 5 * each)):
        end = ".gz" if zipped else ""
        labels = np.arange(count) % 10
        pictures = _rows(random, labels, 28 * 28).reshape(-1, 28, 28)
        write_idx(folder / f"{name}-images-idx3-ubyte{end}", pictures, zipped=zipped)
        write_idx(folder / f"{name}-labels-idx1-ubyte{end}", labels, zipped=zipped)


write_fashion_mnist = write_mnist  # of the same files


def write_idx(path: Path, array: np.ndarray, *, zipped: bool = False) -> None:
    """Write an array in the idx format of unsigned bytes."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    content = head + array.astype(np.uint8).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if zipped else content)


def wnids(count: int) -> tuple[str, ...]:
    """Return names like those of WordNet, sorted."""
    return tuple(sorted(f"n{(i + 1) * 61803399 % 10**8:08d}" for i in range(count)))


LAYOUTS: dict[str, tuple[Callable[..., Written], Callable[[Path | None], PictureFiles]]] = {
    "imagefolder": (write_imagefolder, imagefolder_files),
    "imagefolder valid": (functools.partial(write_imagefolder, val="valid"), imagefolder_files),
    "imagefolder test": (functools.partial(write_imagefolder, val="test"), imagefolder_files),
    "imagenet": (write_imagenet, imagenet_files),
    "imagenet kaggle": (functools.partial(write_imagenet, labels="kaggle"), imagenet_files),
    "imagenet kit": (functools.partial(write_imagenet, labels="kit"), imagenet_files),
    "tiny_imagenet": (write_tiny_imagenet, tiny_imagenet_files),
    "tiny_imagenet sorted": (functools.partial(write_tiny_imagenet, sorted_in="{wnid}"), tiny_imagenet_files),
    "tiny_imagenet sorted deep": (
        functools.partial(write_tiny_imagenet, sorted_in="{wnid}/images"),
        tiny_imagenet_files,
    ),
    "cub200": (write_cub200, cub200_files),
    "cityscapes": (write_cityscapes, cityscapes_files),
    "cityscapes train ids": (functools.partial(write_cityscapes, train_ids=True), cityscapes_files),
}
"""How each is written, and by what it is read; the first word is the data set's name."""


def _written(
    folder: Path, classes: tuple[str, ...], train: Mapping[str, int], test: Mapping[str, int], size: int
) -> Written:
    """Write the pictures."""
    random = np.random.default_rng(0)
    for name, number in (train | test).items():
        noise = random.integers(0, 64, (size, size, 3))
        _save(folder / name, (_colour(number) + noise).astype(np.uint8))
    return Written(folder, train, test, classes)


def _colour(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 192, 3)


def _rows(random: np.random.Generator, labels: np.ndarray, pixels: int) -> np.ndarray:
    """Return noise on a grey for each class [N, pixels]."""
    noise = random.integers(0, 64, (len(labels), pixels))
    return (noise + (labels * 37 % 192)[:, None]).astype(np.uint8)


def _save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **({"quality": 95} if path.suffix.lower() in (".jpg", ".jpeg") else {}))


def _write_text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines))


def _write_kit(folder: Path, labels: Sequence[str]) -> None:
    """Write the development kit's two files."""
    meta, numbers = _kit()
    folder.mkdir(parents=True)
    (folder / "meta.mat").write_bytes(meta)
    _write_text(folder / "ILSVRC2012_validation_ground_truth.txt", *(f"{numbers[wnid]}\n" for wnid in labels))


@functools.cache
def _kit() -> tuple[bytes, dict[str, int]]:
    """Return meta.mat and the kit's numbers of classes: they are in no order, those above 1000 are of groups."""
    numbers = dict(zip(wnids(1000), (np.random.default_rng(5).permutation(1000) + 1).tolist(), strict=True))
    numbers |= {"n00001740": 1001, "n00001930": 1002}
    fields = [("ILSVRC2012_ID", object), ("WNID", object), ("words", object), ("num_children", object)]
    synsets = np.array([[(number, wnid, "a, b", number // 1001)] for wnid, number in numbers.items()], dtype=fields)
    file = io.BytesIO()
    scipy.io.savemat(file, {"synsets": synsets})
    return file.getvalue(), numbers
