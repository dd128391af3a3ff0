"""kill -9 of a worker that trains a cohort: each of its members goes on from its own checkpoint, to the same table."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.faults.world import World, processes, send

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

METHODS = ("kd", "fitnet", "at")
"""All wait for the teacher, and then form one cohort."""
SWEEP = f"""
name: faulty
dataset: digits100
pairs: tinyresnet -> tinycnn
teachers: {{tinyresnet: {{recipe: {{base: digits-teacher, epochs: 1, epoch_steps: 10}}, accept: true}}}}
recipe: {{base: digits, epochs: 4, epoch_steps: 10}}
methods: {{{", ".join(f"{name}: " for name in METHODS)}}}
bank: BANK
seeds: 1
resources: {{together: TOGETHER}}
"""
LOOK_SECONDS = 0.1
STUDENTS = "json_extract(spec, '$.role') = 'student'"


def world_of(folder: Path, bank: str, together: int = len(METHODS)) -> World:
    return World(folder, SWEEP.replace("BANK", bank).replace("TOGETHER", str(together)), workers=1)


def kept(world: World) -> int:
    """Return how many students have a checkpoint."""
    there = {path.parent.name for path in world.home.glob("checkpoints/*/epoch-*")}
    if not there:
        return 0
    students = {key for (key,) in world.rows("ledger.db", f"SELECT key FROM trial WHERE {STUDENTS}")}
    return len(students & there)


def run_with_a_kill(world: World) -> str:
    """Run the sweep, and kill the worker once all members of its cohort have a checkpoint; return what was said."""
    driver, hit = world.start(), False
    while True:
        try:
            said, _ = driver.communicate(timeout=LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if not hit and kept(world) == len(METHODS):
                (worker,) = processes(driver, "worker")
                hit = send(worker, signal.SIGKILL)
            continue
        assert driver.returncode == 0 and hit, said
        return said


@pytest.mark.parametrize("bank", ["on", "off"])
def test_all_members_go_on_from_their_checkpoints(bank: str, tmp_path: Path) -> None:
    alone = world_of(tmp_path / "alone", bank, together=1)
    result = alone.run()
    assert result.returncode == 0, result.stdout + result.stderr
    world = world_of(tmp_path / "killed", bank)
    said = run_with_a_kill(world)
    lost = world.rows("ledger.db", "SELECT count(DISTINCT key), count(*) FROM attempt WHERE state = 'LOST'")
    assert lost == [(len(METHODS), len(METHODS))], said
    assert world.table == alone.table
    world.check()
    for key, metrics in world.rows("ledger.db", f"SELECT key, metrics FROM trial WHERE {STUDENTS}"):
        epochs = world.rows("ledger.db", f"SELECT metrics FROM epoch WHERE key = '{key}' ORDER BY number")
        seconds = [json.loads(values)["epoch_seconds"] for (values,) in epochs]
        # the ledger has each epoch as it was first reported: one that was trained again has taken another time
        assert json.loads(metrics)["train_seconds"] == sum(seconds)
