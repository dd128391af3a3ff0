"""Tensors in files: safetensors with JSON metadata, whole or not there."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from trainers.files import replaced
from trainers.passing import steadily


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, object] | None = None) -> None:
    """Write tensors and JSON metadata as one safetensors file, atomically."""
    plain = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    with replaced(path) as temporary:
        save_file(plain, temporary, metadata={"json": json.dumps(metadata or {})})


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    """Return what `save_tensors` wrote, on the CPU. A read that fails for a reason that may pass is tried again.

    Raises:
        OSError, safetensors.SafetensorError: the file is missing or not whole.
    """
    return steadily(lambda: _load(path))


def _load(path: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    try:
        return _read(path)
    except SafetensorError as error:
        number = re.search(r"\(os error (\d+)\)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), str(error), str(path)) from error  # as everybody else tells it


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    with safe_open(path, framework="pt", device="cpu") as handle:
        tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 (not a mapping)
        metadata = json.loads((handle.metadata() or {}).get("json", "{}"))
    return tensors, metadata
