"""Where the trainers keep what outlives a process: final weights, teacher logits, checkpoints."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from trainers.files.files import remove


class Keeper(Protocol):
    """Whoever owns the files of a home that this node does not see; a file is named by its place in the home.

    Raises:
        OSError: as the owner's file system does.
    """

    def names(self, folder: str) -> list[str]:
        """Return what is in a folder."""

    def touch(self, name: str) -> None:
        """Make an empty file, with its folder."""

    def beat(self, name: str) -> None:
        """Change the time of a file. Does not wait, and is no error where there is none."""

    def fetch(self, name: str, to: Path) -> None:
        """Have the file here as it is there."""

    def keep(self, name: str, source: Path) -> None:
        """Have a file of here there; it is whole there when this returns."""

    def remove(self, name: str) -> None:
        """Remove a file; nothing happens where there is none."""


@dataclass(frozen=True, slots=True)
class Store:
    """The folders under one home that workers read and write. Every file in them is whole or not there.

    On a node that does not see the home its place is taken by a folder of the node's own: what is to be read is
    fetched into it, and what was written there goes to the keeper.
    """

    home: Path
    banks: Path | None = None
    """Where teachers' logits are, if not in the home."""
    keeper: Keeper | None = field(default=None, compare=False, repr=False)
    """None where the home is seen."""

    def weights(self, key: str) -> Path:
        """Final weights of a trial, or of a teacher by its id."""
        return self.home / "weights" / f"{key}.safetensors"

    def predictions(self, key: str) -> Path:
        """What a trial's network, or a given teacher that it scored, answered to the test images."""
        return self.home / "predictions" / f"{key}.safetensors"

    def bank(self, name: str) -> Path:
        """The folder of one teacher's logits."""
        return (self.banks or self.home / "banks") / name

    def checkpoints(self, key: str) -> Path:
        """The folder of one trial's checkpoints, a file an epoch with the attempt in its name."""
        return self.home / "checkpoints" / key

    # --- wherever the home is -----------------------------------------------------------------------------------

    def fetched(self, path: Path) -> Path:
        """Return a file that is to be read, once it is here.

        Raises:
            OSError: it cannot be brought here; FileNotFoundError may come from whoever reads it.
        """
        if self.keeper is not None:
            self.keeper.fetch(self._name(path), path)
        return path

    def keep(self, path: Path) -> None:
        """See to it that a file which was written here outlives this node; returns when it does.

        Raises:
            OSError: it does not.
        """
        if self.keeper is not None:
            try:
                self.keeper.keep(self._name(path), path)
            finally:
                remove(path)

    def names(self, folder: Path) -> list[str]:
        """Return what is in a folder.

        Raises:
            OSError: it cannot be read, or is not there.
        """
        if self.keeper is not None:
            return self.keeper.names(self._name(folder))
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]

    def remove(self, path: Path) -> None:
        """Remove a file; nothing happens where there is none."""
        if self.keeper is not None:
            self.keeper.remove(self._name(path))
        remove(path)

    def touch(self, path: Path) -> None:
        """Make an empty file, with its folder."""
        if self.keeper is not None:
            self.keeper.touch(self._name(path))
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def beat(self, path: Path) -> None:
        """Change the time of a file.

        Raises:
            OSError: it cannot be changed, or is not there; a keeper says nothing.
        """
        if self.keeper is not None:
            self.keeper.beat(self._name(path))
        else:
            os.utime(path)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.home).as_posix()
