"""Workers that are stopped, or hang in their data: replaced, and refused when they wake."""

import signal
from pathlib import Path

import psutil
import pytest

from tests.faults.world import STALL_SECONDS, SWEEP, World, processes, send

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


def test_a_worker_that_is_stopped_is_replaced(world: World, undisturbed: bytes):
    driver = world.start()
    lines = []
    stopped: list[psutil.Process] = []
    for line in driver.stdout:
        lines.append(line)
        if line.startswith("COMPLETE") and not stopped:
            stopped = processes(driver, "worker")[:1]
            assert send(stopped[0], signal.SIGSTOP)
    driver.communicate()
    text = "".join(lines)
    assert driver.returncode == 0, text
    assert f"the worker made no step for {STALL_SECONDS} s and was ended" in text
    assert not stopped[0].is_running() or not send(stopped[0], signal.SIGCONT)
    assert world.table == undisturbed
    world.check()


def test_a_trial_that_hangs_in_its_data_is_tried_again(tmp_path: Path):
    text = SWEEP.replace("  ce:\n", f'  ce:\n  stuck: {{method: trouble, mode: hang once, place: "{tmp_path}"}}\n')
    world = World(tmp_path / "world", text)
    result = world.run()
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"the worker made no step for {STALL_SECONDS} s and was ended" in result.stdout
    attempts = world.rows(
        "ledger.db", "SELECT DISTINCT attempts FROM trial JOIN member USING (key) WHERE row = 'stuck'"
    )
    assert sorted(attempts) == [(1,), (2,)]
    world.check()


def test_a_trial_that_always_hangs_fails_and_keeps_nobody_else(tmp_path: Path):
    text = SWEEP.replace("  ce:\n", "  ce:\n  stuck: {method: trouble, mode: hang}\n")
    world = World(tmp_path / "world", text.replace("seeds: 2", "seeds: 1"))
    result = world.run()
    assert result.returncode == 1, result.stdout + result.stderr
    assert "faulty: 1 trial (stuck) failed; the next run tries again" in result.stderr
    states = dict(world.rows("ledger.db", "SELECT m.row, t.state FROM trial t JOIN member m USING (key)"))
    assert {row for row, state in states.items() if state != "COMPLETE"} <= {"stuck", "gdkd (tuned)"}
    ((reason,),) = world.rows("ledger.db", "SELECT reason FROM trial JOIN member USING (key) WHERE row = 'stuck'")
    assert "3 workers in a row were lost without a new epoch" in reason
