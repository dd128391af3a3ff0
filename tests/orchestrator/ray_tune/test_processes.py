"""The processes of a cluster: found by their mark and their descent, and no others are touched."""

import subprocess
import sys
from pathlib import Path

from orchestrator.ray_tune.processes import descendants, kill, left_behind, marked

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
