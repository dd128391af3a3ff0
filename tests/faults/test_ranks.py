"""Trials of two ranks on a real cluster of two raylets with a core each: every trial needs both."""

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.test_cluster import RayNodes
from tests.faults.world import World
from tests.orchestrator.cli import environment, kdsweep, start

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

SWEEP = """
name: faulty
dataset: digits100
pairs: tinyresnet -> tinycnn
teachers: {tinyresnet: {recipe: {base: digits-teacher, epochs: 1, batch_size: 250}}}
recipe: {base: digits, epochs: 3, batch_size: 250}
methods: {ce: , pkt: }
seeds: 1
resources: {ranks: 2, gpus: 0, stall_seconds: 60}
"""
GROUPS = """
import ray
ray.init(address="auto", logging_level="ERROR")
print([one["state"] for one in ray.util.placement_group_table().values() if one["state"] != "REMOVED"])
"""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayNodes]:
    cluster = RayNodes(tmp_path_factory.mktemp("cluster"), (1, 1))
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, nodes: RayNodes) -> World:
    world = World(tmp_path_factory.mktemp("undisturbed"), SWEEP)
    result = kdsweep(*on(world, nodes), cwd=world.folder, **nodes.settings)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 trial at a time" in result.stdout
    world.check()
    return world


def on(world: World, nodes: RayNodes) -> list[object]:
    return ["run", world.file, "--home", world.home, "--address", nodes.address]


def numbers(world: World) -> list[float]:
    with (world.home / "reports" / "faulty" / "table.csv").open() as file:
        return [float(line["mean"]) for line in csv.DictReader(file) if line.get("mean")]


def groups(nodes: RayNodes) -> str:
    """Return the placement groups that are left on the cluster."""
    settings = environment(RAY_ADDRESS=nodes.address, **nodes.settings)
    answer = subprocess.run([sys.executable, "-c", GROUPS], env=settings, capture_output=True, text=True, check=True)
    return answer.stdout.strip().splitlines()[-1]


def test_two_ranks_train_the_trials_of_one(undisturbed: World, nodes: RayNodes, tmp_path: Path) -> None:
    alone = World(tmp_path, SWEEP.replace("ranks: 2, ", ""), workers=1)
    assert alone.run().returncode == 0
    keys = "SELECT key FROM trial ORDER BY key"
    assert alone.rows("ledger.db", keys) == undisturbed.rows("ledger.db", keys)
    assert numbers(undisturbed) == pytest.approx(numbers(alone), abs=3)  # float32, whose sums round otherwise
    ranks = "SELECT DISTINCT json_extract(provenance, '$.ranks') FROM trial"
    assert (alone.rows("ledger.db", ranks), undisturbed.rows("ledger.db", ranks)) == ([("1",)], [("2",)])
    assert groups(nodes) == "[]"


@pytest.mark.parametrize(("sent", "reason"), [(signal.SIGKILL, "rank 1 of 2 died"), (signal.SIGSTOP, "made no step")])
def test_a_rank_that_dies_or_stands_still_is_a_lost_worker(
    sent: signal.Signals, reason: str, undisturbed: World, nodes: RayNodes, tmp_path: Path
) -> None:
    world = World(tmp_path, SWEEP)
    driver = start(*on(world, nodes), cwd=world.folder, **nodes.settings)
    lines, hit = [], False
    for line in driver.stdout:
        lines.append(line)
        if line.startswith("COMPLETE") and not hit:
            hit = any(os.kill(process.pid, sent) is None for process in others(nodes))
    driver.communicate()
    assert driver.returncode == 0, "".join(lines)
    assert hit
    assert (world.home / "reports" / "faulty" / "table.csv").read_bytes() == undisturbed.table
    lost = world.rows("ledger.db", "SELECT reason FROM attempt WHERE state = 'LOST'")
    assert [reason in text for (text,) in lost] == [True], lost
    world.check()
    assert groups(nodes) == "[]"


def others(nodes: RayNodes) -> list[psutil.Process]:
    """Return the processes of ranks that are not the first."""
    family = [one for raylet in nodes._raylets() for one in raylet.children(recursive=True)]
    return [process for process in family if "RankActor" in process.name()]
