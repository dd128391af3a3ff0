"""Runs the command line in a process of its own, as a user would."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = Path(__file__).parent / "plugin"


def environment(**extra: str) -> dict[str, str]:
    """Return the environment of a user: no tracking server, no cluster, the test's plug-in installed."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "KDSWEEP_", "RAY_", "TUNE_", "SLURM_"))}
    return {**keep, "PYTHONPATH": str(PLUGIN), **extra}


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(ROOT / "run_sweep.py"), *map(str, arguments)]


def kdsweep(*arguments: object, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command(*arguments), cwd=cwd, env=environment(**extra), capture_output=True, text=True, timeout=300, check=False
    )


def start(*arguments: object, cwd: Path, **extra: str) -> subprocess.Popen[str]:
    """Start a command in a session of its own."""
    return subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        env=environment(**extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
