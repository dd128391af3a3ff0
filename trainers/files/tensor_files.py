"""Tensors in files: safetensors with JSON metadata, whole or not there."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from trainers.files.files import replaced
from trainers.files.passing import steadily


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, object] | None = None) -> None:
    """Write tensors and JSON metadata as one safetensors file, atomically."""
    plain = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    with replaced(path) as temporary:
        save_file(plain, temporary, metadata={"json": json.dumps(metadata or {})})


def load_metadata(path: Path) -> dict[str, Any]:
    """Return the metadata that `save_tensors` wrote.

    Raises:
        OSError, safetensors.SafetensorError: the file is missing or not whole.
    """
    with safe_open(path, framework="pt", device="cpu") as handle:
        metadata: dict[str, Any] = json.loads((handle.metadata() or {}).get("json", "{}"))
    return metadata


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


def not_finite(tensors: Mapping[str, Tensor]) -> str:
    """Return which tensors hold infinities or what is no number, in words; empty where none does."""
    floating = {name: one for name, one in tensors.items() if one.is_floating_point()}
    wrong = [name for name, one in floating.items() if not bool(torch.isfinite(one.float()).all())]
    return f"{wrong[0]} ({len(wrong)} of {len(floating)} tensors)" if wrong else ""
