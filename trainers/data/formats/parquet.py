"""Folders of Hugging Face `datasets` on disk: parquet as the hub has it, or what `save_to_disk` has written.

Read by pyarrow: the library `datasets` need not be installed.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from trainers.data.formats.places import DataFilesError
from trainers.data.formats.samples import as_array, joined, pictures
from trainers.texts.nearest import hint

TEST = ("test", "validation", "valid", "val")
"""The first that is there is the test part."""
ENDINGS = (".parquet", ".arrow")


def is_folder(path: Path) -> bool:
    """Return whether a path is such a folder."""
    return path.is_dir() and next(_files(path), None) is not None


def read_parquet(folder: Path, *, size: int | None, image: str | None, label: str | None) -> dict[str, Any]:
    """Return the images and labels of both parts.

    Args:
        size: as `trainers.data.formats.samples.as_arrays` takes it.
        image, label: columns; None: the one that holds pictures, and the one that holds classes.

    Raises:
        DataFilesError: a part or column is missing, a file is broken, or pictures have several sizes.
    """
    files = list(_files(folder))
    several = sorted({_configuration(folder, file) for file in files if _split(folder, file) == "train"})
    if len(several) > 1:
        raise DataFilesError(f"{folder} has several configurations ({', '.join(several)}); name one of the folders")
    test = next((name for name in TEST if any(_split(folder, file) == name for file in files)), None)
    if test is None or not any(_split(folder, file) == "train" for file in files):
        splits = ", ".join(sorted({_split(folder, file) for file in files}))
        raise DataFilesError(f"{folder} must have a part `train` and one of {', '.join(TEST)}, got {splits}")
    tables = {
        part: _table(folder, [file for file in files if _split(folder, file) == split])
        for part, split in (("train", "train"), ("test", test))
    }
    known = tables["train"].column_names
    columns = [
        _column(folder, tables["train"], given, kind) for given, kind in ((image, "pictures"), (label, "classes"))
    ]
    found: dict[str, Any] = {}
    classes: list[Any] = []
    for part, table in tables.items():
        lacking = next((one for one in columns if one not in table.column_names), None)
        if lacking is not None:
            raise DataFilesError(f"{folder}: the {part} part has no column {lacking!r} (train has {', '.join(known)})")
        content = [_bytes(folder, one) for one in table[columns[0]].to_pylist()]
        arrays = [as_array(one, size) for one in pictures(content, f"{folder}, {part}")]
        found[f"{part}_images"] = joined(arrays, part)
        labels = table[columns[1]].to_pylist()
        if None in labels:
            raise DataFilesError(f"{folder}: {part} has no class at row {labels.index(None)} of {columns[1]!r}")
        if part == "train" and labels and isinstance(labels[0], str):
            classes = sorted(set(labels))
        if classes:
            numbers = {name: number for number, name in enumerate(classes)}
            unknown = next((one for one in labels if one not in numbers), None)
            if unknown is not None:
                raise DataFilesError(f"{folder}: {part} has the class {unknown!r}, which train does not have")
            labels = [numbers[one] for one in labels]
        found[f"{part}_labels"] = np.array(labels)
    return found


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(
        path for path in folder.rglob("*") if path.suffix in ENDINGS and not path.name.startswith("cache-")
    )


def _split(folder: Path, file: Path) -> str:
    """Return the part that a file belongs to: `train-00000-of-00002.parquet`, or train/data-00000-of-00001.arrow."""
    first = file.name.split("-")[0].split(".")[0]
    known = ("train", *TEST)
    inner = file.relative_to(folder).parent.parts
    return next((name for name in (first, *reversed(inner)) if name in known), first)


def _configuration(folder: Path, file: Path) -> str:
    """Return the folders above that of a part."""
    inner = file.relative_to(folder).parent.parts
    return "/".join(itertools.takewhile(lambda one: one not in ("train", *TEST), inner)) or "."


def _table(folder: Path, files: Sequence[Path]) -> pa.Table:
    tables = []
    for file in files:
        try:
            if file.suffix == ".parquet":
                tables.append(pyarrow.parquet.read_table(file))
            else:
                with pa.memory_map(str(file)) as source:
                    tables.append(pyarrow.ipc.open_stream(source).read_all())
        except (OSError, pa.ArrowException) as error:
            raise DataFilesError(f"{file} cannot be read: {str(error).splitlines()[0]}") from error
    try:
        return pa.concat_tables(tables)
    except pa.ArrowException as error:
        raise DataFilesError(f"{folder}: its files do not go together: {str(error).splitlines()[0]}") from error


def _column(folder: Path, table: Any, given: str | None, kind: str) -> str:
    if given is not None:
        if given not in table.column_names:
            known = table.column_names
            raise DataFilesError(f"{folder} has no column {given!r}{hint(given, known)} (it has {', '.join(known)})")
        return given
    found: list[str] = [field.name for field in table.schema if _is(table, field, kind)]
    key = "image" if kind == "pictures" else "label"
    if len(found) > 1 and key in found:
        found = [key]
    if len(found) != 1:
        which = f"several columns of {kind} ({', '.join(found)})" if found else f"no column of {kind}"
        raise DataFilesError(f"{folder} has {which}; say which with `{key}:` (it has {', '.join(table.column_names)})")
    return found[0]


def _is(table: pa.Table, field: pa.Field, kind: str) -> bool:
    """Whether a column is of a kind, by what `datasets` has noted, else by its type."""
    if kind == "pictures":
        is_struct = pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0
        return bool(is_struct or pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type))
    noted = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    features = noted.get("info", {}).get("features", {})
    labels = [
        name for name, feature in features.items() if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
    ]
    if labels:
        return field.name in labels
    return bool(
        pa.types.is_integer(field.type) or (field.name in ("label", "labels") and pa.types.is_string(field.type))
    )


def _bytes(folder: Path, one: Any) -> bytes:
    """Return an encoded picture, which lies in the table, or in a file that it names."""
    content = one.get("bytes") if isinstance(one, dict) else one
    if content is None and isinstance(one, dict) and one.get("path"):
        path = folder / str(one["path"])
        try:
            return path.read_bytes()
        except OSError as error:
            raise DataFilesError(f"{path} cannot be read: {error.strerror}") from error
    if isinstance(content, bytes):
        return content
    raise DataFilesError(f"{folder}: a picture is missing")
