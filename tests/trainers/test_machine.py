"""What of the machine may be used: affinity and quotas of control groups, of both versions, by readings put there."""

import os
from pathlib import Path

import pytest

from trainers.machine import Allowance, allowance, usable_cores

V2_MOUNT = "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
V1_MOUNTS = (
    "31 24 0:27 {root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 24 0:28 {root} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)
GIB = 2**30


def machine(root: Path, files: dict[str, str], memory_gib: int = 64) -> Path:
    for name, text in {"proc/meminfo": f"MemTotal: {memory_gib * 2**20} kB\nMemFree: 5 kB\n", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def seen(root: Path, *, bound: int | None = 64, count: int | None = 64, **environment: str) -> Allowance:
    return allowance(root, lambda: bound, lambda: count, environment)


def v2(root: Path, group: str, **files: str) -> Path:
    at = {f"sys/fs/cgroup{name}": text for name, text in files.items()}
    return machine(root, {"proc/self/cgroup": f"0::{group}\n", "proc/self/mountinfo": V2_MOUNT, **at})


def test_without_any_limit(tmp_path: Path) -> None:
    assert seen(machine(tmp_path, {})) == Allowance(64, 64, 64 * GIB, 64 * GIB)
    assert str(seen(tmp_path)) == "64 cores, 64.0 GiB memory"


def test_affinity(tmp_path: Path) -> None:
    found = seen(machine(tmp_path, {}), bound=3)
    assert (found.cores, found.cores_there) == (3, 64)
    assert str(found).startswith("3 of 64 cores may be used")


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("200000 100000", 2),
        ("150000 100000", 1),
        ("50000 100000", 1),
        ("max 100000", 64),
        ("6400000 50000", 64),
        ("0 0", 64),
        ("", 64),
        ("300000 100000\n", 3),
    ],
)
def test_a_quota_of_version_2(tmp_path: Path, text: str, cores: int) -> None:
    assert seen(v2(tmp_path, "/a/b", **{"/a/b/cpu.max": text})).cores == cores


def test_the_tightest_of_the_groups_above_holds(tmp_path: Path) -> None:
    limits = {"/a/cpu.max": "200000 100000", "/a/b/cpu.max": "800000 100000", "/a/b/c/cpu.max": "max 100000"}
    memory = {"/a/memory.max": str(8 * GIB), "/a/b/memory.max": "max", "/a/b/c/memory.high": str(6 * GIB)}
    found = seen(v2(tmp_path, "/a/b/c", **limits, **memory), bound=16)
    assert (found.cores, found.memory_bytes, found.memory_there) == (2, 6 * GIB, 64 * GIB)
    assert str(found) == "2 of 64 cores may be used, 6.0 of 64.0 GiB memory"


def test_a_container_whose_group_is_the_top(tmp_path: Path) -> None:
    """Its path is the host's: there is no such folder in what the container sees."""
    assert seen(v2(tmp_path, "/../../docker/c0ffee", **{"/cpu.max": "400000 100000"})).cores == 4
    assert seen(v2(tmp_path, "/docker/c0ffee", **{"/cpu.max": "400000 100000"})).cores == 4


@pytest.mark.parametrize("group", ["/slurm/job_7", "/"])
@pytest.mark.parametrize("root", ["/", "/slurm/job_7"])
def test_version_1(tmp_path: Path, group: str, root: str) -> None:
    place = group.strip("/") if root == "/" else ""
    files = {
        "proc/self/cgroup": f"11:memory:{group}\n4:cpu,cpuacct:{group}\n1:name=systemd:/x\n",
        "proc/self/mountinfo": V1_MOUNTS.format(root=root),
        f"sys/fs/cgroup/cpu,cpuacct/{place}/cpu.cfs_quota_us": "250000\n",
        f"sys/fs/cgroup/cpu,cpuacct/{place}/cpu.cfs_period_us": "100000\n",
        f"sys/fs/cgroup/memory/{place}/memory.limit_in_bytes": f"{4 * GIB}\n",
    }
    found = seen(machine(tmp_path, files))
    assert (found.cores, found.memory_bytes) == (2, 4 * GIB)


def test_no_limit_in_version_1(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "11:memory:/\n4:cpu,cpuacct:/\n",
        "proc/self/mountinfo": V1_MOUNTS.format(root="/"),
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    }
    assert seen(machine(tmp_path, files)) == Allowance(64, 64, 64 * GIB, 64 * GIB)


def test_a_system_that_tells_nothing(tmp_path: Path) -> None:
    assert seen(tmp_path, bound=None, count=None) == Allowance(1, 1, None, None)
    assert str(seen(tmp_path, bound=None, count=None)) == "1 core"
    assert seen(tmp_path, bound=None, count=8).cores == 8


def test_what_slurm_gave_a_job_that_it_does_not_bind(tmp_path: Path) -> None:
    assert seen(tmp_path, SLURM_CPUS_ON_NODE="16").cores == 16
    assert seen(tmp_path, SLURM_CPUS_ON_NODE="16", SLURM_CPUS_PER_TASK="4").cores == 4
    assert seen(tmp_path, bound=2, SLURM_CPUS_PER_TASK="4").cores == 2
    assert seen(tmp_path, SLURM_CPUS_PER_TASK="4(x2)").cores == 64


def test_this_machine() -> None:
    assert 1 <= usable_cores() <= len(os.sched_getaffinity(0))


def test_nothing_else_counts_cores() -> None:
    """A count of the machine's cores or memory is not what a job may use: all ask `trainers.machine`."""
    here = Path(__file__).parents[2]
    rooms = [*(here / name for name in ("orchestrator", "reports", "search_spaces", "trainers", "tests/benchmarks"))]
    files = [here / "run_sweep.py", *(path for room in rooms for path in room.rglob("*.py"))]
    for path in files:
        if path != here / "trainers" / "machine.py":
            text = path.read_text()
            found = [word for word in ("cpu_count", "getaffinity", "virtual_memory", "SC_PHYS_PAGES") if word in text]
            assert not found, f"{path}: {found}; use trainers.machine"
