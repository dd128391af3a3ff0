"""kill -9 of driver, worker and raylet at random moments, each followed by the same command: the same table.

The moments are drawn from KDSWEEP_FAULT_SEED, else from the clock; the seed is in the name of what fails.
"""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.world import END_SECONDS, World, processes, send

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

KILLS = 30
KINDS = ("driver", "worker", "raylet")
LONGEST_SECONDS = 10.0
"""Between two kills; a start takes 5 to 8 of them."""


def test_thirty_kills(undisturbed: bytes, tmp_path: Path):
    seed = int(os.environ.get("KDSWEEP_FAULT_SEED", time.time_ns() % 10**6))
    draw = random.Random(seed)
    kinds = [KINDS[i % len(KINDS)] for i in range(KILLS)]
    draw.shuffle(kinds)
    homes = 0
    while kinds:
        homes += 1
        log = disturb(World(tmp_path / f"{homes}"), kinds, draw, undisturbed, f"seed {seed}")
        print(f"home {homes}: {', '.join(log)}")


def disturb(world: World, kinds: list[str], draw: random.Random, undisturbed: bytes, name: str) -> list[str]:
    """Run a sweep to its end with kills taken from `kinds`; return what was done when."""
    log: list[str] = []
    driver = world.start()
    while True:
        try:
            text, _ = driver.communicate(timeout=draw.uniform(0.5, LONGEST_SECONDS) if kinds else END_SECONDS)
        except subprocess.TimeoutExpired:
            victims = processes(driver, kinds[-1]) if kinds else []
            if victims and send(draw.choice(victims), signal.SIGKILL):
                log.append(kinds.pop())
            continue
        if driver.returncode == 0:
            assert world.table == undisturbed, (name, log, text)
            world.check()
            return log
        # killed, or a trial has lost three workers in a row: the same command goes on
        assert driver.returncode in (-signal.SIGKILL, 1), (name, log, text)
        assert "Traceback" not in text, (name, log, text)
        log.append(f"again after {driver.returncode}")
        print(text if driver.returncode == 1 else "", end="")
        driver = world.start()


def test_a_driver_that_is_killed_leaves_no_process_for_long(world: World):
    """What outlives a killed driver is ended by the next command."""
    driver = world.start()
    for line in driver.stdout:
        if line.startswith("COMPLETE"):
            break
    driver.kill()
    driver.communicate()
    again = world.run()
    assert again.returncode == 0, again.stdout + again.stderr
    world.check()
