"""A Ray cluster of several raylets that is not ours: used, left as it is, and gone on with when a node of it dies."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.world import World
from tests.orchestrator.cli import environment, kdsweep, start
from tests.servers.ports import free_port, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


class RayNodes:
    """Raylets of one cluster on this machine, each with one core; they share a token of their own."""

    def __init__(self, folder: Path) -> None:
        token = folder / "token"
        token.write_text("0123456789abcdef" * 4)
        token.chmod(0o600)
        self.settings = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        self.address = f"127.0.0.1:{free_port()}"
        self._ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--num-cpus", "1", "--disable-usage-stats"]
        self._nodes: list[subprocess.Popen[bytes]] = []
        port = self.address.rpartition(":")[2]
        self._start("--head", "--port", port, "--node-ip-address", "127.0.0.1", "--include-dashboard", "false")
        self._start("--address", self.address, "--node-ip-address", "127.0.0.1")

    def _start(self, *arguments: str) -> None:
        command = [*self._ray, "--block", *arguments]
        before = len(self._raylets())
        self._nodes.append(
            subprocess.Popen(
                command,
                env=environment(**self.settings),
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

    def kill_second(self) -> None:
        self._raylets()[1].kill()

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
def nodes(tmp_path: Path) -> Iterator[RayNodes]:
    cluster = RayNodes(tmp_path)
    yield cluster
    cluster.close()


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
    assert "RAY_AUTH_MODE=token" in result.stderr
    assert "Traceback" not in result.stderr
