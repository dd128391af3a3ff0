"""Seeds until it is settled, trained for real: the same table in this process, by two workers, and after kills.

The moments of the kills are drawn from KDSWEEP_FAULT_SEED, else from the clock; the seed is in the name of what fails.
"""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.faults.test_kills import disturb
from tests.faults.world import END_SECONDS, SWEEP, World, send

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

SETTLED = (
    SWEEP.replace("seeds: 2", "seeds: {first: 3, most: 8, settle: gdkd (tuned)}")
    .replace("epochs: 4}\nmethods", "epochs: 2}\nmethods")
    .replace("trials: 6", "trials: 3")
    .replace(", pruner: median", "")
)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The sweep trained one trial after the other."""
    world = World(tmp_path_factory.mktemp("alone"), SETTLED, workers=0)
    finish(world)
    return world


def finish(world: World) -> None:
    driver = world.start()
    text, _ = driver.communicate(timeout=3 * END_SECONDS)
    assert driver.returncode == 0, text


def seeds(world: World) -> Counter[str]:
    return Counter(
        row for (row,) in world.rows("ledger.db", "SELECT row FROM member WHERE phase IN ('fixed', 'confirm')")
    )


def test_rows_have_other_numbers_of_seeds_and_the_table_says_why(alone: World):
    found = seeds(alone)
    assert set(found.values()) <= {3, 5, 8}
    assert found["gdkd (tuned)"] == max(found.values())
    text = (alone.home / "reports" / "faulty" / "table.md").read_text()
    assert "settled after" in text or ", open" in text
    assert "Repeated intervals" in text
    alone.check()


def test_two_workers_give_the_same_table(alone: World, tmp_path: Path):
    world = World(tmp_path, SETTLED, workers=2)
    finish(world)
    assert world.table == alone.table
    assert seeds(world) == seeds(alone)
    world.check()


def test_killed_while_seeds_are_added_it_ends_with_the_same_table(alone: World, tmp_path: Path):
    world = World(tmp_path, SETTLED, workers=0)
    for added in (1, 3):  # of the second look
        driver = world.start()
        while trained(world) < added:
            with contextlib.suppress(subprocess.TimeoutExpired):
                text, _ = driver.communicate(timeout=0.2)
                raise AssertionError(f"it ended with {trained(world)} seeds added: {text}")
        assert send(psutil.Process(driver.pid), signal.SIGKILL)
        driver.communicate()
    finish(world)
    assert world.table == alone.table
    assert seeds(world) == seeds(alone)
    world.check()


def trained(world: World) -> int:
    """Return how many trainings of added seeds have begun."""
    if not (world.home / "ledger.db").exists():
        return 0
    sql = "SELECT count(*) FROM attempt JOIN member USING (key) WHERE seed BETWEEN 3 AND 999999"
    try:
        ((count,),) = world.rows("ledger.db", sql)
    except sqlite3.OperationalError:  # its tables are being made
        return 0
    return int(count)


def test_killed_at_any_moment_two_workers_end_with_the_same_table(alone: World, tmp_path: Path):
    seed = int(os.environ.get("KDSWEEP_FAULT_SEED", time.time_ns() % 10**6))
    draw = random.Random(seed)
    kinds = ["driver", "worker", "driver", "worker"]
    world = World(tmp_path, SETTLED)
    print(disturb(world, kinds, draw, alone.table, f"seed {seed}"))
    assert seeds(world) == seeds(alone)
