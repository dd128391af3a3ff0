"""A home under a command line that gets killed, stopped and starved; and what must hold of it in the end."""

import os
import signal
import sqlite3
import subprocess
import textwrap
from collections.abc import Sequence
from pathlib import Path

import optuna
import psutil

from orchestrator.ray_tune.processes import left_behind
from tests.orchestrator.cli import kdsweep, start

STALL_SECONDS = 30
"""Long enough for a machine that does other things, too: a worker that only waits for a core has not stalled."""
SWEEP = f"""
name: faulty
dataset: digits100
pairs: tinyresnet -> tinycnn
teachers: {{tinyresnet: {{recipe: {{base: digits-teacher, epochs: 2}}}}}}
recipe: {{base: digits, epochs: 4}}
methods:
  ce:
  gdkd (by k): {{method: gdkd, k: {{grid: [1, 20]}}}}
  gdkd (tuned): {{method: gdkd, k: {{low: 1, high: 30, log: true}}}}
search: {{trials: 6, parallel: 2, sampler: tpe, pruner: median}}
seeds: 2
resources: {{stall_seconds: {STALL_SECONDS}}}
"""
END_SECONDS = 300


class World:
    """One home and the command that works in it.

    Args:
        more: further lines of the sweep file.
    """

    def __init__(self, folder: Path, text: str = SWEEP, workers: int = 2) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.home = folder / "home"
        self.file = folder / "faulty.yaml"
        self.file.write_text(textwrap.dedent(text))
        self.arguments: Sequence[object] = ("run", self.file, "--home", self.home, "--workers", workers)

    def start(self) -> "subprocess.Popen[str]":
        """Start the command."""
        return start(*self.arguments, cwd=self.folder)

    def run(self) -> "subprocess.CompletedProcess[str]":
        """Run the command to its end."""
        return kdsweep(*self.arguments, cwd=self.folder)

    @property
    def table(self) -> bytes:
        return (self.home / "reports" / "faulty" / "table.csv").read_bytes()

    def rows(self, database: str, sql: str) -> list[tuple]:
        connection = sqlite3.connect(f"file:{self.home / database}?mode=ro", uri=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def check(self) -> None:
        """Hold that nothing is lost, nothing is there twice, and nothing is left behind."""
        states = dict(self.rows("ledger.db", "SELECT key, state FROM trial"))
        assert set(states.values()) <= {"COMPLETE", "PRUNED"}, states
        assert self.rows("ledger.db", "SELECT count(*) FROM outbox") == [(0,)]
        assert self.rows("ledger.db", "SELECT count(*) FROM attempt WHERE state = 'RUNNING'") == [(0,)]
        runs = self.rows(
            "mlflow.db",
            "SELECT t.value, r.status FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'trial_key' "
            "WHERE r.lifecycle_stage = 'active'",
        )
        assert sorted(key for key, _ in runs) == sorted(states)
        assert {status for _, status in runs} <= {"FINISHED", "KILLED"}
        assert self.rows("mlflow.db", "SELECT count(*) FROM runs WHERE status = 'RUNNING'") == [(0,)]
        self._check_epochs()
        self._check_proposals()
        assert not left_behind(self.home)
        assert not [*self.home.glob("checkpoints/*/epoch-*")] or "PRUNED" in states.values()
        assert not [*self.home.glob("weights/.*.tmp")]

    def _check_epochs(self) -> None:
        """One value an epoch and metric, in the ledger and in MLflow."""
        points = self.rows("mlflow.db", "SELECT run_uuid, key, step, count(*) FROM metrics GROUP BY 1, 2, 3")
        assert {count for *_, count in points} == {1}

    def _check_proposals(self) -> None:
        """One Optuna trial a proposal."""
        proposals = self.rows("ledger.db", "SELECT study, number FROM proposal")
        url = f"sqlite:///{self.home / 'optuna.db'}"
        told = [
            trial.user_attrs["proposal"] for study in optuna.get_all_study_names(url) for trial in trials(study, url)
        ]
        assert sorted(told) == sorted(number for _, number in proposals)


def trials(study: str, url: str) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=study, storage=url).trials


def processes(driver: "subprocess.Popen[str]", kind: str) -> list[psutil.Process]:
    """Return the driver itself, its raylet or its workers; none where they are not there yet or any more."""
    try:
        if kind == "driver":
            return [psutil.Process(driver.pid)]
        every = psutil.Process(driver.pid).children(recursive=True)
        if kind == "raylet":
            return [process for process in every if process.name() == "raylet"]
        return [process for process in every if "Trainable" in process.name()]
    except psutil.Error:
        return []


def send(process: psutil.Process, number: signal.Signals) -> bool:
    """Send a signal to one process; return whether it was still there."""
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True
