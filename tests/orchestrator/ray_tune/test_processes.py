"""The processes of a cluster: found by their mark and their descent, and no others are touched."""

import os
import subprocess
import sys
from pathlib import Path

from orchestrator.ray_tune.processes import address_in_job, descendants, kill, left_behind, marked

SLEEPER = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]
PARENT = [sys.executable, "-c", f"import subprocess; subprocess.run({SLEEPER!r})"]


def started(command: list[str]) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    process.stdout.readline()  # it and what it starts are there
    return process


def test_what_bears_the_mark_of_the_home_is_found_and_nothing_else(tmp_path: Path):
    with marked(tmp_path / "ours"):
        ours = started(PARENT)
    with marked(tmp_path / "theirs"):
        theirs = started(SLEEPER)
    unmarked = started(SLEEPER)
    try:
        found = left_behind(tmp_path / "ours")
        assert ours.pid in {process.pid for process in found}
        assert len(found) == 2
        assert set(found) == descendants([ours.pid])
        kill(set(found))
        assert not any(process.is_running() for process in found)
        assert left_behind(tmp_path / "ours") == []
        assert theirs.poll() is None
        assert unmarked.poll() is None
    finally:
        for process in (ours, theirs, unmarked):
            kill(descendants([process.pid]))
            process.communicate()


def test_the_cluster_of_a_slurm_job_is_found_and_no_other(tmp_path: Path):
    """By a program that is called as Ray's is, and is told what Ray's is told."""
    raylet, job = tmp_path / "raylet", {"SLURM_JOB_ID": f"test-{os.getpid()}"}
    raylet.write_text("#!/bin/sh\necho\nread line\n")
    raylet.chmod(0o700)

    def start(port: int, **environment: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [raylet, f"--gcs-address=10.0.0.1:{port}"],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        process.stdout.readline()  # it is the script by now
        return process

    with marked(tmp_path / "home"):
        started_ones = [start(1, **job)]  # of a driver of ours: nobody else's
    started_ones.append(start(2, SLURM_JOB_ID="another"))
    try:
        assert address_in_job(job) is None
        started_ones.append(start(3, **job))
        assert address_in_job(job) == "10.0.0.1:3"
        assert address_in_job({}) is None
    finally:
        for process in started_ones:
            process.communicate()
