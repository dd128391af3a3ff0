"""A Slurm of this host, for one test module: jobs are submitted, looked at and waited for."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.faults.world import World
from tests.orchestrator.cli import command, environment
from tests.servers.ports import wait_until

HERE = Path(__file__).parent / "slurm"
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "ip", "unshare")
ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED"})
JOB_SECONDS = 400


def missing() -> str:
    """Return why there can be no Slurm here; empty where there can."""
    if os.geteuid() != 0:
        return "a Slurm of this host needs root"
    absent = [name for name in NEEDED if shutil.which(name) is None]
    return f"{', '.join(absent)} not here: apt-get install slurm-wlm munge iproute2" if absent else ""


class Slurm:
    """A Slurm with nodes node1, node2, ...

    Args:
        folder: that all of it lies in; removed at the end.
        options: of start-slurm.sh.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        subprocess.run([HERE / "start-slurm.sh", *options, folder], check=True, timeout=120)
        ours = folder / "bin"
        self._settings = environment(
            SLURM_CONF=str(folder / "slurm.conf"),
            PATH=f"{ours}:{os.environ['PATH']}",
            RAY_worker_niceness="0",  # this host has other things to do
        )

    def close(self) -> None:
        subprocess.run([HERE / "stop-slurm.sh", "--remove", self.folder], check=False, timeout=120)

    def ask(self, *words: object) -> str:
        """Return what a client of Slurm, or crash, boot or inside, prints."""
        called = [self.folder / "bin" / str(words[0]), *map(str, words[1:])]
        done = subprocess.run(called, env=self._settings, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.strip()

    def script(self, world: World, *options: object, cpus: int = 2) -> str:
        """Return the script that `launch slurm` prints for a home.

        Args:
            cpus: of a node.
        """
        done = subprocess.run(
            command("launch", "slurm", world.file, "--home", world.home, "--cpus-per-node", cpus, *options),
            cwd=world.folder,
            env=self._settings,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return done.stdout

    def log(self, world: World, job: int | str) -> str:
        """Return what a job has printed by now."""
        path = world.folder / f"faulty-{job}.log"
        return path.read_text() if path.exists() else ""

    def until_said(self, world: World, job: int | str, words: str, seconds: float = 200) -> None:
        wait_until(lambda: words in self.log(world, job), f"{words!r} in the log of job {job}", seconds, 0.2)

    def submit(self, script: str, *options: str, cwd: Path) -> int:
        """Submit a script as it is; return the job's number."""
        done = subprocess.run(
            [self.folder / "bin" / "sbatch", "--parsable", *options],
            input=script,
            cwd=cwd,
            env=self._settings,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return int(done.stdout.split(";")[0])

    def shown(self, job: int | str) -> dict[str, str]:
        """Return what Slurm knows of a job."""
        words = self.ask("scontrol", "show", "job", "-o", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def state(self, job: int | str) -> str:
        return self.shown(job)["JobState"]

    def restarts(self, job: int | str) -> int:
        return int(self.shown(job)["Restarts"])

    def wait(self, *jobs: int | str, seconds: float = JOB_SECONDS) -> list[dict[str, str]]:
        """Wait until jobs have ended; return what Slurm knows of them."""
        wait_until(lambda: all(self.state(job) in ENDED for job in jobs), f"jobs {jobs} end", seconds, 1.0)
        return [self.shown(job) for job in jobs]

    def processes(self, host: str) -> Sequence[str]:
        """Return the command lines of the processes on a node that has its own."""
        return self.ask("inside", host, "ps", "-eo", "args").splitlines()
