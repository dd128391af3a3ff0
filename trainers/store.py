"""Where the trainers keep what outlives a process: final weights, teacher logits, checkpoints."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from trainers.files import replaced


@dataclass(frozen=True, slots=True)
class Store:
    """The folders under one home that workers read and write. Every file in them is whole or not there."""

    home: Path

    def weights(self, key: str) -> Path:
        """Final weights of a trial, or of a teacher by its id."""
        return self.home / "weights" / f"{key}.safetensors"

    def bank(self, name: str) -> Path:
        """The folder of one teacher's logits."""
        return self.home / "banks" / name

    def checkpoints(self, key: str) -> Path:
        """The folder of one trial's checkpoints, a file an epoch with the attempt in its name."""
        return self.home / "checkpoints" / key


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
        tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118: not a mapping
        metadata = json.loads((handle.metadata() or {}).get("json", "{}"))
    return tensors, metadata
