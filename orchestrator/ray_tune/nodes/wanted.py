"""What a node must have to work for a home, and how many trials have room on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainers.texts.counting import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a node must have to work for a home."""

    home: Path
    folders: tuple[Path, ...] = ()
    """Of data sets that sweep files name."""
    shared: str | None = None
    """Folder with data sets, where a node knows none of its own."""
    names: tuple[str, ...] = ()
    """Of those that lie there."""
    cpus: int
    gpus: float
    """Of one trial, like the CPUs; of several ranks, of each."""
    ranks: int = 1
    """Of one trial, each of which may be on another node."""
    mixed: bool = False
    """It may have another version of torch."""

    @property
    def bundles(self) -> list[dict[str, float]]:
        """What Ray sets aside for a trial: for each rank a part that lies on one node."""
        return [{"CPU": self.cpus, **({"GPU": self.gpus} if self.gpus else {})}] * self.ranks

    def __str__(self) -> str:
        one = processors(self.cpus, self.gpus)
        return one if self.ranks == 1 else f"{self.ranks} ranks of {one} each"

    def trials(self, nodes: Iterable[Mapping[str, float]]) -> int:
        """Return how many trials fit into what these nodes have."""
        return sum(map(self.room, nodes)) // self.ranks

    def room(self, resources: Mapping[str, float]) -> int:
        """Return how many trials, or ranks of trials, fit into what a node has."""
        by_cpus = int(resources.get("CPU", 0) // self.cpus)
        return min(by_cpus, int(resources.get("GPU", 0) / self.gpus + 1e-9)) if self.gpus else by_cpus


def processors(cpus: float, gpus: float) -> str:
    """Return them in words."""
    return f"{counted(cpus, 'CPU')} and {counted(gpus, 'GPU')}"
