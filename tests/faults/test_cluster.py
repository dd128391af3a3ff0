"""A Ray cluster of several raylets that is not ours: used, left as it is, and gone on with when a node of it dies."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
import pytest

from orchestrator.ray_tune.nodes.keeper import NODE_CHARACTERS, copies_name
from tests.docs.pages import DOCS, blocks
from tests.faults.world import SWEEP, World
from tests.orchestrator.cli import environment, kdsweep, start
from tests.servers.ports import free_port, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


class RayNodes:
    """Raylets of one cluster on this machine, which share a token of their own.

    Args:
        cores: of each; the first is the head's.
    """

    def __init__(self, folder: Path, cores: Sequence[int] = (1, 1)) -> None:
        token = folder / "token"
        token.write_text("0123456789abcdef" * 4)
        token.chmod(0o600)
        self.settings = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        self.address = f"127.0.0.1:{free_port()}"
        self._ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--disable-usage-stats", "--block"]
        self._nodes: list[subprocess.Popen[bytes]] = []
        port, (first, *others) = self.address.rpartition(":")[2], cores
        self._start([], first, "--head", "--port", port, "--include-dashboard", "false")
        for number in others:
            self.join(number)

    def join(self, cores: int = 1, hidden: Path | None = None) -> None:
        """Start another node.

        Args:
            hidden: a folder of which the node sees an empty one of its own.
        """
        here = (
            [] if hidden is None else ["unshare", "-m", "sh", "-c", f'mount -t tmpfs none {hidden} && exec "$@"', "-"]
        )
        self._start(here, cores, "--address", self.address)

    def _start(self, before_it: Sequence[str], cores: int, *arguments: str) -> None:
        command = [*before_it, *self._ray, "--num-cpus", str(cores), "--node-ip-address", "127.0.0.1", *arguments]
        before = len(self._raylets())
        self._nodes.append(
            subprocess.Popen(
                command,
                env=environment(RAY_worker_niceness="0", **self.settings),  # Ray's 15 starves them beside anything else
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        wait_until(lambda: len(self._raylets()) > before and self._listens(), "a raylet starts", 60)

    def _listens(self) -> bool:

        host, _, port = self.address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            return False
        return True

    def _raylets(self) -> list[psutil.Process]:
        """Return the raylets, the head's first."""
        children = [child for node in self._nodes for child in psutil.Process(node.pid).children(recursive=True)]
        return [child for child in children if child.name() == "raylet"]

    def kill(self, name: str, node: int, number: signal.Signals = signal.SIGKILL) -> bool:
        """Send a signal to a process of a node that runs what is named so; return whether there is one."""
        found = [one for one in self._raylets()[node].children() if name in one.name() + " ".join(one.cmdline())]
        for one in found[:1]:
            one.send_signal(number)
        return bool(found)

    def kill_second(self) -> None:
        self._raylets()[1].kill()

    def kill_head(self) -> None:
        family = psutil.Process(self._nodes[0].pid).children(recursive=True)
        next(process for process in family if process.name() == "gcs_server").kill()

    def alive(self) -> int:
        return len(self._raylets())

    def close(self) -> None:
        for node in self._nodes:
            family = psutil.Process(node.pid).children(recursive=True) if node.poll() is None else []
            for process in family:
                if process.is_running():
                    process.kill()
            if node.poll() is None:
                os.killpg(node.pid, signal.SIGKILL)
            node.wait(30)


@pytest.fixture
def nodes_of(tmp_path: Path) -> Iterator[Callable[..., RayNodes]]:
    started: list[RayNodes] = []

    def begin(*cores: int) -> RayNodes:
        started.append(RayNodes(tmp_path, cores))
        return started[-1]

    yield begin
    for cluster in started:
        cluster.close()


@pytest.fixture
def nodes(nodes_of: Callable[..., RayNodes]) -> RayNodes:
    return nodes_of(1, 1)


def on(world: World, nodes: RayNodes) -> list[object]:
    return ["run", world.file, "--home", world.home, "--address", nodes.address]


def test_two_raylets_give_the_same_table_and_stay(world: World, nodes: RayNodes, undisturbed: bytes):
    result = kdsweep(*on(world, nodes), cwd=world.folder, **nodes.settings)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 trials at a time" in result.stdout
    assert world.table == undisturbed
    world.check()
    assert nodes.alive() == 2


def test_a_node_that_dies_loses_no_trial(world: World, nodes: RayNodes, undisturbed: bytes):
    driver = start(*on(world, nodes), cwd=world.folder, **nodes.settings)
    lines = []
    for line in driver.stdout:
        lines.append(line)
        if line.startswith("COMPLETE") and len(nodes._raylets()) == 2:
            nodes.kill_second()
    driver.communicate()
    text = "".join(lines)
    assert driver.returncode == 0, text
    assert world.table == undisturbed
    world.check()


def test_a_cluster_with_another_token_is_refused_with_a_hint(world: World, nodes: RayNodes):
    result = kdsweep(*on(world, nodes), cwd=world.folder, RAY_AUTH_MODE="disabled")
    assert result.returncode == 2
    assert "does not answer" in result.stderr
    assert "RAY_AUTH_TOKEN_PATH" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (world.home / "ledger.db").exists()


