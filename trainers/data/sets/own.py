"""Data sets of somebody's own, kept in memory: from arrays, from a series of samples, from a folder of parquet.

Where one comes from is told by its root alone, so that any process finds it: a path, or the name of the code that makes
it, and what is set behind an `@`.
"""

import re
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from zipfile import BadZipFile

import numpy as np

from trainers.data._base import DataInfo, DataSet, Images
from trainers.data._split import held_out_last, unvalidated
from trainers.data.formats.arrays import PARTS, Part, parts_of
from trainers.data.formats.memory import content_digest
from trainers.data.formats.places import DataFilesError, kept
from trainers.data.view_sets import view_set
from trainers.own import OwnCodeError, provided
from trainers.own.code import told

PADDED = 8
"""Views are crops of an image padded by an eighth of its size, as CIFAR's 32 pixels are by 4."""
OPTIONS = ("size", "image", "label")
"""What may be set of a folder of parquet; of a series of samples, the size alone."""
_ROOT = re.compile(r"(?P<path>.*?)(?::(?P<code>[A-Za-z_]\w*_[0-9a-f]{16}))?(?:@(?P<set>\w+=[^@/]*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a data set comes from."""

    path: Path
    code: str = ""
    """Name of the code that makes it; empty: it lies at the path."""
    options: tuple[tuple[str, str], ...] = ()

    def root(self) -> Path:
        """Return what tells it in every process."""
        chosen = ",".join(f"{name}={quote(value, safe='')}" for name, value in self.options)
        path = str(self.path).replace("%", "%25").replace("@", "%40")
        return Path(f"{path}{f':{self.code}' if self.code else ''}{f'@{chosen}' if chosen else ''}")


def source_of(root: Path) -> Source:
    """Return the source whose root this is."""
    found = _ROOT.fullmatch(str(root))
    assert found is not None
    pairs = [one.partition("=") for one in (found["set"] or "").split(",") if one]
    options = tuple((name, unquote(value)) for name, _, value in pairs)
    return Source(Path(unquote(found["path"])), found["code"] or "", options)


def folder_of(root: Path) -> Path | None:
    """Return what must be there wherever a data set is read: a file or a folder; None where code makes it."""
    source = source_of(root)
    return None if source.code else source.path


def entry(name: str) -> DataSet:
    """Return what stands for a data set of somebody's own in the registry."""
    return DataSet(
        name=name,
        summary="somebody's own",
        describe=lambda root: _load(name, root).info,
        load=lambda root: _load(name, root),
    )


def check_repeats(name: str, root: Path) -> None:
    """Make a data set that comes from code once more.

    Raises:
        DataFilesError: it is another one than before.
    """
    source = source_of(root)
    train, test = _read(source)
    order, _ = held_out_last(train[1], name)
    if content_digest(train[0][order], train[1][order], *test) != _load(name, root).info.digest:
        raise DataFilesError(f"{provided(source.code)} gives another data set each time: seed its random numbers")


@kept
def _load(name: str, root: Path | None) -> Images:
    """Return the data set, its validation images held out and put last."""
    assert root is not None, "a data set of somebody's own comes from somewhere"
    train, test = _read(source_of(root))
    order, fit = held_out_last(train[1], name)
    images, targets = train[0][order], train[1][order]
    channels, size = images.shape[1:3]
    classes = int(targets.max()) + 1
    views = f"pad{max(1, size // PADDED)}-crop-flip"
    info = DataInfo(
        name=name,
        classes=classes,
        channels=channels,
        size=size,
        digest=content_digest(images, targets, *test),
        fit=fit,
        validation=len(targets) - fit,
        test=len(test[1]),
        view_set=views,
        views=view_set(views).enumerated or 1,
        recipe="cifar",
        unvalidated=unvalidated(targets, fit, classes),
    )
    return Images(
        info=info,
        train_images=images,
        train_targets=targets,
        test_images=test[0],
        test_targets=test[1],
        fill=0,
    )


def _read(source: Source) -> tuple[Part, Part]:
    if source.code:
        return _made(source)
    path, options = source.path, dict(source.options)
    if path.suffix == ".npz":
        if options:
            raise DataFilesError(f"{path}: {', '.join(options)} cannot be set of arrays")
        return parts_of(_arrays(path))
    if not path.exists():
        raise DataFilesError(f"no such file or folder: {str(path)!r}")
    from trainers.data.formats.parquet import is_folder, read_parquet  # imports pyarrow

    if not is_folder(path):
        rule = "must be FILE.npz, FILE.py:NAME, MODULE:NAME, or a folder with parquet or arrow files"
        raise DataFilesError(f"{rule}, got {str(path)!r}; pictures in folders are `imagefolder`'s")
    size = _size(options)
    return parts_of(read_parquet(path, size=size, image=options.get("image"), label=options.get("label")))


def _arrays(path: Path) -> dict[str, Any]:
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise DataFilesError(f"{path} holds one array, not several by name: write it with numpy.savez")
        with file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise DataFilesError(f"no such file: {str(path)!r}") from None
    except DataFilesError:
        raise
    except (OSError, ValueError, BadZipFile, EOFError) as error:
        raise DataFilesError(f"{path} cannot be read as numpy's arrays: {str(error).splitlines()[0]}") from error


def _made(source: Source) -> tuple[Part, Part]:
    """Return what somebody's own function gives: four arrays by name, or a part for training and one for testing."""
    code, options = provided(source.code), dict(source.options)
    arguments = {name: list(value) if isinstance(value, tuple) else value for name, value in code.arguments.items()}
    try:
        with redirect_stdout(sys.stderr):
            given = code.load()(**arguments)
            if isinstance(given, Mapping):
                _refuse_size(_size(options))
            if isinstance(given, tuple | list) and len(given) == 2:
                given = _part(given[0], "train", _size(options)) | _part(given[1], "test", _size(options))
    except (DataFilesError, OwnCodeError) as error:
        raise DataFilesError(str(error) if isinstance(error, OwnCodeError) else f"{code}: {error}") from error
    except (Exception, SystemExit) as error:
        raise DataFilesError(f"{code} raises: {told(error, code.file)}") from error
    if not isinstance(given, Mapping):
        rule = f"must give {', '.join(PARTS)} by name, or two parts, for training and for testing"
        raise DataFilesError(f"{code} {rule}; got a {type(given).__name__}")
    try:
        return parts_of(given)
    except DataFilesError as error:
        raise DataFilesError(f"{code}: {error}") from error


def _part(given: Any, part: str, size: int | None) -> dict[str, Any]:
    """Return the arrays of a part: two arrays, or a series of samples."""
    if isinstance(given, tuple | list) and len(given) == 2 and hasattr(given[0], "shape"):
        _refuse_size(size)
        return {f"{part}_images": given[0], f"{part}_labels": given[1]}
    if not (hasattr(given, "__len__") and hasattr(given, "__getitem__")):
        raise DataFilesError(
            f"the {part} part must be (images, labels) or have a length and samples, got {type(given)}"
        )
    from trainers.data.formats.samples import as_arrays  # imports Pillow

    return as_arrays(given, part, size)


def _refuse_size(size: int | None) -> None:
    if size is not None:
        raise DataFilesError("size cannot be set of arrays; make them so, or give a Dataset of pictures")


def _size(options: Mapping[str, str]) -> int | None:
    return int(options["size"]) if "size" in options else None
