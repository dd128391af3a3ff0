"""Where the trainers keep what outlives a process: final weights, teacher logits, checkpoints."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Store:
    """The folders under one home that workers read and write. Every file in them is whole or not there."""

    home: Path
    banks: Path | None = None
    """Where teachers' logits are, if not in the home."""

    def weights(self, key: str) -> Path:
        """Final weights of a trial, or of a teacher by its id."""
        return self.home / "weights" / f"{key}.safetensors"

    def bank(self, name: str) -> Path:
        """The folder of one teacher's logits."""
        return (self.banks or self.home / "banks") / name

    def checkpoints(self, key: str) -> Path:
        """The folder of one trial's checkpoints, a file an epoch with the attempt in its name."""
        return self.home / "checkpoints" / key