def test_a_node_that_joins_is_used(world: World, nodes_of: Callable[..., RayNodes], undisturbed: bytes):
    nodes = nodes_of(1)
    driver = start(*on(world, nodes), cwd=world.folder, **nodes.settings)
    lines = []
    for line in driver.stdout:
        lines.append(line)
        if line.startswith("COMPLETE") and nodes.alive() == 1:
            nodes.join()
    driver.communicate()
    text = "".join(lines)
    assert driver.returncode == 0, text
    assert text.index("1 trial at a time") < text.index("COMPLETE") < text.index("2 trials at a time")
    assert world.table == undisturbed
    world.check()


FEW = (
    SWEEP.partition("methods:")[0]
    + """
methods: {ce: , gdkd: {k: {grid: [1, 20]}}}
seeds: 1
resources: {stall_seconds: 300}
"""
)


def far_checkpoints(home: Path) -> list[Path]:
    """Return the checkpoints of trials that nodes without the home have in hand; their folders of copies tell which."""
    far = {path.name for path in Path(tempfile.gettempdir()).glob(f"{copies_name(home)}*/*")}
    pulses = [pulse for pulse in home.glob("checkpoints/*/*.pulse") if pulse.read_text()[:NODE_CHARACTERS] in far]
    return [path for pulse in pulses for path in pulse.parent.glob("epoch-*")]


def test_a_node_that_does_not_see_the_home_works_through_the_keeper(tmp_path: Path, nodes_of: Callable[..., RayNodes]):
    """Its worker is killed in the middle of a trial, then the keeper."""
    alone, world = World(tmp_path / "alone", FEW, workers=0), World(tmp_path / "cluster", FEW)
    assert alone.run().returncode == 0
    nodes = nodes_of(1)
    world.home.mkdir()
    nodes.join(1, hidden=world.home)
    driver = start(*on(world, nodes), cwd=world.folder, **nodes.settings)
    wait_until(lambda: bool(far_checkpoints(world.home)), "a checkpoint comes from the node without the home", 300)
    assert nodes.kill("Trainable", 1) and nodes.kill("HomeFiles", 0)
    text, _ = driver.communicate()
    assert driver.returncode == 0, text
    assert f"without the home {world.home}, by way of this node, works " in text
    assert "2 trials at a time" in text and "from the beginning" not in text
    assert world.table == alone.table
    world.check()
    assert world.rows("ledger.db", "SELECT count(*) FROM attempt WHERE state = 'LOST'") == [(1,)]
    assert not [*Path(tempfile.gettempdir()).glob(f"{copies_name(world.home)}*")]


OWN = """
name: faulty
datasets: {stripes: FROM}
pairs: resnet8 -> ./net.py:Net
teachers: {resnet8: {accept: true}}
recipe: {base: quick, epochs: 2, batch_size: 32}
methods: {ce: , kd: }
seeds: 1
resources: {stall_seconds: 300}
"""


def own_world(folder: Path, source: str) -> World:
    """Return a sweep of a network and of data that lie beside its file."""
    world = World(folder, OWN.replace("FROM", f"{{from: {source}}}"))
    for page, mark, file in (("networks", "net", "net.py"), ("data", "data", "data.py")):
        (block,) = [one for one in blocks((DOCS / f"{page}.md").read_text()) if one.mark == mark]
        (folder / file).write_text(block.text)
    images, labels = np.zeros((40, 32, 32), np.uint8), np.arange(40) % 4
    np.savez(folder / "data.npz", train_images=images, train_labels=labels, test_images=images, test_labels=labels)
    return world


def test_networks_and_data_of_ones_own_are_trained_on_a_node_that_sees_no_file_of_theirs(
    tmp_path: Path, nodes_of: Callable[..., RayNodes]
):
    """The head has no cores: all is trained where the sweep's folder is empty. Arrays are no text, so they stay."""
    alone, world = own_world(tmp_path / "alone", "./data.py:make"), own_world(tmp_path / "cluster", "./data.py:make")
    assert alone.run().returncode == 0
    nodes = nodes_of(0)
    nodes.join(1, hidden=world.folder)
    result = kdsweep(*on(world, nodes), "--wait-for-nodes", 60, cwd=world.folder, **nodes.settings)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"without the home {world.home}, by way of this node, works " in result.stdout
    assert world.table == alone.table
    arrays = own_world(world.folder, "./data.npz")
    arrays.home = world.folder / "another"
    result = kdsweep(*on(arrays, nodes), "--wait-for-nodes", 3, cwd=world.folder, **nodes.settings)
    assert result.returncode == 2, result.stdout + result.stderr
    assert f"it has no data in {world.folder / 'data.npz'}" in result.stdout + result.stderr


