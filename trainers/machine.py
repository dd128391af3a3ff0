"""What of the machine this process may use: cores and memory, by affinity and the limits of its control groups.

A job of Slurm, a container or a systemd slice sees all of a node's cores and memory and may use a part of them.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

UNLIMITED_BYTES = 2**60
"""Version 1 of control groups writes "no limit" as a number that no machine has."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a machine has, and what of it this process may use."""

    cores: int
    """That may be used at a time; 1 or more."""
    cores_there: int
    memory_bytes: int | None
    """That may be used; None where the system does not tell."""
    memory_there: int | None

    def __str__(self) -> str:
        cores = f"{self.cores} cores" if self.cores != 1 else "1 core"
        if self.cores < self.cores_there:
            cores = f"{self.cores} of {self.cores_there} cores may be used"
        if self.memory_bytes is None or self.memory_there is None:
            return cores
        memory = f"{self.memory_bytes / 2**30:.1f} GiB memory"
        if self.memory_bytes < self.memory_there:
            memory = f"{self.memory_bytes / 2**30:.1f} of {self.memory_there / 2**30:.1f} GiB memory"
        return f"{cores}, {memory}"


def usable_cores() -> int:
    """Return how many cores this process may use at a time: 1 or more."""
    return allowance().cores


def allowance(
    root: Path = Path("/"),
    affinity: Callable[[], int | None] | None = None,
    count: Callable[[], int | None] = os.cpu_count,
    environment: Mapping[str, str] = os.environ,
) -> Allowance:
    """Return what this process may use.

    Args:
        root: folder that holds /proc and the control groups.
        affinity: gives the cores that the process is bound to, None where the system does not tell; by default asked
            of the system.
        count: gives the cores of the machine, None where the system does not tell.
        environment: in which Slurm says how many cores a job was given, which it need not be bound to.
    """
    bound, there = (affinity or _affinity)(), count()
    most = [number for number in (bound, there, _of_job(environment)) if number]
    quotas = [number for number in _quotas(root) if number > 0]
    cores = max(1, min([*most, *(int(quota + 1e-6) for quota in quotas)], default=1))
    total = _total_memory(root)
    limits = [limit for limit in _memory_limits(root) if 0 < limit < UNLIMITED_BYTES]
    usable = min([*limits, *([total] if total else [])], default=None)
    return Allowance(cores, max(there or 1, cores), usable, max(total, usable) if total and usable else total)


def _affinity() -> int | None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _of_job(environment: Mapping[str, str]) -> int | None:
    """Return the cores that Slurm gave a task of this job, or the job on this node; None outside of one."""
    given = environment.get("SLURM_CPUS_PER_TASK") or environment.get("SLURM_CPUS_ON_NODE", "")
    return int(given) if given.isdecimal() else None


def _quotas(root: Path) -> Iterator[float]:
    """Yield cores that control groups allow in the mean over their period, of the process's group and those above."""
    for folder in _folders(root, "cpu"):
        words = _words(folder / "cpu.max")
        if len(words) == 2 and words[0].isdecimal() and words[1].isdecimal() and int(words[1]):
            yield int(words[0]) / int(words[1])
        quota, period = _words(folder / "cpu.cfs_quota_us"), _words(folder / "cpu.cfs_period_us")
        if quota and period and quota[0].isdecimal() and period[0].isdecimal() and int(period[0]):  # -1: no limit
            yield int(quota[0]) / int(period[0])


def _memory_limits(root: Path) -> Iterator[int]:
    for folder in _folders(root, "memory"):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            words = _words(folder / name)
            if words and words[0].isdecimal():
                yield int(words[0])


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of the control groups that limit this process, its own first, of both versions.

    A container sees its own group as the mount's top, under whatever path the host knows it by.
    """
    groups = [line.split(":", 2) for line in _lines(root / "proc/self/cgroup")]
    paths = {names: path for number, names, path in (group for group in groups if len(group) == 3)}
    for mount_root, point, kind, options in _cgroup_mounts(root):
        if kind == "cgroup2":
            path = paths.get("")
        elif controller in options:
            path = next((found for names, found in paths.items() if controller in names.split(",")), None)
        else:
            path = None
        if path is None:
            continue
        top = root / point.lstrip("/")
        inside = path.removeprefix(mount_root) if mount_root != "/" and path.startswith(mount_root) else path
        folder = top / inside.strip("/")
        if ".." in folder.parts or not folder.is_dir():
            folder = top
        while True:
            yield folder
            if folder == top:
                break
            folder = folder.parent


def _cgroup_mounts(root: Path) -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield root, mount point, kind and options of every mounted hierarchy of control groups."""
    for line in _lines(root / "proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        left, right = before.split(), after.split()
        if len(left) >= 5 and len(right) >= 3 and right[0] in ("cgroup", "cgroup2"):
            yield left[3], left[4].replace("\\040", " "), right[0], right[2].split(",")


def _total_memory(root: Path) -> int | None:
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None


def _words(path: Path) -> list[str]:
    lines = _lines(path)
    return lines[0].split() if lines else []


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []


OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that there was no memory left, on a device or in the machine."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in OUT_OF_MEMORY)
    )
