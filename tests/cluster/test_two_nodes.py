"""Jobs over two nodes of Slurm that have networks, processes and names of their own; the home is shared."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.slurm_host import Slurm
from tests.cluster.sweeps import LONG, SWEEP
from tests.faults.world import World
from tests.servers.ports import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def unshared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of which each node has an empty one of its own."""
    return tmp_path_factory.mktemp("unshared")


@pytest.fixture(scope="module")
def slurm(slurm_with: Callable[..., Slurm], unshared: Path) -> Slurm:
    return slurm_with("--netns", "--affinity", "--gpus", "1", "--cpus", "2", "--unshare", str(unshared))


def two(slurm: Slurm, world: World, *options: object, cpus: int = 1) -> str:
    return slurm.script(world, "--nodes", 2, *options, cpus=cpus)


def test_the_table_is_the_local_one_and_nothing_stays(slurm: Slurm, tmp_path: Path, local: Callable[[str], bytes]):
    world = World(tmp_path, SWEEP)
    job = slurm.submit(two(slurm, world), cwd=tmp_path)
    (ended,) = slurm.wait(job)
    assert ended["JobState"] == "COMPLETED", slurm.log(world, job)
    assert "2 trials at a time" in slurm.log(world, job)
    assert world.table == local(SWEEP)
    world.check()
    assert not [*Path("/tmp").glob(f"kdsweep-{job}*")]
    for host in ("node1", "node2"):
        assert not [line for line in slurm.processes(host) if "ray" in line]


def test_two_jobs_on_the_same_nodes_do_not_meet(slurm: Slurm, tmp_path: Path, local: Callable[[str], bytes]):
    worlds = [World(tmp_path / name, SWEEP) for name in ("one", "other")]
    jobs = [slurm.submit(two(slurm, world), cwd=world.folder) for world in worlds]
    for world, ended in zip(worlds, slurm.wait(*jobs, seconds=700), strict=True):
        assert ended["JobState"] == "COMPLETED" and ended["NodeList"] == "node[1-2]", slurm.log(world, ended["JobId"])
        assert world.table == local(SWEEP)


def test_a_node_that_dies_takes_its_trials_with_it_and_not_the_job(
    slurm: Slurm, tmp_path: Path, local: Callable[[str], bytes]
):
    world = World(tmp_path, LONG)
    job = slurm.submit(two(slurm, world), cwd=tmp_path)
    try:
        slurm.until_said(world, job, "2 trials at a time")
        wait_until(lambda: any("ray::" in line for line in slurm.processes("node2")), "a worker on node2", 60, 0.5)
        slurm.ask("crash", "node2")
        (ended,) = slurm.wait(job, seconds=700)
    finally:
        slurm.ask("boot", "node2")
    assert ended["JobState"] == "COMPLETED" and ended["Restarts"] == "0", slurm.log(world, job)
    assert world.table == local(LONG)


def test_the_first_node_dies_and_the_job_begins_again(slurm: Slurm, tmp_path: Path, local: Callable[[str], bytes]):
    world = World(tmp_path, LONG)
    job = slurm.submit(two(slurm, world), cwd=tmp_path)
    try:
        slurm.until_said(world, job, "2 trials at a time")
        slurm.ask("crash", "node1")
        wait_until(lambda: slurm.restarts(job) == 1, "the job goes back into the queue", 240, 1.0)
    finally:
        slurm.ask("boot", "node1")
    (ended,) = slurm.wait(job, seconds=700)
    assert ended["JobState"] == "COMPLETED", slurm.log(world, job)
    assert world.table == local(LONG)


def test_preempted_it_goes_back_into_the_queue_and_on(slurm: Slurm, tmp_path: Path, local: Callable[[str], bytes]):
    world = World(tmp_path, LONG)
    job = slurm.submit(two(slurm, world, cpus=2), cwd=tmp_path)
    slurm.until_said(world, job, "4 trials at a time")
    other = slurm.submit("#!/bin/sh\nsleep 3\n", "--partition=urgent", "-N2", "-c2", cwd=tmp_path)
    ended, _ = slurm.wait(job, other, seconds=700)
    assert ended["JobState"] == "COMPLETED", slurm.log(world, job)
    assert int(ended["Restarts"]) >= 1
    assert world.table == local(LONG)


