"""Reading CIFAR's python pickles without executing what is in them.

A pickle is a program; this reader knows the four words that a dictionary of numpy arrays, texts and numbers needs, and
refuses every other.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trainers.data.formats.places import DataFilesError
from trainers.files.files import MOST_DATA_BYTES, regular_file


def read_pickle(path: Path) -> Mapping[str, Any]:
    """Return the dictionary in a file that Python 2 or 3 wrote, its keys as text.

    Raises:
        DataFilesError: the file is cut, is no pickle, or needs more than arrays, texts and numbers.
    """
    try:
        with regular_file(path, MOST_DATA_BYTES) as file:
            content = _Reader(file, encoding="bytes").load()
    except Exception as error:
        raise DataFilesError(f"{path} is not a file of the data set: {type(error).__name__}: {error}") from error
    if not isinstance(content, dict):
        raise DataFilesError(f"{path} is not a file of the data set: it holds a {type(content).__name__}")
    return {key.decode() if isinstance(key, bytes) else str(key): value for key, value in content.items()}


class _Reader(pickle.Unpickler):
    """Finds numpy's own words for an array, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in WORDS:
            return WORDS[module, name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _encode(text: str, encoding: str) -> bytes:
    """Stand for `_codecs.encode`, by which protocol 2 writes bytes."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"it asks for the encoding {encoding!r}")
    return text.encode("latin1")


_RECONSTRUCT = np._core.multiarray._reconstruct  # type: ignore[attr-defined]  # where numpy 2 keeps it
WORDS = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("_codecs", "encode"): _encode,
}
