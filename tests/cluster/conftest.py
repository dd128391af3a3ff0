"""Clusters take a Slurm of this host, and root: run by `make test-cluster`."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.slurm_host import Slurm, missing
from tests.faults.world import World


@pytest.fixture(scope="module")
def slurm_with() -> Iterator[Callable[..., Slurm]]:
    """Return what starts a Slurm with options of start-slurm.sh; it ends with the module."""
    if why := missing():
        pytest.skip(why)
    started: list[Slurm] = []

    def start(*options: str) -> Slurm:
        folder = Path(tempfile.mkdtemp(prefix="kdslurm-"))  # its sockets' names are short
        started.append(Slurm(folder, *options))
        return started[-1]

    yield start
    for slurm in started:
        slurm.close()


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """Return what gives the table of a sweep as one machine makes it, undisturbed."""
    made: dict[str, bytes] = {}

    def table(text: str) -> bytes:
        if text not in made:
            world = World(tmp_path_factory.mktemp("local"), text, workers=2)
            done = world.run()
            assert done.returncode == 0, done.stdout + done.stderr
            made[text] = world.table
        return made[text]

    return table
