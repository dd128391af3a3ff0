"""What torch.save has written, read without executing anything: tensors, numbers, texts and plain containers.

Beside weights the field keeps settings (argparse, omegaconf, yacs), paths, dates, accuracies as numpy scalars. Their
classes are on a list, and each is read as a stand-in of ours: nothing of theirs is imported or called. What is not on
the list is refused by name.
"""

import errno
import pickle
import re
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from trainers.texts.words import line_of

PLAIN_KINDS = "biufc"
"""Kinds of numpy's numbers."""
TEXT_CHARACTERS = 200


class Inert:
    """Stands for something that nobody asks: it takes whatever it is made of and keeps nothing."""

    def __init__(self, *_: object) -> None: ...

    def __new__(cls, *_: object) -> "Inert":
        return super().__new__(cls)

    def __setstate__(self, _: object) -> None: ...


class _Mapping:
    """Stands for kinds of dictionaries."""

    def __new__(cls, *_: object) -> OrderedDict[Any, Any]:  # type: ignore[misc]  # what is filled must be no subclass
        return OrderedDict()


class _List:
    """Stands for kinds of lists."""

    def __new__(cls, *_: object) -> list[Any]:  # type: ignore[misc]
        return []


class _Dtype:
    """Stands for numpy's types: what comes out is a number, or nothing."""

    def __init__(self, code: object = "", *_: object) -> None:
        self._code = code
        self._order: Literal["<", ">", "="] = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if len(state) > 1 and state[1] in ("<", ">"):
            self._order = state[1]

    @property
    def plain(self) -> np.dtype[Any] | None:
        """numpy's type of numbers; None where it is of something else."""
        match = re.fullmatch(rf"[{PLAIN_KINDS}]\d{{1,2}}", self._code if isinstance(self._code, str) else "")
        return None if match is None else np.dtype(match[0]).newbyteorder(self._order)


class Array:
    """Stands for numpy's arrays."""

    def __init__(self, *_: object) -> None:
        self.values: NDArray[Any] | None = None
        """None where they are no numbers."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, raw = state
        plain = dtype.plain if isinstance(dtype, _Dtype) else None
        if plain is not None and isinstance(raw, bytes):
            self.values = np.frombuffer(raw, plain).reshape(shape, order="F" if fortran else "C")


def _scalar(dtype: object, raw: object = b"") -> int | float | complex | None:
    plain = dtype.plain if isinstance(dtype, _Dtype) else None
    if plain is None or not isinstance(raw, bytes):
        return None
    number: int | float | complex = np.frombuffer(raw, plain, count=1)[0].item()
    return number


def _array(*_: object) -> Array:
    return Array()


NUMPY = {
    "multiarray.scalar": _scalar,
    "multiarray._reconstruct": _array,
}
"""By both names of numpy's own package: version 1 has another."""
DICTIONARIES = ("collections.defaultdict", "easydict.EasyDict", "yacs.config.CfgNode", "addict.addict.Dict",
    "munch.Munch", "mmcv.utils.config.ConfigDict", "mmengine.config.config.ConfigDict",
    "lightning.fabric.utilities.data.AttributeDict", "lightning_fabric.utilities.data.AttributeDict",
    "pytorch_lightning.utilities.parsing.AttributeDict", "fvcore.common.config.CfgNode",
    "detectron2.config.config.CfgNode", "builtins.dict")  # fmt: skip
INERT = (
    "argparse.Namespace", "types.SimpleNamespace", "builtins.frozenset", "builtins.slice",
    "builtins.range", "builtins.int", "builtins.float", "builtins.bool", "builtins.str", "builtins.bytes",
    "builtins.tuple", "builtins.object", "datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta",
    "datetime.timezone", "decimal.Decimal", "fractions.Fraction", "uuid.UUID", "typing.Any", "typing.Union",
    "mmengine.logging.history_buffer.HistoryBuffer", "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig", "omegaconf.base.ContainerMetadata", "omegaconf.base.Metadata",
    *(f"omegaconf.nodes.{kind}Node" for kind in ("Any", "Boolean", "Bytes", "Enum", "Float", "Integer", "String")),
    *(f"{module}.{flavour}{system}Path" for module in ("pathlib", "pathlib._local") for flavour in ("", "Pure")
      for system in ("", "Posix", "Windows")),
    *(f"numpy.{kind}" for kind in ("ndarray", "float64", "float32", "float16", "int64", "int32", "bool_", "bool")),
)  # fmt: skip
"""Settings, paths, dates: looked over."""


def _allowed() -> list[Any]:
    """Return the list in torch's form: what stands for a class, and the class's name."""
    found: list[Any] = [(Inert, name) for name in INERT]
    found += [(_Mapping, name) for name in DICTIONARIES]
    found += [(_List, "builtins.list"), (_List, "collections.deque")]
    found += [(_Dtype, "numpy.dtype"), (Array, "an array that is filled")]  # the last is no name: it may be filled
    for package in ("numpy.core", "numpy._core"):
        found += [(stand_in, f"{package}.{name}") for name, stand_in in NUMPY.items()]
    return found


def load_plain(source: Path) -> object:
    """Return what torch.save has put into a file, on the CPU.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is none of torch.save, is not whole, or holds something that only executing it could load; names
            it, in one line.
    """
    try:
        with torch.serialization.safe_globals(_allowed()), warnings.catch_warnings(), source.open("rb") as handle:
            warnings.simplefilter("ignore")  # of TorchScript and of old protocols: we say it ourselves
            content: object = torch.load(handle, map_location="cpu", weights_only=True)  # by its name it looks at that
    except Exception as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # that of a place that a cut file lacks
            raise
        reason = _reason(source, error)
        raise ValueError(f"{str(source)!r} is not a checkpoint that can be loaded safely: {reason}") from error
    return content


def _reason(source: Path, error: Exception) -> str:
    """Return why in our words: torch's go over many lines and advise to load it all the same."""
    text = str(error)
    if "TorchScript" in text:
        return "it is a TorchScript program; keep its weights alone: torch.save(network.state_dict(), FILE)"
    strange = re.search(r"GLOBAL (\S+)", text)
    if strange is not None:
        names = sorted(_globals(source)) or [strange[1]]
        is_network = any(name.startswith("torch.nn.modules.") for name in names)
        what = f"it holds {'a whole network, ' if is_network else ''}{line_of(strange[1], TEXT_CHARACTERS)}"
        return f"{what}, which only executing it could load; keep weights alone: torch.save(network.state_dict(), FILE)"
    if isinstance(error, OSError) or "zip archive" in text or "central directory" in text:
        return "it is cut off or damaged"
    if isinstance(error, EOFError):
        return "it ends too early"
    found = re.search(r"WeightsUnpickler error: (.*)", text)
    first = found[1] if found is not None else next(iter(text.strip().splitlines()), "")
    if not first or "weights_only" in first:  # torch's oldest format, or what looks like it
        return "it is none of those that torch.save writes"
    first = line_of(first.partition(". Please")[0], TEXT_CHARACTERS)
    expected = isinstance(error, pickle.UnpicklingError | RuntimeError)
    return first if expected else f"it is cut off or damaged ({type(error).__name__}: {first})"


def _globals(source: Path) -> set[str]:
    """Return what a file names beside tensors; nothing where that cannot be told without loading it."""
    try:
        return (
            set(torch.serialization.get_unsafe_globals_in_checkpoint(source)) if zipfile.is_zipfile(source) else set()
        )
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, IndexError, KeyError, AssertionError):
        return set()
