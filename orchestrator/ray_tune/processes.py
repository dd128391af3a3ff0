"""The processes that a local Ray cluster of ours consists of: found again whatever has happened, and ended.

Ray's processes inherit a mark in their environment, and with it the home that they work for. A worker overwrites its
environment when it names itself, so what descends from Ray's processes is remembered too.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

MARK = "KDSWEEP_CLUSTER_OF"
WAIT_SECONDS = 3.0
HEAD = "--gcs-address="
"""What a raylet is told of its cluster's head."""


@contextlib.contextmanager
def marked(home: Path) -> Iterator[None]:
    """Mark every process that is started in the block, and what those start, as working for this home."""
    os.environ[MARK] = str(home)
    try:
        yield
    finally:
        del os.environ[MARK]


def left_behind(home: Path) -> list[psutil.Process]:
    """Return the processes that bear the mark of this home. Whoever holds the home's lock knows that no other driver
    needs them."""
    return [process for process in psutil.process_iter() if _works_for(process, home)]


def _works_for(process: psutil.Process, home: Path) -> bool:
    try:
        return process.environ().get(MARK) == str(home)
    except (psutil.Error, OSError):
        return False


def address_in_job(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the address of the Ray cluster that runs on this node in the Slurm job that we are in; None where none
    does, or we are in no job. One of a driver of ours is its own."""
    job = environment.get("SLURM_JOB_ID")
    if not job:
        return None
    for process in psutil.process_iter(["name"]):
        if process.info["name"] != "raylet":
            continue
        with contextlib.suppress(psutil.Error, OSError):
            around = process.environ()
            told = [word.removeprefix(HEAD) for word in process.cmdline() if word.startswith(HEAD)]
            if around.get("SLURM_JOB_ID") == job and MARK not in around and told:
                return told[0]
    return None


def descendants(pids: list[int]) -> set[psutil.Process]:
    """Return the processes of these numbers and all that descend from them."""
    found: set[psutil.Process] = set()
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            found |= {process, *process.children(recursive=True)}
    return found


def kill(processes: set[psutil.Process]) -> None:
    """End the processes at once and wait until they are gone. A number that another process has got since is left
    alone: psutil compares the times of their starts."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(list(processes), timeout=WAIT_SECONDS)