@pytest.mark.parametrize(("gpus", "slots"), [("1", "2 trials at a time"), ("0.25", "4 trials at a time")])
def test_gpus_are_shared_out(slurm: Slurm, tmp_path: Path, gpus: str, slots: str):
    """None is there: what is looked at is how many trials are said to have room."""
    world = World(tmp_path, SWEEP.replace("stall_seconds: 60", f"stall_seconds: 60, gpus: {gpus}"))
    job = slurm.submit(two(slurm, world, "--gpus-per-node", 1, cpus=2), cwd=tmp_path)
    slurm.until_said(world, job, slots)
    slurm.ask("scancel", job)
    slurm.wait(job)


def test_a_home_that_the_first_node_alone_has(
    slurm: Slurm, unshared: Path, tmp_path: Path, local: Callable[[str], bytes]
):
    world = World(tmp_path, SWEEP)
    world.home = unshared / "home"
    job = slurm.submit(two(slurm, world), cwd=tmp_path)
    (ended,) = slurm.wait(job)
    assert ended["JobState"] == "COMPLETED", slurm.log(world, job)
    assert f"without the home {world.home}, by way of this node, works node2 (" in slurm.log(world, job)
    assert "2 trials at a time" in slurm.log(world, job)
    first, second = (slurm.folder / "own" / name / "1" for name in ("node1", "node2"))
    world.home = first / "home"
    assert world.table == local(SWEEP)
    world.check()
    assert not [*second.iterdir()]


def test_a_head_without_cores_lets_the_other_node_work(slurm: Slurm, tmp_path: Path, local: Callable[[str], bytes]):
    world = World(tmp_path, SWEEP)
    text = two(slurm, world)
    headless = text.replace("--include-dashboard false", "--include-dashboard false --num-cpus 0")
    assert headless != text
    job = slurm.submit(headless, cwd=tmp_path)
    (ended,) = slurm.wait(job, seconds=700)
    assert ended["JobState"] == "COMPLETED", slurm.log(world, job)
    assert "1 trial at a time" in slurm.log(world, job)
    assert world.table == local(SWEEP)


def test_the_doctor_asks_every_node(slurm: Slurm, unshared: Path, tmp_path: Path):
    world = World(tmp_path, SWEEP)
    text = two(slurm, world)
    run = 'run "${SWEEPS[@]}" "${OPTIONS[@]}"'
    assert run in text
    # The second node joins when it likes: it is waited for.
    asked = text.replace(f'"${{KDSWEEP[@]}}" {run}', f'sleep 10; "${{KDSWEEP[@]}}" doctor --home {unshared}/home')
    job = slurm.submit(asked, cwd=tmp_path)
    slurm.wait(job)
    lines = slurm.log(world, job).splitlines()
    first, second = ([line for line in lines if line.startswith(f"   {name} (")] for name in ("node1", "node2"))
    assert len(first) == len(second) == 1, lines
    assert "1 of 1" in first[0] and " seen " in first[0]
    assert "1 of 1" in second[0] and " through Ray " in second[0]


def test_a_ray_that_somebody_started_in_the_job_is_used_and_no_second_one(slurm: Slurm, tmp_path: Path):
    """As `ray symmetric-run` leaves it: a cluster is there, and nothing says where."""
    world = World(tmp_path, SWEEP)
    text = two(slurm, world)
    text = text.replace(' --address "$RAY_AT"', "")
    assert "unset RAY_ADDRESS" in text
    job = slurm.submit(text, cwd=tmp_path)
    slurm.until_said(world, job, "at a time")
    raylets = [line for line in slurm.processes("node1") if "/raylet " in line]
    slurm.ask("scancel", job)
    slurm.wait(job)
    assert "of this Slurm job" in slurm.log(world, job)
    assert len(raylets) == 1
