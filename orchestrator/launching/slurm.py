"""A job script for Slurm: complete, commented, submitted as it is printed.

Its head is made here; what it does stands beside this file: slurm_begin.sh, then slurm_ray.sh for several nodes or
slurm_alone.sh for one, then slurm_run.sh.
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.launching.job import LaunchError, Nodes, Work, checked, exported, program, quoted

EARLY_SECONDS, LEAST_EARLY_SECONDS = 120, 30
"""So long before the time is up a job is asked to stop, and at least so long where it has little time."""
TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d+))?(?::(?P<third>\d+))?")
ARRAY = re.compile(r"\d+(-\d+(:\d+)?)?(,\d+(-\d+(:\d+)?)?)*(%\d+)?")
SUBMIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What else is asked of Slurm; None: what it gives by itself."""

    time: str | None = None
    partition: str | None = None
    account: str | None = None
    array: str | None = None
    others: tuple[str, ...] = ()
    """Options of sbatch, as its command line takes them."""


def slurm_script(work: Work, nodes: Nodes, limits: Limits) -> str:
    """Return a script for sbatch.

    Raises:
        SweepFileError, LaunchError: what it is to run, or asks for, cannot be.
    """
    _check(limits)
    names = [sweep.name for sweep in checked(work, nodes)]
    command, packages = program()
    parts = [
        "#!/bin/bash",
        f"# Runs {', '.join(path.name for path in work.files)}. Submit it with sbatch, again and again: it goes on.",
        *(f"#SBATCH {option}" for option in _options(names[0], nodes, limits)),
        "",
        "# What the nodes need before anything runs, such as `module load`, goes here.",
        "",
        f"KDSWEEP=({quoted(command)})",
        f"SWEEPS=({quoted([str(path) for path in work.files])})",
        f"OPTIONS=({quoted(work.options())})",
        *exported(),
        *([f"export PYTHONPATH={quoted([packages])}${{PYTHONPATH:+:$PYTHONPATH}}"] if packages else []),
        "",
        *map(_part, ("slurm_begin.sh", "slurm_ray.sh" if nodes.count > 1 else "slurm_alone.sh", "slurm_run.sh")),
    ]
    return "\n".join(parts)


def submit(script: str) -> str:
    """Give a script to Slurm; return its answer.

    Raises:
        LaunchError: Slurm is not here, or does not take it.
    """
    sbatch = shutil.which("sbatch")
    if sbatch is None:
        raise LaunchError("sbatch is not on this machine: print the script, and submit it where Slurm is")
    try:
        done = subprocess.run(  # noqa: S603 (the program of that name)
            [sbatch], input=script, capture_output=True, text=True, check=False, timeout=SUBMIT_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise LaunchError(f"sbatch has not answered within {SUBMIT_SECONDS:g} s; squeue says what it took") from error
    if done.returncode:
        raise LaunchError(f"Slurm does not take the job: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout.strip()


def _part(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8").rstrip() + "\n"


def _check(limits: Limits) -> None:
    if limits.time is not None and _seconds(limits.time) is None:
        raise LaunchError(f"--time must be as Slurm takes it, such as 90, 8:00:00 or 2-12:00:00, got {limits.time!r}")
    if limits.array is not None and not ARRAY.fullmatch(limits.array):
        raise LaunchError(f"--array must be as Slurm takes it, such as 1-4%1, got {limits.array!r}")
    for word in limits.others:
        if not word.startswith("-") or "\n" in word:
            raise LaunchError(f"--sbatch must be an option of sbatch, such as --sbatch=--qos=long, got {word!r}")


def _options(name: str, nodes: Nodes, limits: Limits) -> Iterator[str]:
    yield f"--job-name={name}"
    yield "--output=%x-%j.log"
    yield f"--nodes={nodes.count}"
    yield "--ntasks-per-node=1"
    if nodes.cpus is not None:
        yield f"--cpus-per-task={nodes.cpus}"
    if nodes.gpus:
        yield f"--gpus-per-node={nodes.gpus}"
    if limits.time is not None:
        yield f"--time={limits.time}"
    for option, value in (("partition", limits.partition), ("account", limits.account), ("array", limits.array)):
        if value is not None:
            yield f"--{option}={shlex.quote(value)}"
    yield f"--signal=B:TERM@{_early(limits.time)}  # asked to stop so many seconds before the time is up"
    yield "--requeue  # goes back into the queue by itself: after that, and after preemption"
    yield "--open-mode=append  # and writes on in its log"
    if nodes.count > 1:
        yield "--no-kill  # a node that dies takes its trials with it, not the job"
    for other in limits.others:
        option, is_set, value = other.partition("=")
        yield f"{option}={shlex.quote(value)}" if is_set else option


def _early(time: str | None) -> int:
    seconds = None if time is None else _seconds(time)
    return EARLY_SECONDS if seconds is None else min(EARLY_SECONDS, max(LEAST_EARLY_SECONDS, seconds // 4))


def _seconds(time: str) -> int | None:
    """Return what Slurm takes a time for: M, M:S, H:M:S, D-H, D-H:M or D-H:M:S; None where it is none."""
    found = TIME.fullmatch(time)
    if found is None:
        return None
    parts = [int(found[name]) for name in ("first", "second", "third") if found[name] is not None]
    if found["days"] is not None:
        hours, minutes, seconds = [*parts, 0, 0][:3]
        return ((int(found["days"]) * 24 + hours) * 60 + minutes) * 60 + seconds
    if len(parts) == 3:
        return (parts[0] * 60 + parts[1]) * 60 + parts[2]
    return parts[0] * 60 + (parts[1] if len(parts) == 2 else 0)
