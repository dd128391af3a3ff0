"""Job scripts for Slurm: what is asked for stands in them, what cannot be is refused, a stop is followed to its end.

Scripts run here with programs of those names that only note how they were called; `make test-cluster` has a real Slurm.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from orchestrator.launching.job import LaunchError, Nodes, Work
from orchestrator.launching.slurm import Limits, _early, slurm_script, submit
from search_spaces import SweepFileError

SWEEP = """
name: ours.v2
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 1}
seeds: 1
methods: {ce: }
resources: {cpus: 2, gpus: %s}
"""
RUN = """#!/bin/bash
[[ $1 == run ]] || exit 99
echo "$@" > "$(dirname "$0")/called"
trap 'echo asked; exit %d' TERM
echo begun
while :; do sleep 0.05; done
"""


@pytest.fixture
def work(tmp_path: Path) -> Work:
    file = tmp_path / "it's a sweep.yaml"
    file.write_text(SWEEP % 0)
    return Work(files=(file,), home=tmp_path / "my home", overrides=("seeds=2",))


def directives(script: str) -> list[str]:
    lines = [line for line in script.splitlines() if line.startswith("#SBATCH")]
    return [line.split(maxsplit=1)[1].split("  #")[0] for line in lines]


def test_what_is_asked_for_stands_in_it(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDSWEEP_DATA", "/data/all sets")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:hunter2@host:5000")
    limits = Limits(time="8:00:00", partition="gpu", account="us", array="1-4%1", others=("--qos=long",))
    script = slurm_script(work, Nodes(count=2, gpus=4, cpus=16), limits)
    assert directives(script) == [
        "--job-name=ours.v2",
        "--output=%x-%j.log",
        "--nodes=2",
        "--ntasks-per-node=1",
        "--cpus-per-task=16",
        "--gpus-per-node=4",
        "--time=8:00:00",
        "--partition=gpu",
        "--account=us",
        "--array=1-4%1",
        "--signal=B:TERM@120",
        "--requeue",
        "--open-mode=append",
        "--no-kill",
        "--qos=long",
    ]
    assert "export KDSWEEP_DATA='/data/all sets'" in script
    assert "hunter2" not in script and "# MLFLOW_TRACKING_URI holds a password" in script
    assert f"OPTIONS=(--home '{work.home}' --set seeds=2 --wait-lock 60)" in script


@pytest.mark.parametrize("nodes", [1, 2])
def test_bash_reads_it(work: Work, nodes: int) -> None:
    script = slurm_script(work, Nodes(count=nodes), Limits())
    assert script.isascii()
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    shown = subprocess.run(
        ["bash"], input=script.split("# --- ")[0] + 'printf "%s\\n" "${SWEEPS[@]}"', text=True, stdout=subprocess.PIPE
    )
    assert shown.stdout == f"{work.files[0]}\n"


@pytest.mark.parametrize(
    ("time", "seconds"),
    [("1", 30), ("4:00", 60), ("10", 120), ("0:30", 30), ("1-0", 120), ("1-12:30", 120), ("8:00:00", 120)],
)
def test_it_is_asked_to_stop_early_enough(time: str, seconds: int) -> None:
    assert _early(time) == seconds


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(time="8h"), "--time must be as Slurm takes it"),
        (Limits(time="1-2-3"), "--time must be as Slurm takes it"),
        (Limits(array="1-"), "--array must be as Slurm takes it"),
        (Limits(others=("qos=long",)), "--sbatch must be an option of sbatch"),
        (Limits(others=("--qos=long\nrm -rf x",)), "--sbatch must be an option of sbatch"),
    ],
)
def test_what_slurm_would_not_take_is_refused(work: Work, limits: Limits, message: str) -> None:
    with pytest.raises(LaunchError, match=message):
        slurm_script(work, Nodes(), limits)


@pytest.mark.parametrize(
    ("gpus", "nodes", "message"),
    [
        ("0", Nodes(cpus=1), "resources.cpus asks for 2 cores a trial, --cpus-per-node gives 1"),
        ("1", Nodes(), "resources.gpus asks for 1 a trial, and nothing asks for GPUs; give --gpus-per-node"),
        ("4", Nodes(gpus=2), "resources.gpus asks for 4 a trial, and the job has 2"),
        ("0, ranks: 3", Nodes(count=2, cpus=3), "resources.ranks asks for 3 times 2 cores, the job's nodes have less"),
    ],
)
def test_a_trial_that_fits_into_no_node_is_refused(work: Work, gpus: str, nodes: Nodes, message: str) -> None:
    work.files[0].write_text(SWEEP % gpus)
    with pytest.raises(LaunchError, match=message):
        slurm_script(work, nodes, Limits())


def test_a_wrong_file_does_not_wait_in_a_queue(work: Work) -> None:
    work.files[0].write_text(SWEEP % 1.5)
    with pytest.raises(SweepFileError, match=r"resources\.gpus"):
        slurm_script(work, Nodes(gpus=2), Limits())


def test_where_there_is_no_slurm(work: Work, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LaunchError, match="sbatch is not on this machine"):
        submit("#!/bin/bash")
    (tmp_path / "sbatch").write_text("#!/bin/sh\necho sbatch: error: invalid partition >&2\nexit 1\n")
    (tmp_path / "sbatch").chmod(0o700)
    with pytest.raises(LaunchError, match="Slurm does not take the job: sbatch: error: invalid partition"):
        submit("#!/bin/bash")


class Job:
    """The script of one node, run here; Slurm's clients note what they are asked.

    Args:
        code: that `kdsweep run` ends with when it is asked to stop.
        state: of the job, as squeue says it.
        told: of its environment.
    """

    def __init__(self, script: str, folder: Path, code: int, state: str, **told: str) -> None:
        self.notes = folder / "notes"
        self.notes.touch()
        self.called = folder / "called"
        number = f"t{os.getpid()}"
        for name, text in {
            "squeue": f"#!/bin/sh\necho {state}\n",
            "scontrol": f'#!/bin/sh\necho "$@" >> {self.notes}\n',
            "kdsweep": RUN % code,
        }.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o700)
        lines = script.splitlines()
        lines = [f"KDSWEEP=({folder / 'kdsweep'})" if line.startswith("KDSWEEP=") else line for line in lines]
        self.requeue = f"requeue {number}\n"
        self._process = subprocess.Popen(
            ["bash", "-c", "\n".join(lines)],
            env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "SLURM_JOB_ID": number} | told,
            stdout=subprocess.PIPE,
            text=True,
        )

    def stopped(self, times: int) -> tuple[int, str]:
        """Ask it to stop, once it has begun; return its exit code and what it printed."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "begun\n"
        for _ in range(times):
            self._process.send_signal(signal.SIGTERM)
        text, _ = self._process.communicate(timeout=30)
        return self._process.returncode, text