def test_a_keeper_that_stands_still_costs_no_worker(world: World, nodes: RayNodes, undisturbed: bytes):
    driver = start(*on(world, nodes), cwd=world.folder, **nodes.settings)
    lines, stopped = [], False
    for line in driver.stdout:
        lines.append(line)
        if line.startswith("COMPLETE") and not stopped:
            stopped = nodes.kill("HomeFiles", 0, signal.SIGSTOP)
    driver.communicate()
    text = "".join(lines)
    assert stopped and driver.returncode == 0, text
    assert "the keeper of the home's files has not answered within 5 s and is started again" in text
    assert world.rows("ledger.db", "SELECT count(*) FROM attempt WHERE state IN ('LOST', 'FAIL')") == [(0,)]
    assert world.table == undisturbed
    world.check()


def test_a_node_that_fails_twice_is_set_aside_and_its_trials_go_on_elsewhere(
    tmp_path: Path, nodes_of: Callable[..., RayNodes]
):
    place = tmp_path / "home"
    text = FEW.replace("gdkd: {k: {grid: [1, 20]}}", f'odd: {{method: trouble, mode: raise there, place: "{place}"}}')
    world = World(tmp_path, text.replace("seeds: 1", "seeds: 4"))
    nodes = nodes_of(1)
    place.mkdir()
    nodes.join(1, hidden=place)
    result = kdsweep(*on(world, nodes), cwd=world.folder, **nodes.settings)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("may be the cause: the trial is tried again") == 2
    assert result.stdout.count("is set aside: trials fail there again and again: RuntimeError: the method is") == 1
    assert "lost" not in result.stdout
    world.check()


def test_a_cluster_without_room_is_waited_for(world: World, nodes_of: Callable[..., RayNodes]):
    nodes = nodes_of(0)
    result = kdsweep(*on(world, nodes), "--wait-for-nodes", 3, cwd=world.folder, **nodes.settings)
    assert result.returncode == 2, result.stdout + result.stderr
    assert "has no node with room for a trial (1 CPU and 0 GPUs); it is waited for, 3 s" in result.stdout
    assert result.stderr.splitlines() == [
        f"the Ray cluster at {nodes.address} has had no node with room for a trial (1 CPU and 0 GPUs) for that long"
    ]
    driver = start(*on(world, nodes), cwd=world.folder, **nodes.settings)
    for line in driver.stdout:
        if "it is waited for" in line:
            break
    os.killpg(driver.pid, signal.SIGINT)
    driver.communicate(timeout=20)
    assert driver.returncode == 130
    nodes.join(hidden=world.home)
    result = kdsweep(*on(world, nodes), "--wait-for-nodes", 60, cwd=world.folder, **nodes.settings)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 trial at a time" in result.stdout
    world.check()


def test_a_trial_that_fits_nowhere_is_refused_at_once(tmp_path: Path, nodes_of: Callable[..., RayNodes]):
    nodes = nodes_of(1, 1)
    for resources, asked in (
        ("gpus: 4", "4 ranks of 1 CPU and 1 GPU each"),
        ("ranks: 3", "3 ranks of 1 CPU and 0 GPUs each"),
    ):
        world = World(tmp_path / resources[:4], FEW.replace("stall_seconds: 300", f"stall_seconds: 300, {resources}"))
        started = time.monotonic()
        result = kdsweep(*on(world, nodes), cwd=world.folder, **nodes.settings)
        print(f"refused after {time.monotonic() - started:.1f} s")
        assert result.returncode == 2, result.stdout + result.stderr
        assert result.stderr == (
            f"no trial fits into the Ray cluster at {nodes.address}: resources ask for {asked}, "
            "its nodes have 2 times 1 CPU and 0 GPUs; --wait-for-nodes SECONDS waits for more\n"
        )
        assert world.rows("ledger.db", "SELECT count(*) FROM sweep") == [(0,)]


def test_a_head_that_dies_is_noticed_at_once_and_another_cluster_goes_on(
    world: World, nodes_of: Callable[..., RayNodes], undisturbed: bytes
):
    nodes = nodes_of(1, 1)
    driver = start(*on(world, nodes), cwd=world.folder, **nodes.settings)
    lines, killed = [], None
    for line in driver.stdout:
        lines.append(line)
        if line.startswith("COMPLETE") and killed is None:
            nodes.kill_head()
            killed = time.monotonic()
    driver.communicate()
    text = "".join(lines)
    assert killed is not None
    print(f"the command ends {time.monotonic() - killed:.1f} s after the head")
    assert driver.returncode == 1, text
    assert "stopped: the head of the Ray cluster has died; what has ended is kept" in text
    assert "stopped; go on with: " in text
    assert "Traceback" not in text
    assert world.rows("ledger.db", "SELECT count(*) FROM attempt WHERE state = 'RUNNING'") == [(0,)]
    assert world.rows("ledger.db", "SELECT state FROM sweep") == [("INTERRUPTED",)]
    nodes.close()
    again = nodes_of(1, 1)
    result = kdsweep(*on(world, again), cwd=world.folder, **again.settings)
    assert result.returncode == 0, result.stdout + result.stderr
    assert world.table == undisturbed
    world.check()
