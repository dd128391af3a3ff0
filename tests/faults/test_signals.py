"""Stopping by signals at any moment: clean, in time for Slurm, nothing left behind, and gone on with."""

import shlex
import signal
import subprocess
import time

import psutil
import pytest

from tests.faults.world import World
from tests.orchestrator.cli import kdsweep

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

SLURM_SECONDS = 30
MOMENTS_SECONDS = (0.2, 1.0, 2.5, 4.0, 6.0, 9.0, 13.0)


def family(driver: "subprocess.Popen[str]") -> list[psutil.Process]:
    """Return all processes that descend from the driver."""
    try:
        return psutil.Process(driver.pid).children(recursive=True)
    except psutil.Error:
        return []


def stopped(driver: "subprocess.Popen[str]", number: signal.Signals) -> tuple[str, float, list[psutil.Process]]:
    """Send the signal; return what was printed, the seconds to the end, and the processes that are still there."""
    children = family(driver)
    began = time.monotonic()
    driver.send_signal(number)
    text, _ = driver.communicate(timeout=SLURM_SECONDS)
    seconds = time.monotonic() - began
    _, alive = psutil.wait_procs(children, timeout=3)
    return text, seconds, alive


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_at_any_moment(number: signal.Signals, world: World, undisturbed: bytes):
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        for moment in MOMENTS_SECONDS:
            driver = world.start()
            try:
                driver.communicate(timeout=moment)
            except subprocess.TimeoutExpired:
                text, seconds, alive = stopped(driver, number)
                if moment < MOMENTS_SECONDS[1] and driver.returncode == -number:
                    continue  # Python itself had not begun
                assert driver.returncode == 128 + number, (moment, text)
                assert "Traceback" not in text, (moment, text)
                assert "stopped; go on with: " in text, (moment, text)
                assert not alive, (moment, alive)
                print(f"{number.name} after {moment:g} s: ended {seconds:.1f} s later")
                assert seconds < SLURM_SECONDS / 2, (moment, text)
                if (world.home / "ledger.db").exists():
                    running = world.rows("ledger.db", "SELECT count(*) FROM trial WHERE state = 'RUNNING'")
                    assert running == [(0,)], (moment, text)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    _, *arguments = shlex.split(text.partition("go on with: ")[2].splitlines()[0])
    again = kdsweep(*arguments[1:], cwd=world.folder)
    assert again.returncode == 0, again.stdout + again.stderr
    assert world.table == undisturbed
    world.check()


def test_sent_to_every_process_of_a_job(world: World, undisturbed: bytes):
    """As Slurm ends a job: Ray's own processes must not go before the driver has done with them."""
    driver = world.start()
    for line in driver.stdout:
        if line.startswith("COMPLETE"):
            break
    everybody = family(driver)
    assert any("ray::" in child.name() for child in everybody)
    for child in everybody:
        child.terminate()
    text, seconds, alive = stopped(driver, signal.SIGTERM)
    assert driver.returncode == 143, text
    assert "INTERRUPTED" in text and not alive and seconds < SLURM_SECONDS / 2
    assert world.rows("ledger.db", "SELECT count(*) FROM trial WHERE state = 'RUNNING'") == [(0,)]
    again = world.run()
    assert again.returncode == 0, again.stdout + again.stderr
    assert world.table == undisturbed
    world.check()


def test_twice_is_at_once(world: World, undisturbed: bytes):
    driver = world.start()
    for line in driver.stdout:
        if line.startswith("COMPLETE"):
            break
    children = family(driver)
    assert any("ray::" in child.name() for child in children)
    driver.send_signal(signal.SIGINT)
    for line in driver.stdout:
        if line.startswith("stopping"):  # the first one has been taken
            break
    began = time.monotonic()
    driver.send_signal(signal.SIGINT)
    driver.communicate(timeout=10)
    assert driver.returncode == 130
    assert time.monotonic() - began < 5
    _, alive = psutil.wait_procs(children, timeout=3)
    assert not alive
    again = world.run()
    assert again.returncode == 0, again.stdout + again.stderr
    assert world.table == undisturbed
    world.check()