@pytest.mark.parametrize(
    ("code", "state", "ends", "requeued"),
    [
        (143, "RUNNING", 143, True),
        (1, "RUNNING", 143, True),  # it was asked to stop, and had trouble besides
        (0, "RUNNING", 0, False),  # it was through
        (2, "RUNNING", 2, False),
        (143, "COMPLETING", 143, False),  # cancelled, or preempted and in the queue already
    ],
)
def test_a_stop_is_followed_to_its_end(
    work: Work, tmp_path: Path, code: int, state: str, ends: int, requeued: bool
) -> None:
    job = Job(slurm_script(work, Nodes(), Limits()), tmp_path, code, state)
    found, text = job.stopped(times=1)
    assert found == ends, text
    assert "asked" in text
    assert job.notes.read_text() == (job.requeue if requeued else "")
    assert not [*Path("/tmp").glob(f"kdsweep-t{os.getpid()}*")]


@pytest.mark.parametrize(("left", "ends"), [(60, 2), (3600, 143)])
def test_without_an_epoch_it_goes_back_once_where_its_time_was_up(
    work: Work, tmp_path: Path, left: int, ends: int
) -> None:
    told = {"SLURM_RESTART_COUNT": "1", "SLURM_JOB_END_TIME": str(int(time.time()) + left)}
    job = Job(slurm_script(work, Nodes(), Limits()), tmp_path, 2, "RUNNING", **told)
    assert job.stopped(times=1)[0] == ends
    assert job.notes.read_text() == (job.requeue if ends == 143 else "")
    assert "--need-progress" in job.called.read_text()


def test_signals_that_come_again_change_nothing(work: Work, tmp_path: Path) -> None:
    began = time.monotonic()
    job = Job(slurm_script(work, Nodes(), Limits()), tmp_path, 143, "RUNNING")
    assert job.stopped(times=3)[0] == 143
    assert job.notes.read_text() == job.requeue
    assert time.monotonic() - began < 30
