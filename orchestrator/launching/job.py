"""What is to be run, found sound before it waits in a queue."""

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from search_spaces import SweepFile, expand, read
from trainers.errors import RequestError
from trainers.texts.addresses import without_password
from trainers.texts.counting import counted

LOCK_SECONDS = 60
"""A job that goes on with another one's work waits so long for its end."""
TOLD = ("KDSWEEP_DATA", "KDSWEEP_BANKS", "KDSWEEP_STORAGE", "MLFLOW_TRACKING_URI")
"""Variables of the environment that a job needs as they are here."""


class LaunchError(RequestError):
    """A job cannot be what it is asked to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """What a job asks of a cluster; None: what the cluster gives by itself."""

    count: int = 1
    gpus: int | None = None
    """Of a node, like the cores."""
    cpus: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One call of `run`."""

    files: tuple[Path, ...]
    home: Path
    overrides: tuple[str, ...] = ()
    """`key=value` for values of the files."""

    def options(self) -> list[str]:
        """Return what follows the files in the command line."""
        changes = [word for change in self.overrides for word in ("--set", change)]
        return ["--home", str(self.home), *changes, "--wait-lock", str(LOCK_SECONDS)]


def checked(work: Work, nodes: Nodes) -> list[SweepFile]:
    """Return the files, read and found sound; data sets may be missing on this machine.

    Raises:
        SweepFileError: a file breaks rules.
        LaunchError: a trial does not fit into a node.
    """
    files = [read(path, work.overrides, planning=True) for path in work.files]
    for file in files:
        expand(file)
    problems = [line for file in files for line in _too_large(file, nodes)]
    if problems:
        raise LaunchError("\n".join(problems))
    return files


def _too_large(sweep: SweepFile, nodes: Nodes) -> Iterator[str]:
    asked = sweep.model.resources
    cores = counted(asked.cpus, "core")
    if nodes.cpus is not None and asked.cpus > nodes.cpus:
        yield f"{sweep.name}: resources.cpus asks for {cores} a trial, --cpus-per-node gives {nodes.cpus}"
    ranks = asked.ranks or 1
    if nodes.cpus is not None and asked.cpus <= nodes.cpus and ranks > nodes.count * (nodes.cpus // asked.cpus):
        yield f"{sweep.name}: resources.ranks asks for {ranks} times {cores}, the job's nodes have less"
    if asked.gpus is not None and asked.gpus > nodes.count * (nodes.gpus or 0):
        given = (
            f"the job has {nodes.count * nodes.gpus}" if nodes.gpus else "nothing asks for GPUs; give --gpus-per-node"
        )
        yield f"{sweep.name}: resources.gpus asks for {asked.gpus:g} a trial, and {given}"


def exported() -> Iterator[str]:
    """Yield lines for a shell that set what a job needs; a password stands in none."""
    for name in TOLD:
        value = os.environ.get(name)
        if value and without_password(value) == value:
            yield f"export {name}={shlex.quote(value)}"
        elif value:
            yield f"# {name} holds a password: the job takes it from the environment that it is submitted from."


def program() -> tuple[list[str], str | None]:
    """Return how this program is called from any folder, and the folder that its packages lie in, where they are not
    installed."""
    called = Path(sys.argv[0]).absolute()
    root = Path(__file__).resolve().parents[2]
    in_checkout = (root / "run_sweep.py").exists()
    script = root / "run_sweep.py" if in_checkout else called
    return [sys.executable, str(script)], str(root) if in_checkout else None


def quoted(words: Sequence[str]) -> str:
    """Return words as a shell takes them."""
    return " ".join(map(shlex.quote, words))
