"""Tensors in files: safetensors with JSON metadata, whole or not there."""

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from trainers.files import replaced


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, object] | None = None) -> None:
    """Write tensors and JSON metadata as one safetensors file, atomically."""
    plain = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    with replaced(path) as temporary:
        save_file(plain, temporary, metadata={"json": json.dumps(metadata or {})})


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    """Return what `save_tensors` wrote, on the CPU.

    Raises:
        OSError, safetensors.SafetensorError: the file is missing or not whole.
    """
    with safe_open(path, framework="pt", device="cpu") as handle:
        tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 (not a mapping)
        metadata = json.loads((handle.metadata() or {}).get("json", "{}"))
    return tensors, metadata
