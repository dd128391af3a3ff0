"""Jobs on one node of Slurm: scripts are submitted as they are printed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.slurm_host import Slurm
from tests.cluster.sweeps import ENDLESS, LONG, LONGER, SWEEP
from tests.faults.world import World
from tests.servers.ports import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def slurm(slurm_with: Callable[..., Slurm]) -> Slurm:
    return slurm_with("--affinity", "--cpus", "2", "--kill-wait", "30")  # as Slurm's own, since this host may be busy


def test_the_table_is_the_local_one(slurm: Slurm, tmp_path: Path, local: Callable[[str], bytes]):
    world = World(tmp_path, SWEEP)
    job = slurm.submit(slurm.script(world, "--time", "30"), cwd=tmp_path)
    (ended,) = slurm.wait(job)
    assert ended["JobState"] == "COMPLETED", slurm.log(world, job)
    assert "2 trials at a time" in slurm.log(world, job)
    assert world.table == local(SWEEP)
    world.check()
    assert not [*Path("/tmp").glob(f"kdsweep-{job}*")]
    again = slurm.submit(slurm.script(world), cwd=tmp_path)
    slurm.wait(again)
    assert "nothing to train" in slurm.log(world, again)


def test_a_job_counts_the_cores_that_it_was_given(slurm: Slurm, tmp_path: Path):
    world = World(tmp_path, SWEEP)
    one = slurm.script(world, cpus=1)
    job = slurm.submit(one, cwd=tmp_path)
    slurm.until_said(world, job, "trial at a time")
    slurm.ask("scancel", job)
    slurm.wait(job)
    assert "1 trial at a time" in slurm.log(world, job)


def test_at_its_time_limit_it_goes_back_into_the_queue_and_on(
    slurm: Slurm, tmp_path: Path, local: Callable[[str], bytes]
):
    world = World(tmp_path, LONGER)
    job = slurm.submit(slurm.script(world, "--time", "2"), cwd=tmp_path)
    (ended,) = slurm.wait(job, seconds=700)
    assert ended["JobState"] == "COMPLETED", slurm.log(world, job)
    assert int(ended["Restarts"]) >= 1
    assert slurm.log(world, job).count("goes back into the queue") == int(ended["Restarts"])
    assert "stopped; go on with" in slurm.log(world, job)
    assert world.table == local(LONGER)


def test_a_limit_without_time_for_an_epoch_is_given_up(slurm: Slurm, tmp_path: Path):
    world = World(tmp_path, ENDLESS)
    job = slurm.submit(slurm.script(world, "--time", "1"), cwd=tmp_path)
    (ended,) = slurm.wait(job, seconds=700)
    assert ended["JobState"] == "FAILED" and ended["ExitCode"] == "2:0", slurm.log(world, job)
    assert ended["Restarts"] == "1"
    assert "no epoch has ended in this run" in slurm.log(world, job)


def test_preempted_it_goes_back_into_the_queue_and_on(slurm: Slurm, tmp_path: Path, local: Callable[[str], bytes]):
    world = World(tmp_path, LONG)
    job = slurm.submit(slurm.script(world, "--sbatch=--nodelist=node1"), cwd=tmp_path)
    slurm.until_said(world, job, "2 trials at a time")
    urgent = "#!/bin/sh\nsleep 3\n"
    other = slurm.submit(urgent, "--partition=urgent", "--cpus-per-task=2", "--nodelist=node1", cwd=tmp_path)
    ended, _ = slurm.wait(job, other, seconds=700)
    assert ended["JobState"] == "COMPLETED", slurm.log(world, job)
    assert ended["Restarts"] == "1"
    assert "stopping: " in slurm.log(world, job)
    assert world.table == local(LONG)


def test_cancelled_it_does_not_come_back(slurm: Slurm, tmp_path: Path):
    world = World(tmp_path, LONG)
    job = slurm.submit(slurm.script(world), cwd=tmp_path)
    slurm.until_said(world, job, "2 trials at a time")
    wait_until(lambda: world.rows("ledger.db", "SELECT count(*) FROM epoch") != [(0,)], "an epoch has ended", 100, 0.5)
    slurm.ask("scancel", job)
    (ended,) = slurm.wait(job)
    assert ended["JobState"] == "CANCELLED" and ended["Restarts"] == "0"
    slurm.until_said(world, job, "stopped; go on with", 20)
    assert "goes back into the queue" not in slurm.log(world, job)


def test_the_second_of_an_array_waits_and_is_refused_in_one_line(slurm: Slurm, tmp_path: Path):
    world = World(tmp_path, LONGER)
    text = slurm.script(world, "--array", "0-1", cpus=1)
    array = slurm.submit(text, cwd=tmp_path)
    both = [f"{array}_0", f"{array}_1"]
    wait_until(lambda: "FAILED" in map(slurm.state, both), "one of them is refused", 200, 1.0)
    (refused,) = (slurm.shown(job) for job in both if slurm.state(job) == "FAILED")
    assert refused["ExitCode"] == "2:0"
    lines = slurm.log(world, refused["JobId"]).splitlines()
    assert [line.split("home: ")[0] for line in lines] == [f"another driver works in {world.folder}/"] * 2
    assert lines[0].endswith("its end is waited for, 60 s") and lines[1].endswith("still after 60 s")
    slurm.ask("scancel", array)
    slurm.wait(*both)


def test_one_that_goes_on_while_the_last_one_ends_waits_for_it(
    slurm: Slurm, tmp_path: Path, local: Callable[[str], bytes]
):
    world = World(tmp_path, SWEEP)
    first = slurm.submit(slurm.script(world, "--sbatch=--nodelist=node1"), cwd=tmp_path)
    slurm.until_said(world, first, "2 trials at a time")
    second = slurm.submit(slurm.script(world, "--sbatch=--nodelist=node2"), cwd=tmp_path)
    slurm.until_said(world, second, "its end is waited for")
    slurm.ask("scancel", first)
    _, ended = slurm.wait(first, second)
    assert ended["JobState"] == "COMPLETED", slurm.log(world, second)
    assert world.table == local(SWEEP)
    world.check()
