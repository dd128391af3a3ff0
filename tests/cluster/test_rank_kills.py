"""Trials of two ranks under kills of ranks, workers and drivers: no placement group stays, and no number changes."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.test_cluster import RayNodes
from tests.faults.test_ranks import SWEEP, groups, on, others
from tests.faults.world import World
from tests.orchestrator.cli import kdsweep, start
from tests.servers.ports import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("RANK_KILLS", "20"))
EPOCHS = KILLS // 2 + 2
"""Of each of two trials: between two kills one ends, so that nothing is lost three times in a row."""
LONG = SWEEP.replace("epochs: 3", f"epochs: {EPOCHS}")


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[RayNodes]:
    cluster = RayNodes(tmp_path, (1, 1))
    yield cluster
    cluster.close()


def workers(nodes: RayNodes) -> list[psutil.Process]:
    """Return the processes that train as first ranks."""
    family = [one for raylet in nodes._raylets() for one in raylet.children(recursive=True)]
    return [process for process in family if "Trainable" in process.name()]


class Runs:
    """One run after another of a home, whatever becomes of their drivers."""

    def __init__(self, world: World, nodes: RayNodes) -> None:
        self._world, self._nodes = world, nodes
        self.driver = self._start()

    def _start(self) -> "subprocess.Popen[str]":
        command = [*on(self._world, self._nodes), "--wait-lock", 60]
        return start(*command, cwd=self._world.folder, **self._nodes.settings)

    def epochs(self) -> int:
        there = (self._world.home / "ledger.db").exists()
        return int(self._world.rows("ledger.db", "SELECT count(*) FROM epoch")[0][0]) if there else 0

    def kill_one(self, chosen: random.Random) -> str:
        """Kill a rank, a worker or the driver; return which."""
        kind = chosen.choice(("rank", "rank", "worker", "driver"))
        if kind == "driver":
            self.driver.send_signal(signal.SIGKILL)
            self.driver.communicate()
            self.driver = self._start()
            return kind
        for process in (others if kind == "rank" else workers)(self._nodes):
            process.kill()
        return kind


def test_no_placement_group_stays_and_the_table_is_that_of_no_kill(nodes: RayNodes, tmp_path: Path) -> None:
    calm, world = World(tmp_path / "calm", LONG), World(tmp_path / "kills", LONG)
    assert kdsweep(*on(calm, nodes), cwd=calm.folder, **nodes.settings).returncode == 0
    seed = time.time_ns() % 10**6
    print(f"seed {seed}")
    chosen, runs, killed = random.Random(seed), Runs(world, nodes), []
    for _ in range(KILLS):
        before = runs.epochs()
        wait_until(lambda before=before: runs.epochs() > before or runs.driver.poll() is not None, "an epoch", 300, 0.1)
        if runs.driver.poll() is not None:
            break
        killed.append(runs.kill_one(chosen))
    print(f"{len(killed)} kills: {killed}")
    text, _ = runs.driver.communicate(timeout=600)
    assert runs.driver.returncode == 0, text
    assert len(killed) >= KILLS - 2
    assert world.table == calm.table
    world.check()
    assert groups(nodes) == "[]"
